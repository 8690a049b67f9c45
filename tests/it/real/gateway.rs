//! The built binary, serving the shipped schema and vendor files over the real systems.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::process::{Folder, Process, free_address};
use super::rest::Rest;

pub(crate) struct Gateway {
    rest: Rest,
    process: Process,
    _folder: Folder,
}

impl Gateway {
    /// `roles`: the `roles:` of `cyclorama.yaml`, indented by two.
    pub(crate) async fn start(roles: &str) -> Self {
        let folder = Folder::new("gateway");
        let address = free_address();
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let config = format!(
            "listen: {address}\nschema: {}\nresolvers: {}\nroles:{roles}deadline: 60s\nlog: {{ level: info, format: json }}\n",
            here.join("schema").display(),
            here.join("resolvers").display(),
        );
        let file = folder.join("cyclorama.yaml");
        std::fs::write(&file, config).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_cyclorama"));
        command.arg("serve").arg("--config").arg(&file).current_dir(folder.path());
        let process = Process::start("cyclorama", &command, &folder.join("log"));
        let rest = Rest::new(address);
        process.ready(|| rest.is_up("/livez")).await;
        Self { rest, process, _folder: folder }
    }

    /// The whole answer to an operation.
    pub(crate) async fn answer(&self, query: &str, variables: Value) -> Value {
        let answer = self
            .rest
            .try_post("/graphql", &json!({ "query": query, "variables": variables }))
            .await;
        let body = answer.json();
        assert!(body.is_object(), "{} {}", answer.status, answer.text);
        body
    }

    /// The data of an operation that has no errors.
    pub(crate) async fn data(&self, query: &str, variables: Value) -> Value {
        let mut answer = self.answer(query, variables).await;
        assert!(answer.get("errors").is_none(), "{:#}\n{}", answer["errors"], self.process.log());
        answer["data"].take()
    }

    pub(crate) fn log(&self) -> String {
        self.process.log()
    }
}

/// An address as `cyclorama.yaml` names it.
pub(crate) fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}
