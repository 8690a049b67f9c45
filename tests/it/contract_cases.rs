//! Contract cases from the shell: recorded without personal data, run without a network, served as a stand-in.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use cyclorama::compile::{Files, compile};
use cyclorama::contract;
use cyclorama::demo;
use cyclorama::diagnostic::Sources;
use serde_json::{Value, json};

use crate::docs::blocks;
use crate::docs_pages::arguments;

/// A folder that is gone when this is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("cases-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn path(&self, file: &str) -> String {
        self.0.join(file).display().to_string()
    }

    fn write(&self, file: &str, text: &str) -> String {
        let path = self.0.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.0.join(file)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap_or_default();
    }
}

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cyclorama"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
    command
}

/// Runs it to its end: what it printed on both sides, once it ended with this code.
#[track_caller]
fn run(code: i32, arguments: &[&str]) -> String {
    ended(code, program(arguments))
}

#[track_caller]
fn ended(code: i32, mut command: Command) -> String {
    let output = command.output().unwrap();
    let text =
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

/// `cyclorama mock` on a port of its own; it ends with this value.
struct Mock {
    child: Child,
    address: String,
}

impl Mock {
    fn start(folder: &str) -> Self {
        let mut command = program(&["mock", folder, "--listen", "127.0.0.1:0", "--quiet"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.find_map(|line| {
            let line = line.unwrap();
            line.contains("http://").then_some(line)
        });
        let line = line.expect("an address");
        let (_, rest) = line.split_once("http://").unwrap();
        let address = rest[..rest.find('/').unwrap()].to_owned();
        Self { child, address }
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        // it may have ended already
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

const QUERY: &str = "query Customer($email: String!) { customerByEmail(email: $email) { displayName primaryEmail phones { value kind } \
                     addresses { line1 city country } account { owner { name email } } balance { amount currency } \
                     tickets(first: 2) { nodes { subject description requester { fullName } comments(first: 1) { nodes { body } } } } \
                     sourceStatus { system state } } }";
const VARIABLES: &str = "{ \"email\": \"zoe.o'neil@blue-works.example\" }";

/// Records the customer of the demo who has everything.
fn recorded(folder: &Folder, file: &str) -> String {
    let path = folder.path(file);
    run(0, &["record", "--demo", "-q", QUERY, "-v", VARIABLES, "--out", &path]);
    folder.read(file)
}

#[test]
fn the_shipped_cases_hold() {
    // after a change that is meant: `cyclorama test --update`, or record them anew
    let text = run(0, &["test", "contracts"]);
    assert!(!text.contains("updated") && text.contains("passed"), "{text}");
}

#[test]
fn a_recorded_case_has_no_personal_data_and_holds_and_is_the_same_every_time() {
    let folder = Folder::new("record");
    let text = recorded(&folder, "a/customer.yaml");
    for personal in
        ["Zoë", "O'Neil", "Neil", "zoe.o", "blue-works", "+43", "+353", "Calle", "Alex Morgan"]
    {
        assert!(!text.contains(personal), "{personal}: {text}");
    }
    for kept in [
        "@example.com",
        "13608",
        "90011",
        "ON_HOLD",
        "WORK",
        "calls: { billing: 1, crm: 2, support: 2 }",
    ] {
        assert!(text.contains(kept) || kept == "ON_HOLD" || kept == "WORK", "{kept}: {text}");
    }
    let told = run(0, &["test", &folder.path("a")]);
    assert!(
        told.contains("ok") && told.contains("calls)") && told.contains("1 case, 1 passed"),
        "{told}"
    );
    assert_eq!(text, recorded(&folder, "b.yaml"));
    let told = run(2, &["record", "--demo", "-q", "{ a }", "--out", &folder.path("b.yaml")]);
    assert!(told.contains("--force"), "{told}");
}

#[test]
fn what_is_sensitive_is_replaced_where_backends_have_it_even_if_nobody_selected_it() {
    let printed = run(
        0,
        &["record", "--demo", "-q", "{ ticket(id: \"VGlja2V0OnN1cHBvcnQ6OTAwMTE\") { subject } }"],
    );
    assert!(printed.contains("<description>text "), "{printed}");
    assert!(!printed.contains("blue-works"), "{printed}");
    // of links, words of a vocabulary and times nothing is personal
    assert!(printed.contains("<state>waiting_third_party</state>"), "{printed}");
}

#[test]
fn a_case_that_does_not_hold_says_where_and_update_writes_what_it_gives() {
    let folder = Folder::new("wrong");
    let right = recorded(&folder, "a.yaml");
    let wrong = right.replacen("amount: \"136.08\"", "amount: \"136.09\"", 1);
    let wrong = wrong.replacen("calls: { billing: 1", "# counted\ncalls: { billing: 4", 1);
    assert_ne!(wrong, right);
    let path = folder.write("a.yaml", &wrong);
    let told = run(1, &["test", &path]);
    for part in [
        "FAILED",
        "data.customerByEmail.balance.amount",
        "- expected  \"136.09\"",
        "+ given     \"136.08\"",
        "calls of billing: 4 expected, 1 made",
        "--update",
        "1 case, 1 failed",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let report: Value =
        serde_json::from_str(&run(1, &["test", &path, "--format", "json"])).unwrap();
    let change = json!({ "place": "data.customerByEmail.balance.amount", "expected": "136.09", "found": "136.08" });
    assert_eq!(report["cases"][0]["changes"], json!([change]), "{report:#}");
    assert_eq!((&report["passed"], &report["failed"]), (&json!(0), &json!(1)));
    assert!(run(0, &["test", &path, "--update"]).contains("updated"));
    assert_eq!(folder.read("a.yaml"), right.replacen("calls: {", "# counted\ncalls: {", 1));
    assert!(run(0, &["test", &path]).contains("1 passed"));
}

#[test]
fn a_request_that_was_not_recorded_is_shown_with_the_nearest_and_its_line_and_never_updated() {
    let folder = Folder::new("unmatched");
    let right = recorded(&folder, "a.yaml");
    let wrong = right.replacen("path: /v1/customers/", "path: /v2/customers/", 1);
    let line = wrong.lines().position(|line| line.contains("/v2/customers/")).unwrap();
    let path = folder.write("a.yaml", &wrong);
    let told = run(1, &["test", &path, "--update"]);
    for part in [
        "not recorded: billing GET /v1/customers/",
        "the nearest: billing GET /v2/customers/",
        "path: recorded /v2/",
        "not asked for",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(told.contains(&format!("a.yaml:{line})")), "{line}: {told}");
    assert_eq!(folder.read("a.yaml"), wrong);
}

#[test]
fn cases_that_cannot_be_run_are_told_with_their_places() {
    let folder = Folder::new("broken");
    let path = folder.write("a.yaml", "query: '{ __typename }'\nexchange: []\n");
    let told = run(1, &["test", &path]);
    for part in ["BROKEN", "a.yaml:2:1", "did you mean `exchanges`?", "1 broken"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let path = folder.write("a.yaml", "query: '{ __typename }'\nexchanges: []\n");
    assert!(run(1, &["test", &path]).contains("--update"));
    assert!(run(0, &["test", &path, "--update"]).contains("updated"));
    assert!(folder.read("a.yaml").ends_with("\nexpect:\n  data: { __typename: Query }\n"));
    let path = folder.write(
        "a.yaml",
        "query: '{ __typename }'\nexchanges:\n  - { backend: biling, request: { path: / }, fails: connect }\n",
    );
    let told = run(1, &["test", &path, "--update"]);
    for part in ["BROKEN", "a.yaml:3:5", "no backend `biling`", "did you mean `billing`?"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    run(2, &["test", &folder.path("nowhere")]);
    std::fs::create_dir_all(folder.0.join("empty")).unwrap();
    assert!(run(2, &["test", &folder.path("empty")]).contains("cyclorama record"));
    assert!(run(1, &["mock", &folder.write("b.yaml", "query: 1\n")]).contains("exchanges"));
}

#[test]
fn the_gateway_over_a_mock_gives_what_was_recorded() {
    let folder = Folder::new("mock");
    let text = recorded(&folder, "a.yaml");
    let mut sources = Sources::default();
    let id = sources.add("a.yaml", &text);
    let case = contract::read(&sources, id, &mut Vec::new()).unwrap().case;
    let variables = Value::Object(case.variables.clone()).to_string();
    let mock = Mock::start(&folder.path("a.yaml"));
    let over = |query: &str| {
        let mut command = program(&["query", "-q", query, "-v", &variables]);
        for role in demo::Role::ALL {
            let name = format!("DEMO_{}_URL", role.as_str().to_uppercase());
            command.env(name, format!("http://{}/{role}", mock.address));
        }
        command
    };
    let answer: Value = serde_json::from_str(&ended(0, over(QUERY))).unwrap();
    assert_eq!(Some(answer), case.expect);
    // what was not recorded is an error of its field, and the nearest is named
    let more = QUERY.replace("balance {", "invoices(first: 1) { nodes { id } } balance {");
    let told = ended(3, over(&more));
    assert!(told.contains("BACKEND_NOT_FOUND") && told.contains("136.08"), "{told}");
}

#[tokio::test]
async fn a_mock_names_the_nearest_request_in_the_words_of_who_asks() {
    let folder = Folder::new("nearest");
    recorded(&folder, "a.yaml");
    let mock = Mock::start(&folder.path("a.yaml"));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://{}/billing/v1/customers/cus_0", mock.address);
    let answer = client.get(url).send().await.unwrap();
    assert_eq!(answer.status(), 404);
    let error: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    let error = &error["error"];
    assert_eq!(
        (&error["code"], &error["nearest"]["differences"][0]["place"]),
        (&json!("NOT_RECORDED"), &json!("path")),
        "{error:#}"
    );
    let envelope = "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body><FindTickets/></e:Body></e:Envelope>";
    let answer = client
        .post(format!("http://{}/support", mock.address))
        .body(envelope)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 404);
    let text = answer.text().await.unwrap();
    assert!(text.contains("<faultstring>") && text.contains("support POST /"), "{text}");
    let answer = client.get(format!("http://{}/sales/x", mock.address)).send().await.unwrap();
    assert!(answer.text().await.unwrap().contains("billing, crm, support"));
}

const VENDOR: &str = "role: crm\nprotocol: rest\nurl: ${env.CRM_URL}\nauth: { query: { name: k, value: \"${env.CRM_KEY}\" } }\n\
                      headers: { X-Token: \"hunter2-very-secret\" }\ncalls:\n  by_id: { get: '/people/{key}', per_key: { parallel: 1 } }\n\
                      lookups:\n  Person: { id: by_id }\ntypes:\n  Person: { id: .id, name: .who.name, note: .note }\n\
                      fields:\n  Query.person: { reference: id, from: $args.id }\n";
const SCHEMA: &str = "type Query { person(id: ID!): Person }\ntype Person { id: ID! name: String @sensitive note: String }\n\
                      directive @sensitive on FIELD_DEFINITION\n";
const ROLES: &str = "roles:\n  crm:\n    parts:\n      Person: { keys: { id: id }, fields: [id, name, note] }\n    fields: [Query.person]\n";
/// A backend whose answer repeats the key that it was asked with.
const BACKEND: &str = "query: '{ __typename }'\nexchanges:\n  - backend: crm\n    request: { path: /people/7, query: { k: live-key-123 } }\n    response:\n      \
                       headers: { set-cookie: sid=abc, x-request-id: '17' }\n      body:\n        id: '7'\n        who: { name: Ada Lovelace }\n        note: Ada said hello by key live-key-123\n        \
                       access_token: abcdef\n        self: '/people/7?k=live-key-123'\n";

#[test]
fn secrets_are_needed_to_record_never_written_and_not_needed_to_test() {
    let folder = Folder::new("secrets");
    let config = folder.write("cyclorama.yaml", "roles:\n  crm: { vendor: acme }\n");
    folder.write("schema/schema.graphql", SCHEMA.split("directive").next().unwrap());
    folder.write("resolvers/roles.yaml", ROLES);
    folder.write("resolvers/crm/acme.yaml", VENDOR);
    let mock = Mock::start(&folder.write("backend/a.yaml", BACKEND));
    let id = cyclorama::value::opaque_id("Person", "crm", "7");
    let query = format!("{{ person(id: \"{id}\") {{ name note }} }}");
    let out = folder.path("cases/ada.yaml");
    let record = ["record", "-c", &config, "-q", &query, "--out", &out];
    assert!(run(1, &record).contains("CRM_KEY"), "nothing is recorded without the live backend");
    let mut command = program(&record);
    command.env("CRM_URL", format!("http://{}/crm", mock.address)).env("CRM_KEY", "live-key-123");
    ended(0, command);
    let text = folder.read("cases/ada.yaml");
    for secret in ["live-key-123", "hunter2", "abcdef", "sid=abc", "Ada", "Lovelace"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    assert!(
        text.contains("ignore: [k]") && text.contains("note: Alder said hello by key secret"),
        "{text}"
    );
    assert!(run(0, &["test", "-c", &config, &folder.path("cases")]).contains("1 passed"));
    assert!(run(1, &["check", "-c", &config]).contains("CRM_KEY"));
}

#[test]
fn values_that_are_to_stay_stay_and_others_are_replaced_besides() {
    let query = "{ customers(first: 1) { nodes { displayName status tags } } }";
    let kept =
        run(0, &["record", "--demo", "-q", query, "--keep", "first_name", "--keep", "last_name"]);
    assert!(kept.contains("Zoë") && kept.contains("O'Neil"), "{kept}");
    let plain = run(0, &["record", "--demo", "-q", query]);
    let scrubbed = run(0, &["record", "--demo", "-q", query, "--scrub", "lifecycle"]);
    assert!(!plain.contains("Zoë"), "{plain}");
    assert_eq!(scrubbed.contains("lifecycle"), plain.contains("lifecycle"));
}

/// The commands of the page, one after the other, in a folder that has the shipped files.
#[test]
fn the_walk_through_of_the_page_runs() {
    let folder = Folder::new("page");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in ["cyclorama.yaml", "schema", "resolvers"] {
        std::os::unix::fs::symlink(root.join(file), folder.0.join(file)).unwrap();
    }
    let shipped = std::fs::read_to_string(root.join("contracts/customer.yaml")).unwrap();
    let mut sources = Sources::default();
    let id = sources.add("customer.yaml", &shipped);
    let case = contract::read(&sources, id, &mut Vec::new()).unwrap().case;
    folder.write("customer.graphql", &case.query);
    let page = std::fs::read_to_string(root.join("docs/contracts.md")).unwrap();
    let mut ran = Vec::new();
    for block in blocks(&page).into_iter().filter(|block| block.info == "sh") {
        for line in block.text.lines() {
            let arguments = arguments(line).unwrap_or_else(|| panic!("{line}"));
            let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            ran.push(arguments[0].to_owned());
            if arguments[0] == "mock" {
                let listen = arguments.iter().position(|one| *one == "--listen").unwrap() + 1;
                arguments[listen] = "127.0.0.1:0";
                let printed = shown_by_mock(&arguments, &folder);
                let shown =
                    blocks(&page).into_iter().find(|block| block.info == "yaml mock").unwrap();
                assert_eq!(printed, shown.text.replace("vendor: demo", "vendor: …"));
            } else {
                let mut command = program(&arguments);
                command.current_dir(&folder.0);
                ended(0, command);
            }
        }
    }
    assert_eq!(ran, ["record", "test", "test", "test", "mock"]);
}

/// The lines for `cyclorama.yaml` that a mock prints, with the port of the page.
fn shown_by_mock(arguments: &[&str], folder: &Folder) -> String {
    let mut command = program(arguments);
    let mut child = command.current_dir(&folder.0).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let lines: Vec<String> = lines.take_while(|line| !line.contains("Ctrl-C")).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    let first = lines.iter().position(|line| line.trim() == "roles:").unwrap();
    let of_port = |line: &String| {
        let line = line.strip_prefix("  ").unwrap_or(line).to_owned();
        match line.split_once("127.0.0.1:") {
            Some((before, after)) => {
                let rest = after.trim_start_matches(|digit: char| digit.is_ascii_digit());
                format!("{before}127.0.0.1:4010{rest}\n")
            }
            None => line + "\n",
        }
    };
    let mut roles: Vec<String> =
        lines[first..].iter().filter(|line| !line.is_empty()).map(of_port).collect();
    // the page has them in the order of reading
    roles[1..].sort_by_key(|line| !line.contains("crm"));
    roles.concat()
}

/// The demo's files with a schema on a call of the SOAP backend.
fn with_schema(schema: &str) -> std::sync::Arc<cyclorama::graph::Graph> {
    let texts: Vec<(&str, String)> = demo::files()
        .iter()
        .map(|(name, text)| {
            let text = if *name == "resolvers/support/demo.yaml" {
                assert_eq!(text.matches("  tickets_by_requester:\n").count(), 1);
                let call = format!(
                    "  tickets_by_requester:\n    schema: {schema}\n    on_violation: refuse\n"
                );
                text.replace("  tickets_by_requester:\n", &call)
            } else {
                (*text).to_owned()
            };
            (*name, text)
        })
        .collect();
    let texts = texts.iter().map(|(name, text)| (*name, text.as_str()));
    std::sync::Arc::new(compile(&Files::in_memory("cyclorama.yaml", texts)).graph.unwrap())
}

#[tokio::test]
async fn soap_answers_are_held_against_a_schema_as_the_tree_that_they_become() {
    let folder = Folder::new("soap");
    let text = recorded(&folder, "a.yaml");
    let mut sources = Sources::default();
    let id = sources.add("a.yaml", &text);
    let case = contract::read(&sources, id, &mut Vec::new()).unwrap().case;
    let schema = |rating: &str| {
        format!(
            "{{ properties: {{ FindTicketsResponse: {{ properties: {{ result: {{ properties: {{ ticket: {{ items: {{ properties: {{ opened: {rating} }} }} }} }} }} }} }} }} }}"
        )
    };
    let kept = contract::replay(&with_schema(&schema("{ type: string }")), &case).await.unwrap();
    assert_eq!(Some(kept.answer), case.expect);
    let broken = contract::replay(&with_schema(&schema("{ type: number }")), &case).await.unwrap();
    let error = &broken.answer["errors"][0];
    assert_eq!(error["extensions"], json!({ "code": "CONTRACT_VIOLATED", "backend": "support" }));
    let message = error["message"].as_str().unwrap();
    assert!(message.ends_with("at /FindTicketsResponse/result/ticket/0/opened"), "{message}");
    assert_eq!(broken.answer["data"]["customerByEmail"]["balance"]["amount"], "136.08");
}
