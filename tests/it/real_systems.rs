//! The real systems themselves: that they are there, seeded, and behave in the ways that the vendor files count on.

use crate::real::rest::Rest;
use crate::real::world::{QUOTED, world};

#[tokio::test]
async fn request_tracker_keeps_a_quoted_address_inside_its_query() {
    let Some(world) =
        world("real_systems::request_tracker_keeps_a_quoted_address_inside_its_query").await
    else {
        return;
    };
    let rest =
        Rest::new(world.support.address).authorization(format!("token {}", world.support.token));
    let query = encode(&format!("Requestor.EmailAddress = '{}'", QUOTED.replace('\'', "\\'")));
    let found = rest.get(&format!("/REST/2.0/tickets?query={query}&fields=Subject,Requestor&fields[Requestor]=EmailAddress")).await.json();

    assert_eq!(found["count"], 2, "{found}");
    assert_eq!(found["items"][0]["Requestor"][0]["EmailAddress"], QUOTED, "{found}");
}

/// Percent-encoding of a query value.
fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").unwrap();
        }
        out
    })
}
