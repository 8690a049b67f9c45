//! How much each client may ask for: a budget of cost that fills evenly (GCRA, the generic cell rate algorithm).
//!
//! For each client one moment is kept, at which its budget is full again; an operation moves it on by what it costs. Nothing is
//! kept of clients whose budget is full.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use tokio::time::Instant;

use super::request::Refusal;
use crate::config::settings::{RateKey, RateLimit};
use crate::error::ErrorCode;
use crate::principal::Principal;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Longer texts in a header are no client's name.
const KEY_BYTES_MAX: usize = 256;

/// Who is counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Client {
    /// Of version 6 the half that names a network.
    Address(IpAddr),
    Text(Box<str>),
    /// Whose address is not known, and those for whom there is no room.
    Others,
}

impl Client {
    pub(super) fn of(
        key: &RateKey,
        headers: &HeaderMap,
        address: Option<IpAddr>,
        principal: &Principal,
    ) -> Self {
        let text = match key {
            RateKey::Address => None,
            RateKey::Tenant => Some(&*principal.tenant),
            RateKey::Header(name) => headers.get(&**name).and_then(|value| value.to_str().ok()),
        };
        let text = text.filter(|text| (1..=KEY_BYTES_MAX).contains(&text.len()));
        match (text, address) {
            (Some(text), _) => Self::Text(text.into()),
            (None, Some(IpAddr::V6(address))) => match address.to_ipv4_mapped() {
                Some(address) => Self::Address(IpAddr::V4(address)),
                None => Self::Address(IpAddr::V6(network(address))),
            },
            (None, Some(address)) => Self::Address(address),
            (None, None) => Self::Others,
        }
    }
}

fn network(address: Ipv6Addr) -> Ipv6Addr {
    Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)
}

/// The clients whose budget is not full.
#[derive(Debug, Default)]
pub(super) struct Rates {
    kept: Mutex<Kept>,
    limited: AtomicU64,
}

#[derive(Debug, Default)]
struct Kept {
    /// When each one's budget is full again.
    full_at: HashMap<Client, Instant>,
    swept_at: Option<Instant>,
}

/// What is left of a client's budget, to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    budget: u64,
    per: Duration,
    left: u64,
    /// Until the budget is full again.
    full_in: Duration,
}

impl Rates {
    /// Takes a cost off a client's budget; if that does not hold as much, nothing is taken, and it says when it will.
    pub(super) fn take(
        &self,
        limit: &RateLimit,
        client: Client,
        cost: u64,
        now: Instant,
    ) -> (Told, Result<(), Refusal>) {
        // what costs more than the whole budget takes the whole budget
        let cost = cost.clamp(1, limit.burst);
        let whole = limit.time_of(limit.burst);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let client = kept.room_for(client, limit.clients, now);
        let full_at = kept.full_at.get(&client).copied().unwrap_or(now).max(now);
        let next = full_at + limit.time_of(cost);
        let late = next.saturating_duration_since(now + whole);
        if late.is_zero() {
            kept.full_at.insert(client, next);
            return (told(limit, next.saturating_duration_since(now)), Ok(()));
        }
        drop(kept);
        self.limited.fetch_add(1, Ordering::Relaxed);
        let message = format!(
            "this client has used its budget of {} in {:?} (http.rate_limit); the operation costs {cost}",
            limit.budget, limit.per
        );
        let refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::RateLimited, message);
        let told = told(limit, full_at.saturating_duration_since(now));
        (told, Err(refusal.retry_after(late)))
    }

    /// How many operations were refused.
    pub(super) fn limited(&self) -> u64 {
        self.limited.load(Ordering::Relaxed)
    }
}

impl Kept {
    /// Bounded, also against clients that make up names: those whose budget is full are forgotten, and for whom there is no room
    /// then is counted with the others.
    fn room_for(&mut self, client: Client, most: usize, now: Instant) -> Client {
        const BETWEEN_SWEEPS: Duration = Duration::from_secs(1);
        if self.full_at.len() < most || self.full_at.contains_key(&client) {
            return client;
        }
        let is_due =
            self.swept_at.is_none_or(|at| now.saturating_duration_since(at) >= BETWEEN_SWEEPS);
        if is_due {
            self.swept_at = Some(now);
            self.full_at.retain(|_, full_at| *full_at > now);
        }
        if self.full_at.len() < most { client } else { Client::Others }
    }
}

fn told(limit: &RateLimit, full_in: Duration) -> Told {
    let left = limit.time_of(limit.burst).saturating_sub(full_in);
    Told { budget: limit.burst, per: limit.per, left: limit.cost_of(left), full_in }
}

