#![cfg(test)]

// the files and the engine
mod again;
mod alike;
mod compile;
mod compile_diagnostics;
mod computed;
mod metrics;
mod needs;
mod site;
mod testkit;
mod tidy;
mod batching;
mod caching;
mod staleness;
mod contract_cases;
mod contracts;
mod identity;
mod identity_guards;
mod identity_told;
mod survivorship;
mod lists;
mod paging;
mod timeline;
mod plain_records;
mod answers;
mod attacks;
mod fuzz;
mod bad_answers;
mod incremental;
mod incremental_pages;
mod incremental_random;

mod federation;
mod federation_docs;
mod federation_routers;
mod federation_table;
mod federation_trace;

// the edge
mod alerts;
mod clients;
mod clock;
mod cli;
mod draining;
mod http;
mod http_again;
mod http_audit;
mod http_batch;
mod http_connections;
mod http_events;
mod http_known;
mod http_leaving;
mod http_life;
mod http_origin;
mod http_parts;
mod http_page;
mod http_socket;
mod http_statuses;
mod http_ways;
mod health;
mod otlp;
mod overload;
mod program;
mod reload;
mod seen;

// a request, stage by stage
mod oracle;
mod oddities;
mod operation;

// the shipped files
mod cost;
mod explain;
mod worst_case;
mod demo;
mod demo_model;
mod docs;
mod docs_pages;
mod walk_through;

// systems of others
mod packs;
mod policy;
mod faults;
mod real;
mod real_systems;
mod transport;
mod transport_connections;
mod transport_pages;
mod transport_policy;
mod transport_soap;
mod transport_tls;
mod transport_urls;
mod executor;
