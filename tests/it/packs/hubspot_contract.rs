//! Every call of the `HubSpot` file against the vendor's own `OpenAPI` documents, as Prism understands them.

use std::path::{Path, PathBuf};
use std::process::Command;

use cyclorama::graph::{Graph, Method};
use cyclorama::principal::Principal;
use cyclorama::template::Inputs;
use cyclorama::transport::{WireRequest, WireResponse, decode};
use serde_json::json;

use super::calls::{With, requests};
use super::kit::{Roles, graph};
use crate::needs;
use crate::real::process::{Folder, Process, free_address, target};

const ROLES: Roles<'_> = &[("crm", "hubspot", "auth: { bearer: pat-eu1-test }")];

/// A mock that refuses whatever breaks its document.
struct Prism {
    /// Where the paths of its document begin.
    prefixes: &'static [&'static str],
    address: std::net::SocketAddr,
    process: Process,
    _folder: Folder,
}

impl Prism {
    async fn over(document: PathBuf, prefixes: &'static [&'static str]) -> Self {
        let folder = Folder::new("prism");
        let address = free_address();
        let mut command = Command::new("node");
        command
            .arg(target().join("npm/node_modules/@stoplight/prism-cli/dist/index.js"))
            .args(["mock", "--errors", "-h", "127.0.0.1", "-p", &address.port().to_string()])
            .arg(document)
            .current_dir(folder.path());
        let process = Process::start("prism", &command, &folder.join("log"));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://{address}/");
        process.ready(|| async { client.get(&url).send().await.is_ok() }).await;
        Self { prefixes, address, process, _folder: folder }
    }
}

/// What Prism says to a request: status and body.
async fn sent(prisms: &[Prism], request: &WireRequest) -> (u16, String) {
    let target = request.url.strip_prefix("http://crm.test").unwrap();
    let prism = prisms
        .iter()
        .find(|prism| prism.prefixes.iter().any(|prefix| target.starts_with(prefix)))
        .unwrap_or_else(|| panic!("no document knows {target}"));
    let method = match request.method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Patch => reqwest::Method::PATCH,
        other => panic!("{other:?}"),
    };
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut sending = client
        .request(method, format!("http://{}{target}", prism.address))
        .body(request.body.to_vec());
    for (name, value) in &request.headers {
        sending = sending.header(name, value);
    }
    let answer = sending.send().await.unwrap_or_else(|e| panic!("{e}\n{}", prism.process.log()));
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn prisms(shared: &Path) -> Vec<Prism> {
    let own = |name: &str| shared.join("fixtures/hubspot").join(name);
    let more =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/packs/hubspot-more.openapi.json");
    let (contacts, companies, deals, more) = tokio::join!(
        Prism::over(own("hubspot_contacts.fixed.json"), &["/crm/v3/objects/contacts"]),
        Prism::over(own("hubspot_companies.fixed.json"), &["/crm/v3/objects/companies"]),
        Prism::over(own("hubspot_deals.fixed.json"), &["/crm/v3/objects/0-3"]),
        // HubSpot publishes these two in documents of their own
        Prism::over(more, &["/crm/v4/associations/", "/crm/v3/owners/"]),
    );
    vec![contacts, companies, deals, more]
}

#[tokio::test]
async fn hubspots_own_contract_accepts_every_call() {
    let test = "packs::hubspot_contract::hubspots_own_contract_accepts_every_call";
    if !needs::outside(test) {
        return;
    }
    let Some(shared) = needs::shared(test) else { return };
    let prisms = prisms(&shared).await;
    let (graph, _) = graph(ROLES);
    let requests = requests(&graph, "crm", |_| With {
        arguments: json!({ "name": "Zoë", "input": { "id": "101", "firstName": "Zoë", "status": "ACTIVE" } }),
        page: &[("after", "NTI1Cg%3D%3D")],
        ..With::default()
    });
    let mut names: Vec<&str> = requests.iter().map(|(name, _)| name.as_str()).collect();
    names.dedup();
    assert_eq!(names.len(), graph.calls.len(), "every call of the file: {names:?}");
    for (name, request) in &requests {
        let (status, body) = sent(&prisms, request).await;
        assert!((200..300).contains(&status), "{name}: {status} {body}\n{request:?}");
        assert_read(&graph, name, status, &body);
    }
    // the contract is one: what breaks it is refused
    let (_, request) = requests.iter().find(|(name, _)| name == "contacts_by_id").unwrap();
    let broken = WireRequest { body: "{\"inputs\":[]}".into(), ..request.clone() };
    assert_eq!(sent(&prisms, &broken).await.0, 422);
    let (_, request) = requests.iter().find(|(name, _)| name == "deals_of_contacts").unwrap();
    let broken = WireRequest { body: "{\"inputs\":[{\"id\":7}]}".into(), ..request.clone() };
    assert_eq!(sent(&prisms, &broken).await.0, 422);
    let nothing = cyclorama::transport::fields([("", ""); 0]);
    let anonymous = WireRequest { headers: nothing, ..request.clone() };
    assert!([401, 415, 422].contains(&sent(&prisms, &anonymous).await.0));
}

/// Prism's examples are the vendor's own: an answer made of them is read.
fn assert_read(graph: &Graph, name: &str, status: u16, body: &str) {
    let call = graph.calls.iter().find(|call| *call.name == *name).unwrap();
    let response = WireResponse {
        status,
        headers: cyclorama::transport::fields([("content-type", "application/json")]),
        body: body.to_owned().into(),
    };
    let principal = Principal::anonymous();
    let inputs = Inputs {
        keys: &[],
        arguments: &serde_json::Map::new(),
        fields: &[],
        page: None,
        page_size: None,
        principal: &principal,
        known: None,
    };
    let read = decode(call, inputs, response);
    assert!(read.is_ok(), "{name}: {read:?}\n{body}");
}
