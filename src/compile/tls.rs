//! `tls`: how whoever is called over `https` is known, and the gateway to them.
//!
//! What is in the PEM is read when a client is made of it; here it is looked at from outside alone.

use std::sync::Arc;

use crate::config::yaml::Node;
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{ClientCertificate, Tls};

/// Of whoever is at this address: `whose` is a `backend`, say.
pub(super) fn read(
    node: Option<&Node>,
    url: &str,
    whose: &str,
    problems: &mut Vec<Diagnostic>,
) -> Tls {
    let Some(node) = node else { return Tls::default() };
    let mut pem = |key: &str, begins: &str| {
        let node = node.get(key)?;
        let text = node.filled()?;
        if !text.contains(begins) && !text.contains("${") {
            let what = if key == "client_key" { "a key" } else { "certificates" };
            let message = format!("{what} in PEM must stand here");
            problems.push(
                Diagnostic::error(Code::WrongKind, message)
                    .at(node.span, "put the file's text here: `${file.certificates/ca.pem}`"),
            );
        }
        if url.starts_with("http:") {
            let message = format!("this {whose}'s address is not encrypted");
            problems.push(
                Diagnostic::error(Code::ConflictingKeys, message)
                    .at(node.span, "`tls` is for addresses that begin with `https://`"),
            );
        }
        Some(Arc::<str>::from(text))
    };
    let ca = pem("ca", "-----BEGIN CERTIFICATE-----");
    let certificate = pem("client_certificate", "-----BEGIN CERTIFICATE-----");
    // of one kind or another
    let key = pem("client_key", "PRIVATE KEY-----");
    if certificate.is_some() != key.is_some() {
        let message = "`client_certificate` and `client_key` belong together";
        problems.push(
            Diagnostic::error(Code::MissingKey, message).at(node.span, "one of them is missing"),
        );
    }
    let client = certificate.zip(key);
    Tls { ca, client: client.map(|(certificate, key)| ClientCertificate { certificate, key }) }
}
