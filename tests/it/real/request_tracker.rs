//! Request Tracker 5 from Debian, with its configuration, database and caches in a folder of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::process::{Folder, Process, asset, free_address, run};
use super::rest::Rest;

const SERVER: &str = "/usr/share/request-tracker5/libexec/rt-server";
const SETUP: &str = "/usr/sbin/rt-setup-database-5";

pub(crate) struct RequestTracker {
    pub(crate) address: SocketAddr,
    /// As root: for seeding.
    pub(crate) root: Rest,
    /// The gateway's token.
    pub(crate) token: String,
    process: Option<Process>,
    _folder: Folder,
}

impl RequestTracker {
    /// Ends the server at once.
    pub(crate) fn stop(&mut self) {
        drop(self.process.take());
    }

    pub(crate) async fn start() -> Self {
        let folder = Folder::new("rt");
        let address = free_address();
        for name in ["var", "mason", "session", "local", "site.d", "tmp"] {
            std::fs::create_dir_all(folder.join(name)).unwrap();
        }
        let config = std::fs::read_to_string(asset("RT_SiteConfig.pm")).unwrap();
        let config = config.replace("@FOLDER@", &folder.path().display().to_string());
        std::fs::write(
            folder.join("RT_SiteConfig.pm"),
            config.replace("@PORT@", &address.port().to_string()),
        )
        .unwrap();

        run(own(&mut Command::new(SETUP), &folder).args(["--action", "init", "--skip-create"]));
        let data = asset("rt_initialdata.pl");
        run(own(&mut Command::new(SETUP), &folder)
            .args(["--action", "insert", "--skip-create", "--datafile"])
            .arg(data));
        let token = std::fs::read_to_string(folder.join("token")).unwrap();

        let mut command = Command::new(SERVER);
        own(&mut command, &folder).args(["--listen", &address.to_string(), "--max-workers", "4"]);
        let process = Process::start("Request Tracker", &command, &folder.join("log"));
        let root = Rest::new(address).basic("root", "password");
        process.ready(|| root.is_up("/REST/2.0/rt")).await;
        Self { address, root, token, process: Some(process), _folder: folder }
    }

    /// A person outside the company.
    pub(crate) async fn person(&self, name: &str, email: &str) {
        let user =
            json!({ "Name": email, "RealName": name, "EmailAddress": email, "Privileged": 0 });
        self.root.post("/REST/2.0/user", &user).await;
    }

    /// Several tickets at once; their ids.
    pub(crate) async fn tickets(&self, tickets: &[Value]) -> Vec<String> {
        let made = self.root.post("/REST/2.0/tickets/bulk", &json!(tickets)).await;
        let ids: Vec<String> =
            made.as_array().into_iter().flatten().map(|ticket| id(&ticket["id"])).collect();
        assert!(ids.len() == tickets.len() && ids.iter().all(|id| id != "null"), "{made}");
        ids
    }

    /// Changes a ticket.
    pub(crate) async fn set(&self, ticket: &str, change: &Value) {
        self.root.put(&format!("/REST/2.0/ticket/{ticket}"), change).await;
    }

    /// An answer that the requester sees (`correspond`), or a note that they do not (`comment`).
    pub(crate) async fn say(&self, ticket: &str, how: &str, text: &str) {
        let message = json!({ "Content": text, "ContentType": "text/plain" });
        self.root.post(&format!("/REST/2.0/ticket/{ticket}/{how}"), &message).await;
    }
}

fn id(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Everything that says where Request Tracker's own files are.
fn own<'a>(command: &'a mut Command, folder: &Folder) -> &'a mut Command {
    let path = |name: &str| Path::new(folder.path()).join(name);
    command
        .env("RT_SITE_CONFIG", path("RT_SiteConfig.pm"))
        .env("RT_SITE_CONFIG_DIR", path("site.d"))
        .env("CYCLORAMA_RT_TOKEN_FILE", path("token"))
        .env("TMPDIR", path("tmp"))
        .current_dir(folder.path())
}
