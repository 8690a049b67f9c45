//! Who may use the admin listener: whoever shows the token; without one, programs of this machine, and no page in a browser.

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use sha2::{Digest, Sha256};

use crate::config::settings::Secret;
use crate::http;

#[derive(Debug)]
pub(super) struct Access {
    /// The hash of the token: hashes are compared, so that the time says nothing of the token.
    token: Option<[u8; 32]>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) message: &'static str,
}

impl Access {
    pub(super) fn new(token: Option<&Secret>) -> Self {
        Self { token: token.map(|token| hash(token.reveal())) }
    }

    pub(super) fn check(&self, request: &Request) -> Result<(), Refusal> {
        let forbidden = |message| Err(Refusal { status: StatusCode::FORBIDDEN, message });
        if request.headers().contains_key(header::ORIGIN)
            || request.headers().get("sec-fetch-site").is_some_and(|site| site != "none")
        {
            return forbidden("pages of a browser are not obeyed here");
        }
        match self.token {
            Some(token) if bearer(request.headers()).is_none_or(|shown| hash(shown) != token) => {
                let message = "show `admin.token` as `Authorization: Bearer …`";
                Err(Refusal { status: StatusCode::UNAUTHORIZED, message })
            }
            // a page that rebinds its own name to this address sends no origin with a GET
            None if !http::is_called_by_local_name(request) => {
                forbidden("without a token, call this listener `localhost` or by its address")
            }
            Some(_) | None => Ok(()),
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    #[track_caller]
    fn check(token: Option<&str>, headers: &[(&str, &str)], status: u16) {
        let mut request = Request::builder().uri("/state");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let access = Access::new(token.map(Secret::new).as_ref());
        let checked = access.check(&request.body(Body::empty()).unwrap());
        let found = checked.map_or_else(|refusal| refusal.status.as_u16(), |()| 200);
        assert_eq!(found, status, "{token:?} {headers:?}");
    }

    #[test]
    fn without_a_token_programs_of_this_machine_are_obeyed_and_pages_are_not() {
        check(None, &[("host", "127.0.0.1:4001")], 200);
        check(None, &[("host", "localhost:4001")], 200);
        check(None, &[("host", "rebound.example")], 403);
        check(None, &[("host", "localhost"), ("origin", "http://localhost")], 403);
        check(None, &[("host", "localhost"), ("sec-fetch-site", "cross-site")], 403);
    }

    #[test]
    fn with_a_token_only_who_shows_it_is_obeyed() {
        let bearer = format!("Bearer {TOKEN}");
        check(Some(TOKEN), &[("host", "pod.example"), ("authorization", &bearer)], 200);
        check(Some(TOKEN), &[("host", "pod.example"), ("authorization", TOKEN)], 401);
        check(Some(TOKEN), &[("authorization", "Bearer 0123456789abcdeF")], 401);
        check(Some(TOKEN), &[("host", "localhost")], 401);
        check(Some(TOKEN), &[("authorization", &bearer), ("origin", "http://localhost")], 403);
    }
}
