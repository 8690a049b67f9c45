//! Every envelope that the `NetSuite` files send, and every answer of the stand-in, against `NetSuite`'s own schemas; and the words
//! of its enums against those that the files know.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::calls::{With, requests};
use super::kit::{Asked, Roles, graph};
use super::netsuite::PASSPORT;
use super::swap_seeds;
use crate::needs;
use crate::real::process::Folder;

const BOTH: Roles<'_> = &[("crm", "netsuite", PASSPORT), ("billing", "netsuite", PASSPORT)];
const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";

/// A schema of envelopes: whatever stands in a header or a body is declared by one of `NetSuite`'s.
fn schema_of_envelopes(wsdl: &Path) -> String {
    let mut text = format!(
        "<xsd:schema xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" xmlns:s=\"{SOAP}\" targetNamespace=\"{SOAP}\" elementFormDefault=\"qualified\">"
    );
    for entry in std::fs::read_dir(wsdl).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "xsd") {
            let schema = std::fs::read_to_string(&path).unwrap();
            let namespace = schema.split_once("targetNamespace=\"").unwrap().1;
            let namespace = namespace.split('"').next().unwrap();
            let place = path.display();
            write!(text, "<xsd:import namespace=\"{namespace}\" schemaLocation=\"{place}\"/>")
                .unwrap();
        }
    }
    text.push_str(
        "<xsd:element name=\"Envelope\"><xsd:complexType><xsd:sequence>\
         <xsd:element name=\"Header\" minOccurs=\"0\" type=\"s:Content\"/><xsd:element name=\"Body\" type=\"s:Content\"/>\
         </xsd:sequence></xsd:complexType></xsd:element><xsd:complexType name=\"Content\"><xsd:sequence>\
         <xsd:any namespace=\"##other\" processContents=\"strict\" minOccurs=\"0\" maxOccurs=\"unbounded\"/>\
         </xsd:sequence></xsd:complexType></xsd:schema>",
    );
    text
}

struct Schemas {
    folder: Folder,
    schema: PathBuf,
}

impl Schemas {
    fn new(shared: &Path) -> Self {
        let folder = Folder::new("netsuite-schemas");
        let schema = folder.join("envelopes.xsd");
        std::fs::write(&schema, schema_of_envelopes(&wsdl(shared))).unwrap();
        Self { folder, schema }
    }

    /// What is wrong with these, by their names; empty if nothing is.
    fn problems(&self, envelopes: &[(String, String)]) -> String {
        let mut command = Command::new("xmllint");
        command.args(["--noout", "--nonet", "--schema"]).arg(&self.schema);
        for (name, text) in envelopes {
            let file = self.folder.join(&format!("{name}.xml"));
            std::fs::write(&file, text).unwrap();
            command.arg(file);
        }
        let out = command.output().unwrap_or_else(|e| panic!("xmllint cannot be started: {e}"));
        let told = String::from_utf8_lossy(&out.stderr);
        let problems: Vec<&str> =
            told.lines().filter(|line| !line.ends_with(" validates")).collect();
        assert_eq!(out.status.success(), problems.is_empty(), "{told}");
        let validated = told.lines().filter(|line| line.ends_with(" validates")).count();
        assert!(!problems.is_empty() || validated == envelopes.len(), "{told}");
        problems.join("\n")
    }
}

fn wsdl(shared: &Path) -> PathBuf {
    // as the schemas name each other: by whole paths
    shared.join("fixtures/wsdl/netsuite-2017.2/wsdl").canonicalize().unwrap()
}

fn envelopes(role: &str, arguments: &serde_json::Value, name: &str) -> Vec<(String, String)> {
    let (graph, _) = graph(BOTH);
    let sent = requests(&graph, role, |_| With {
        keys: &["1001", "O'Neil & <Söhne>\"@example.com"],
        arguments: arguments.clone(),
        page: &[("searchId", "WEBSERVICES_1&2"), ("pageIndex", "2")],
    });
    let sent = sent.into_iter().enumerate().map(|(number, (call, request))| {
        let text = String::from_utf8(request.body.to_vec()).unwrap();
        assert!(text.contains("tokenPassport"), "{call} is signed");
        (format!("{role}-{name}-{call}-{number}"), text)
    });
    sent.collect()
}

