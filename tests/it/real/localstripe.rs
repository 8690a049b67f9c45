//! localstripe: a Stripe double that keeps state, from `PyPI`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use super::process::{Folder, Process, free_address, target};
use super::rest::Rest;

/// Serves on loopback alone, and keeps its state in memory instead of a file that all runs would share.
const SERVE: &str = "\
import sys
from aiohttp import web
from localstripe import resources
resources.Store.dump_to_disk = lambda self: None
from localstripe.server import app
web.run_app(app, host='127.0.0.1', port=int(sys.argv[1]), print=None)
";

pub(crate) const KEY: &str = "sk_test_12345";

pub(crate) struct LocalStripe {
    pub(crate) address: SocketAddr,
    pub(crate) rest: Rest,
    process: Option<Process>,
    _folder: Folder,
}

impl LocalStripe {
    /// Ends the server at once.
    pub(crate) fn stop(&mut self) {
        drop(self.process.take());
    }

    pub(crate) async fn start() -> Self {
        let folder = Folder::new("localstripe");
        let address = free_address();
        let mut command = Command::new(python());
        command.args(["-c", SERVE, &address.port().to_string()]).current_dir(folder.path());
        let process = Process::start("localstripe", &command, &folder.join("log"));
        let rest = Rest::new(address).basic(KEY, "");
        process.ready(|| rest.is_up("/v1/customers")).await;
        Self { address, rest, process: Some(process), _folder: folder }
    }

    /// A customer with a card that works; their id.
    pub(crate) async fn customer(&self, name: &str, email: &str, crm_id: Option<&str>) -> String {
        let metadata = crm_id.map_or_else(|| json!({}), |id| json!({ "crm_id": id }));
        let customer = self
            .rest
            .post("/v1/customers", &json!({ "name": name, "email": email, "metadata": metadata }))
            .await;
        let id = text(&customer, "id");
        let card = json!({
            "type": "card",
            "card": { "number": "4242424242424242", "exp_month": 12, "exp_year": 2040, "cvc": "123" },
        });
        let method = text(&self.rest.post("/v1/payment_methods", &card).await, "id");
        self.rest
            .post(&format!("/v1/payment_methods/{method}/attach"), &json!({ "customer": id }))
            .await;
        let settings = json!({ "invoice_settings": { "default_payment_method": method } });
        self.rest.post(&format!("/v1/customers/{id}"), &settings).await;
        id
    }

    /// An invoice of a subscription, with more lines of (text, minor units); paid if wanted, a draft otherwise.
    pub(crate) async fn invoice(
        &self,
        customer: &str,
        subscription: &str,
        more: &[(&str, &str, i64)],
        pay: bool,
    ) -> String {
        for (description, currency, amount) in more {
            let item = json!({ "customer": customer, "currency": currency, "amount": amount, "description": description });
            self.rest.post("/v1/invoiceitems", &item).await;
        }
        let invoice = json!({
            "customer": customer, "subscription": subscription, "description": "Thank you",
            "pending_invoice_items_behavior": "include",
        });
        let id = text(&self.rest.post("/v1/invoices", &invoice).await, "id");
        if pay {
            self.rest.post(&format!("/v1/invoices/{id}/pay"), &json!({})).await;
        }
        id
    }

    pub(crate) async fn plan(&self, name: &str, currency: &str, amount: i64) -> String {
        let plan = json!({
            "product": { "name": name }, "nickname": name, "currency": currency, "amount": amount, "interval": "month",
        });
        text(&self.rest.post("/v1/plans", &plan).await, "id")
    }

    /// A subscription in its trial, so that it makes no invoice of its own.
    pub(crate) async fn subscription(&self, customer: &str, plan: &str) -> String {
        let subscription = json!({ "customer": customer, "items": [{ "plan": plan, "quantity": 2 }], "trial_period_days": 30 });
        text(&self.rest.post("/v1/subscriptions", &subscription).await, "id")
    }
}

fn python() -> PathBuf {
    target().join("venv/bin/python")
}

fn text(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap_or_else(|| panic!("no {member} in {value}")).to_owned()
}
