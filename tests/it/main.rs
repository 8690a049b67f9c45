// the files and the engine
#[cfg(test)]
mod compile;
#[cfg(test)]
mod compile_diagnostics;
#[cfg(test)]
mod needs;
#[cfg(test)]
mod site;
#[cfg(test)]
mod testkit;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod batching;
#[cfg(test)]
mod caching;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod paging;
#[cfg(test)]
mod answers;
#[cfg(test)]
mod bad_answers;

// the edge
#[cfg(test)]
mod cli;
#[cfg(test)]
mod http;
#[cfg(test)]
mod http_audit;
#[cfg(test)]
mod http_life;
#[cfg(test)]
mod http_page;
#[cfg(test)]
mod http_socket;

// a request, stage by stage
#[cfg(test)]
mod operation;

// the shipped files
#[cfg(test)]
mod demo;
#[cfg(test)]
mod docs;
#[cfg(test)]
mod docs_pages;

// systems of others
#[cfg(test)]
mod real;
#[cfg(test)]
mod real_systems;
#[cfg(test)]
mod transport;
#[cfg(test)]
mod transport_pages;
#[cfg(test)]
mod transport_policy;
#[cfg(test)]
mod transport_soap;
#[cfg(test)]
mod transport_urls;
#[cfg(test)]
mod executor;
