//! Whether operations may run: there is a place for them, and their client has budget left. One way in for all protocols.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::HeaderMap;
use axum::response::Response;
use tokio::time::Instant;

use super::Gateway;
use super::overload::{Overload, Place};
use super::rate::{Client, Rates, Told};
use super::request::Refusal;
use crate::config::settings::RateKey;
use crate::engine;
use crate::principal::Principal;

/// What the server has taken on, over all graphs.
#[derive(Debug, Default)]
pub(super) struct Load {
    pub(super) overload: Arc<Overload>,
    pub(super) rates: Rates,
}

/// The answer to operations that ask to run.
pub(super) struct Admission {
    /// To be held as long as they run.
    pub(super) place: Result<Place, Refusal>,
    told: Option<Told>,
}

impl Admission {
    /// Tells the client what is left of its budget, if it has one.
    pub(super) fn tell(&self) -> impl FnOnce(&mut Response) + use<> {
        let told = self.told;
        move |response| told.into_iter().for_each(|told| told.write(response))
    }
}

impl Gateway {
    /// Who is counted together with whoever sent this request.
    pub(super) fn client(
        &self,
        headers: &HeaderMap,
        peer: Option<IpAddr>,
        principal: &Principal,
    ) -> Client {
        let limit = self.settings.http.rate_limit.as_ref();
        let key = limit.map_or(&RateKey::Address, |limit| &limit.key);
        Client::of(key, headers, peer, principal)
    }

    /// Refuses at once what could not run anyway, before any of it is read.
    pub(super) fn precheck(&self) -> Result<(), Refusal> {
        self.load.overload.check(&self.settings.http.overload)
    }

    /// Asks for these operations to run, all or none.
    pub(super) fn admit(&self, requests: &[&engine::Request], client: Client) -> Admission {
        let costs = requests.iter().map(|request| self.engine.reckon(request));
        self.admit_costs(requests.len(), || costs.fold(0, u64::saturating_add), client)
    }

    /// The same for so many operations that cost so much in all.
    pub(super) fn admit_costs(
        &self,
        operations: usize,
        cost: impl FnOnce() -> u64,
        client: Client,
    ) -> Admission {
        let http = &self.settings.http;
        let place = self.load.overload.admit(&http.overload, operations);
        let Some(limit) = http.rate_limit.as_ref().filter(|_| place.is_ok()) else {
            return Admission { place, told: None };
        };
        let (told, taken) = self.load.rates.take(limit, client, cost(), Instant::now());
        Admission { place: taken.and(place), told: Some(told) }
    }
}