#[test]
fn netsuites_own_schemas_accept_every_envelope() {
    let test = "packs::netsuite_contract::netsuites_own_schemas_accept_every_envelope";
    if !needs::outside(test) {
        return;
    }
    let Some(shared) = needs::shared(test) else { return };
    let schemas = Schemas::new(&shared);
    let change = json!({ "name": "Zoë <&>", "input": { "id": "1", "firstName": "Zoë", "lastName": null, "primaryEmail": "z@example.com" } });
    let mut all = envelopes("crm", &change, "all");
    for status in [json!({}), json!({ "status": "OPEN" }), json!({ "status": "OVERDUE" })] {
        all.extend(envelopes(
            "billing",
            &status,
            &status.to_string().replace(['"', '{', '}', ':'], ""),
        ));
    }
    assert!(all.len() > 60, "{}", all.len());
    assert_eq!(schemas.problems(&all), "");
    // the schemas are some: what breaks them is refused
    let (name, whole) = all.iter().find(|(name, _)| name.contains("invoices_by_customer")).unwrap();
    for (good, bad) in [
        ("<k:mainLine>", "<k:mainline>"),
        ("xsi:type=\"s:TransactionSearch\"", "xsi:type=\"s:InvoiceSearch\""),
        ("operator=\"anyOf\"", "operator=\"oneOf\""),
    ] {
        let broken = whole.replace(good, bad).replace("</k:mainLine>", &bad_end(bad));
        assert_ne!(*whole, broken);
        assert_ne!(schemas.problems(&[(format!("{name}-broken"), broken)]), "", "{bad}");
    }
}

fn bad_end(bad: &str) -> String {
    if bad == "<k:mainline>" { "</k:mainline>".to_owned() } else { "</k:mainLine>".to_owned() }
}

#[test]
fn what_the_stand_in_answers_is_what_netsuites_schemas_say() {
    let test = "packs::netsuite_contract::what_the_stand_in_answers_is_what_netsuites_schemas_say";
    if !needs::outside(test) {
        return;
    }
    let Some(shared) = needs::shared(test) else { return };
    let netsuite = swap_seeds::netsuite();
    let (graph, _) = graph(BOTH);
    let sent = requests(&graph, "billing", |call| With {
        keys: if call.contains("email") {
            &[swap_seeds::ZOE]
        } else {
            &["1001", "5001", "5101", "5201", "1"]
        },
        page: &[("searchId", "WEBSERVICES_00"), ("pageIndex", "2")],
        ..With::default()
    });
    let answers = sent.iter().filter(|(_, request)| {
        // a later page is of a search that was made
        !String::from_utf8_lossy(&request.body).contains("searchMoreWithId")
    });
    let answers: Vec<(String, String)> = answers
        .enumerate()
        .map(|(number, (call, request))| {
            let answer = netsuite.answer(&Asked::of(request));
            (format!("{call}-{number}"), String::from_utf8(answer.body.to_vec()).unwrap())
        })
        .collect();
    assert!(answers.iter().any(|(_, text)| text.contains("s:Invoice")));
    assert_eq!(Schemas::new(&shared).problems(&answers), "");
}

#[test]
fn every_word_of_netsuites_enums_has_one_of_ours() {
    let Some(shared) =
        needs::shared("packs::netsuite_contract::every_word_of_netsuites_enums_has_one_of_ours")
    else {
        return;
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (role, file, name) in [
        ("billing", "transactions.saleTypes.xsd", "SalesOrderOrderStatus"),
        ("crm", "lists.relationshipTypes.xsd", "CustomerStage"),
        ("crm", "lists.relationshipTypes.xsd", "CustomerCreditHoldOverride"),
        ("crm", "platform.commonTypes.xsd", "GlobalSubscriptionStatus"),
    ] {
        let schema = std::fs::read_to_string(wsdl(&shared).join(file)).unwrap();
        let (_, rest) = schema.split_once(&format!("<simpleType name=\"{name}\">")).unwrap();
        let words =
            rest.split("</simpleType>").next().unwrap().split("enumeration value=\"").skip(1);
        let pack = root.join("resolvers").join(role).join("netsuite.yaml");
        let pack = std::fs::read_to_string(pack).unwrap();
        let mut count = 0;
        for word in words.map(|word| word.split('"').next().unwrap()) {
            assert!(pack.contains(&format!("{word}:")), "{role}: {name} has `{word}`");
            count += 1;
        }
        assert!(count > 1, "{name}");
    }
}
