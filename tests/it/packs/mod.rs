//! The shipped vendor files, each over a stand-in that speaks the vendor's own format, and held to the vendor's own contract.

mod calls;
mod forms;
mod hubspot;
mod hubspot_api;
mod hubspot_contract;
mod kit;
mod netsuite;
mod netsuite_api;
mod netsuite_contract;
mod recorded;
mod request_tracker_api;
mod salesforce;
mod salesforce_api;
mod stripe_api;
mod swap;
mod swap_seeds;
mod zendesk;
mod zendesk_api;