impl Told {
    /// As the IETF's draft of `RateLimit` and `RateLimit-Policy` has them, in units of cost.
    pub(super) fn write(self, response: &mut Response) {
        let seconds =
            |duration: Duration| duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
        let policy = format!("\"default\";q={};w={}", self.budget, seconds(self.per).max(1));
        let left = format!("\"default\";r={};t={}", self.left, seconds(self.full_in));
        for (name, value) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, left)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
    }
}

/// How long to wait, in whole seconds.
pub(super) fn write_retry_after(response: &mut Response, after: Duration) {
    let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(budget: u64, per: Duration, burst: u64) -> RateLimit {
        RateLimit { budget, per, burst, ..RateLimit::default() }
    }

    fn named(name: &str) -> Client {
        Client::Text(name.into())
    }

    /// Arrivals against the bucket that is filled evenly, reckoned in whole numbers: parts of a unit that fall due in a tick.
    #[tokio::test(start_paused = true)]
    async fn ten_thousand_arrivals_get_what_a_bucket_that_fills_evenly_gives() {
        let limit = limit(100, Duration::from_secs(10), 40);
        let rates = Rates::default();
        let (mut now, mut hundredths, mut admitted) = (Instant::now(), 40_00_u64, 0);
        let mut seed = 7_u64;
        for arrival in 0..10_000 {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            // a unit falls due every 100 ms, a hundredth every millisecond
            let pause = (seed >> 33) % 700;
            let cost = 1 + (seed >> 50) % 12;
            now += Duration::from_millis(pause);
            hundredths = (hundredths + pause).min(40_00);
            let expected = hundredths >= cost * 100;
            let taken = rates.take(&limit, named("one"), cost, now);
            let (told, taken) = taken;
            assert_eq!(taken.is_ok(), expected, "arrival {arrival}: {cost} of {hundredths}");
            if expected {
                hundredths -= cost * 100;
                admitted += 1;
            }
            assert_eq!(told.left, hundredths / 100, "arrival {arrival}");
        }
        assert!((1_000..9_000).contains(&admitted), "{admitted} of 10,000: neither case is rare");
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_refused_is_told_when_it_may_come_again_and_is_admitted_then() {
        let (limit, rates, now) =
            (limit(60, Duration::from_mins(1), 60), Rates::default(), Instant::now());
        rates.take(&limit, named("one"), 60, now).1.unwrap();
        let (told, refused) = rates.take(&limit, named("one"), 5, now);
        assert_eq!((told.left, told.full_in), (0, Duration::from_mins(1)));
        let after = refused.unwrap_err().retry_after.unwrap();
        assert_eq!(after, Duration::from_secs(5));
        assert!(
            rates.take(&limit, named("one"), 5, now + after - Duration::from_millis(1)).1.is_err()
        );
        assert!(rates.take(&limit, named("one"), 5, now + after).1.is_ok());
        assert!(
            rates.take(&limit, named("other"), 60, now).1.is_ok(),
            "each has a budget of its own"
        );
        assert_eq!(rates.limited(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_costs_more_than_a_whole_budget_takes_it_whole() {
        let (limit, rates, now) =
            (limit(10, Duration::from_secs(10), 10), Rates::default(), Instant::now());
        assert_eq!(rates.take(&limit, named("one"), 1_000_000, now).0.left, 0);
        assert!(
            rates.take(&limit, named("one"), 1_000_000, now + Duration::from_secs(9)).1.is_err()
        );
        assert!(
            rates.take(&limit, named("one"), 1_000_000, now + Duration::from_secs(10)).1.is_ok()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn clients_without_number_are_counted_together_once_there_is_no_room() {
        let limit = RateLimit { clients: 100, ..limit(10, Duration::from_secs(10), 10) };
        let (rates, mut now) = (Rates::default(), Instant::now());
        for number in 0..100 {
            rates.take(&limit, named(&number.to_string()), 10, now).1.unwrap();
        }
        rates.take(&limit, named("beyond"), 10, now).1.unwrap();
        assert!(rates.take(&limit, named("far beyond"), 1, now).1.is_err());
        assert!(rates.kept.lock().unwrap().full_at.len() <= 101);
        now += Duration::from_secs(10);
        assert!(rates.take(&limit, named("far beyond"), 10, now).1.is_ok(), "there is room again");
    }

    #[test]
    fn addresses_of_one_network_are_one_client() {
        let anonymous = Principal::anonymous();
        let of = |text: &str| {
            Client::of(&RateKey::Address, &HeaderMap::new(), text.parse().ok(), &anonymous)
        };
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2::"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        let mut headers = HeaderMap::new();
        let key = RateKey::Header("x-client".into());
        let by_address = Client::of(&key, &headers, "192.0.2.1".parse().ok(), &anonymous);
        assert_eq!(by_address, of("192.0.2.1"), "who has no name is known by its address");
        headers.insert("x-client", HeaderValue::from_static("a"));
        assert_eq!(Client::of(&key, &headers, None, &anonymous), named("a"));
    }
}
