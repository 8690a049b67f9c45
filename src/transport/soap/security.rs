//! WS-Security `UsernameToken`, text and digest, put into the envelope's header.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;
use sha1::{Digest as _, Sha1};

use super::super::refused;
use super::envelope::{SOAP_1_1, SOAP_1_2};
use crate::error::BackendError;

const WSSE: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
const WSU: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
const PROFILE: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0";
const BASE64: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary";

/// The `Security` element for this moment.
pub(super) fn username_token(
    user: &str,
    password: &str,
    is_digest: bool,
) -> Result<String, BackendError> {
    let created = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce)
        .map_err(|_| refused("the system gives no random bytes for a nonce"))?;
    Ok(if is_digest {
        digest_token(user, password, &nonce, &created)
    } else {
        text_token(user, password)
    })
}

fn text_token(user: &str, password: &str) -> String {
    security(
        user,
        &format!(
            "<wsse:Password Type=\"{PROFILE}#PasswordText\">{}</wsse:Password>",
            escaped(password)
        ),
    )
}

/// Base64(SHA-1(nonce + created + password)), as the profile says.
fn digest_token(user: &str, password: &str, nonce: &[u8], created: &str) -> String {
    let mut hash = Sha1::new();
    hash.update(nonce);
    hash.update(created.as_bytes());
    hash.update(password.as_bytes());
    let digest = STANDARD.encode(hash.finalize());
    let nonce = STANDARD.encode(nonce);
    let rest = format!(
        "<wsse:Password Type=\"{PROFILE}#PasswordDigest\">{digest}</wsse:Password>\
         <wsse:Nonce EncodingType=\"{BASE64}\">{nonce}</wsse:Nonce><wsu:Created>{created}</wsu:Created>"
    );
    security(user, &rest)
}

fn security(user: &str, rest: &str) -> String {
    format!(
        "<wsse:Security xmlns:wsse=\"{WSSE}\" xmlns:wsu=\"{WSU}\"><wsse:UsernameToken>\
         <wsse:Username>{}</wsse:Username>{rest}</wsse:UsernameToken></wsse:Security>",
        escaped(user)
    )
}

fn escaped(text: &str) -> std::borrow::Cow<'_, str> {
    quick_xml::escape::escape(text)
}

/// Puts `security` first into the envelope's Header, which is made if there is none. Prefixes may be any.
pub(super) fn insert(envelope: &str, security: &str) -> Result<String, BackendError> {
    let bad = || refused("the envelope is not well-formed XML");
    let mut reader = NsReader::from_str(envelope);
    let mut depth = 0;
    let mut header_name = String::new();
    let mut after_envelope = None;
    loop {
        let before = reader.buffer_position();
        let event = reader.read_event().map_err(|_| bad())?;
        let after = usize::try_from(reader.buffer_position()).map_err(|_| bad())?;
        let before = usize::try_from(before).map_err(|_| bad())?;
        match event {
            Event::Start(start) if depth == 0 => {
                if !is_soap(&reader, &start, "Envelope") {
                    return Err(refused("the envelope's root is not a SOAP Envelope"));
                }
                let name = start.name();
                header_name = name.prefix().map_or_else(
                    || "Header".to_owned(),
                    |prefix| format!("{}:Header", prefix.into_inner()),
                );
                after_envelope = Some(after);
                depth = 1;
            }
            Event::Start(start) if depth == 1 && is_soap(&reader, &start, "Header") => {
                return splice(envelope, after..after, security).ok_or_else(bad);
            }
            Event::Empty(start) if depth == 1 && is_soap(&reader, &start, "Header") => {
                let tag = envelope.get(before..after).ok_or_else(bad)?;
                let open = tag.trim_end().strip_suffix("/>").ok_or_else(bad)?.trim_end();
                let name = start.name().into_inner().to_owned();
                return splice(envelope, before..after, &format!("{open}>{security}</{name}>"))
                    .ok_or_else(bad);
            }
            Event::Start(_) => depth += 1,
            Event::End(_) => depth -= 1,
            Event::DocType(_) => return Err(refused("the envelope has a DOCTYPE")),
            Event::Eof => break,
            _ => {}
        }
    }
    let at = after_envelope.ok_or_else(bad)?;
    splice(envelope, at..at, &format!("<{header_name}>{security}</{header_name}>")).ok_or_else(bad)
}

fn is_soap(reader: &NsReader<&[u8]>, start: &BytesStart<'_>, name: &str) -> bool {
    let (namespace, local) = reader.resolver().resolve_element(start.name());
    local.into_inner() == name
        && matches!(namespace, ResolveResult::Bound(Namespace(uri)) if uri == SOAP_1_1 || uri == SOAP_1_2)
}

fn splice(text: &str, range: std::ops::Range<usize>, with: &str) -> Option<String> {
    Some([text.get(..range.start)?, with, text.get(range.end..)?].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_the_one_that_other_clients_make() {
        // The example of the WSSE profile for Atom.
        let token = digest_token(
            "bob",
            "taadtaadpstcsm",
            b"d36e316282959a9ed4c89851497a717f",
            "2003-12-15T14:43:07Z",
        );
        assert!(
            token.contains("#PasswordDigest\">quR/EWLAV4xLf9Zqyw4pDmfV9OY=</wsse:Password>"),
            "{token}"
        );
        assert!(token.contains("<wsu:Created>2003-12-15T14:43:07Z</wsu:Created>"), "{token}");
    }
}
