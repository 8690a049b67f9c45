//! `cyclorama demo`

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;

use super::files::{self, Deployment};
use super::output::{self, COMMAND, LINK, STRONG};
use super::{Exit, Failure, runtime, serve, signals};
use crate::compile::Files;
use crate::demo::{self, Backends, Role};
use crate::{http, value};

/// Start three small backends and the gateway over them, in this one process
///
/// A CRM and a billing system that speak REST and a support system that speaks SOAP, each on its own loopback port, with the
/// same customers every time. Needs no network, no files and no account.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cyclorama demo
  cyclorama demo --latency 20ms --slow billing
  cyclorama demo --fail support               # watch partial answers and `sourceStatus`")]
pub(super) struct Arguments {
    /// Where the gateway listens
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4000")]
    listen: SocketAddr,
    #[command(flatten)]
    world: World,
}

/// What the backends of the demo are like.
#[derive(Args, Debug)]
struct World {
    /// How many customers there are
    #[arg(long, value_name = "N", default_value_t = demo::Options::default().customers)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    customers: u32,
    /// How long each answer of a backend takes: `20ms`, `1s`
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "0ms")]
    latency: Duration,
    /// A backend that takes 800 ms longer: `crm`, `billing` or `support`; may be given again
    #[arg(long, value_name = "ROLE", value_parser = role)]
    slow: Vec<Role>,
    /// A backend that answers 503 to everything; may be given again
    #[arg(long, value_name = "ROLE", value_parser = role)]
    fail: Vec<Role>,
}

/// The demo's backends, and the graph over them.
pub(super) struct Running {
    pub(super) deployment: Deployment,
    pub(super) backends: Backends,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let World { customers, latency, slow, fail } = &arguments.world;
    let options = demo::Options {
        customers: *customers,
        latency: *latency,
        slow: slow.clone(),
        fail: fail.clone(),
        ..demo::Options::default()
    };
    runtime()?.block_on(async {
        let listener = serve::bind(arguments.listen, "--listen").await?;
        let address = serve::address(&listener)?;
        let running = start(options).await?;
        serve::start_logs(&running.deployment.settings)?;
        let examples = examples(&running.backends);
        output::print(&welcome(address, &running.backends, arguments, &examples.email))?;
        let server = serve::server(&running.deployment, examples)?;
        let stop = signals::stop(server.clone());
        serve::finish(http::serve(listener, server, stop).await)
    })
}

/// Starts the backends and compiles the shipped files with their addresses.
pub(super) async fn start(options: demo::Options) -> Result<Running, Failure> {
    let backends = demo::start(options).await.map_err(|error| {
        Failure::new(format!("the demo's backends could not be started: {error}"))
    })?;
    let deployment = files::deployment(&files(Some(&backends)))?;
    Ok(Running { deployment, backends })
}

/// The shipped files, with the backends where they are; without them, for looking only, where the files themselves say.
pub(super) fn files(backends: Option<&Backends>) -> Files {
    let addresses = backends.map(Backends::environment).into_iter().flatten();
    let environment = addresses.map(|(name, url)| (name.to_owned(), url)).collect();
    Files::in_memory("cyclorama.yaml", demo::files().iter().copied())
        .with_environment(environment, BTreeMap::new())
}

/// Values for the prepared queries that this world has an answer to.
fn examples(backends: &Backends) -> http::Examples {
    let (email, ticket) = backends.first_customer();
    let ticket_id = ticket.map(|number| value::opaque_id("Ticket", "support", &number.to_string()));
    http::Examples {
        email,
        ticket_id: ticket_id.unwrap_or_else(|| http::Examples::default().ticket_id),
    }
}

fn welcome(address: SocketAddr, backends: &Backends, arguments: &Arguments, email: &str) -> String {
    let World { customers, latency, slow, fail } = &arguments.world;
    let mut text = format!(
        "\n  {STRONG}Cyclorama demo{STRONG:#}: {customers} customers in three systems, one graph\n\n  \
         {:<10}{LINK}http://{address}/{LINK:#}\n  {:<10}{LINK}http://{address}/graphql{LINK:#}\n\n",
        "GraphiQL", "GraphQL"
    );
    for role in Role::ALL {
        let protocol = if role == Role::Support { "SOAP" } else { "REST" };
        let slow = if slow.contains(&role) { ", slow" } else { "" };
        let fail = if fail.contains(&role) { ", failing" } else { "" };
        let line =
            format!("  {:<10}{} ({protocol}{slow}{fail})\n", role.as_str(), backends.url(role));
        text.push_str(&line);
    }
    if !latency.is_zero() {
        // writing to a string cannot fail
        writeln!(text, "  every backend takes {latency:?} for each answer").ok();
    }
    let body = serde_json::json!({
        "query": "query($email: String!) { customerByEmail(email: $email) { displayName balance { amount currency } tickets(first: 3) { nodes { subject } } sourceStatus { system state } } }",
        "variables": { "email": email },
    });
    // the address may hold a quote: it is put into the shell's quotes as the shell wants it
    let body = body.to_string().replace('\'', "'\\''");
    write!(
        text,
        "\n  Try\n  {COMMAND}curl -s http://{address}/graphql -H 'content-type: application/json' -d '{body}'{COMMAND:#}\n\n  \
         Ctrl-C stops it.\n\n"
    )
    .ok();
    text
}

fn role(text: &str) -> Result<Role, String> {
    text.parse()
}

/// `250ms`, `5s`, `2m`, as in the files.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let millis: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        _ => return Err("write a number with its unit: `20ms`, `1s`, `2m`".to_owned()),
    };
    let number: u64 =
        number.parse().map_err(|_| "write a whole number with its unit: `20ms`".to_owned())?;
    let duration = Duration::from_millis(number.saturating_mul(millis));
    if duration > Duration::from_hours(1) {
        Err("an hour is the most".to_owned())
    } else {
        Ok(duration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        assert_eq!(duration("20ms"), Ok(Duration::from_millis(20)));
        assert_eq!(duration("2m"), Ok(Duration::from_mins(2)));
        for wrong in ["", "20", "ms", "1.5s", "-1s", "2h", "99999999999999999999s", "600m"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
