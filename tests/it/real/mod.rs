//! Real third-party systems for tests: started on loopback in folders of their own, seeded, counted, stopped.

pub(crate) mod gateway;
pub(crate) mod localstripe;
pub(crate) mod netsuite;
pub(crate) mod process;
pub(crate) mod proxy;
pub(crate) mod rest;
pub(crate) mod request_tracker;
pub(crate) mod world;
