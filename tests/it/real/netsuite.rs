//! A `SuiteTalk` CRM: PHP's SOAP server over `NetSuite`'s own WSDL (`tests/real/netsuite.php`).

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::process::{Folder, Process, asset, free_address};
use super::rest::Rest;

/// The account of the token passport.
pub(crate) const ACCOUNT: &str = "TSTDRV1234567_SB1";

pub(crate) struct NetSuite {
    pub(crate) address: SocketAddr,
    process: Option<Process>,
    folder: Folder,
}

impl NetSuite {
    /// Ends the server at once.
    pub(crate) fn stop(&mut self) {
        drop(self.process.take());
    }

    /// Serves these customers and opportunities. `shared` holds the WSDL.
    pub(crate) async fn start(shared: &Path, customers: &[Value], opportunities: &[Value]) -> Self {
        let folder = Folder::new("netsuite");
        let data = json!({
            "login": {
                "email": "gateway@cyclorama.example", "password": "not used", "account": ACCOUNT,
                "consumerKey": "consumer-key", "consumerSecret": "consumer-secret",
                "token": "token-id", "tokenSecret": "token-secret",
            },
            "customers": customers,
            "opportunities": opportunities,
        });
        std::fs::write(folder.join("data.json"), data.to_string()).unwrap();
        let address = free_address();
        let mut command = Command::new("php");
        command
            .args(["-S", &address.to_string()])
            .arg(asset("netsuite.php"))
            .env("PHP_CLI_SERVER_WORKERS", "4")
            .env("NETSUITE_WSDL", shared.join("fixtures/wsdl/netsuite-2017.2/wsdl/netsuite.wsdl"))
            .env("NETSUITE_DATA", folder.join("data.json"))
            .current_dir(folder.path());
        let process = Process::start("php", &command, &folder.join("log"));
        let rest = Rest::new(address);
        process.ready(|| rest.is_up("/")).await;
        Self { address, process: Some(process), folder }
    }

    /// The records as the server holds them now.
    pub(crate) fn data(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.folder.join("data.json")).unwrap()).unwrap()
    }
}
