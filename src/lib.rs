//! Cyclorama: one live GraphQL graph of every customer.
//!
//! The modules stand in the order of a request; each uses the ones below it and the shared words, never one above.

// the program
pub mod cli;
pub mod demo;
pub mod contract;

// files -> graph
pub mod compile;
pub mod config;
pub mod diagnostic;

// a request, stage by stage
pub mod export;
pub mod admin;
pub mod http;
pub mod engine;
pub mod deliver;
pub mod operation;
pub mod plan;
pub mod execute;
pub mod respond;
pub mod derive;
pub mod load;
pub mod merge;
pub mod cache;
pub mod backend;
pub mod transport;
pub mod template;
pub mod mapping;

// shared words
pub mod error;
pub mod graph;
pub mod nearest;
pub mod principal;
pub mod telemetry;
pub mod value;
