//! The backend itself: address, credentials, headers.

use std::sync::Arc;
use std::time::Duration;

use super::Vendor;
use crate::compile::tls;
use crate::config::units;
use crate::config::yaml::Node;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::graph::{Auth, Backend, ClientCredentials, Propagates, TokenPassport};
use crate::template::{HeaderTemplate, Read, forbidden_header};

impl<'a> Vendor<'a, '_> {
    pub(super) fn backend(&mut self) -> Backend {
        let url = self.url();
        let auth = self.setting("auth").map_or(Auth::None, auth);
        if let Some(node) = self.setting("auth") {
            self.check_auth(node, &auth);
        }
        let mut headers = self.headers(self.node.get("headers"), true);
        let deployment = self.file.settings.and_then(|settings| settings.node.get("headers"));
        for (name, value) in self.headers(deployment, true) {
            headers.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
            headers.push((name, value));
        }
        let tls = tls::read(self.setting("tls"), &url, "backend", self.problems);
        Backend {
            role: Arc::clone(&self.cx.role(self.role).name),
            vendor: Arc::clone(&self.file.vendor),
            url: Arc::from(url),
            auth,
            headers,
            concurrency: self.concurrency_most(),
            connect_timeout: self.duration("connect_timeout", Duration::from_secs(2)),
            tls_ca: tls.ca,
            tls_client: tls.client,
            policy: self.policy(),
            propagates: self.propagates(),
            health: None,
        }
    }

    fn propagates(&self) -> Propagates {
        let named = self.setting("propagate").map(Node::items).unwrap_or_default();
        let has = |header: &str| named.iter().any(|item| item.filled() == Some(header));
        Propagates { state: has("tracestate"), baggage: has("baggage") }
    }

    /// A setting that the deployment may override.
    pub(super) fn setting(&self, key: &str) -> Option<&'a Node> {
        let deployment = self.file.settings.and_then(|settings| settings.node.get(key));
        deployment.or_else(|| self.node.get(key))
    }

    pub(super) fn duration(&self, key: &str, default: Duration) -> Duration {
        let text = self.setting(key).and_then(Node::filled);
        text.and_then(units::duration).unwrap_or(default)
    }

    fn url(&mut self) -> String {
        let Some(settings) = self.file.settings else { return String::new() };
        let Some(node) = self.setting("url") else {
            self.problems.push(
                Diagnostic::error(Code::MissingKey, "this backend has no `url`")
                    .at(settings.vendor_span, "this role's vendor")
                    .at(Span::new(self.file.id, 0, 0), "no `url` in the vendor file either")
                    .help("give it in the vendor file or beside `vendor`"),
            );
            return String::new();
        };
        let text = node.filled().unwrap_or_default();
        if text.contains("${") {
            return String::new(); // what could not be filled in is told already
        }
        match check_url(text) {
            Ok(url) => url,
            Err(reason) => {
                self.error(
                    Code::InvalidUrl,
                    node.span,
                    "this is not the address of a backend",
                    reason,
                );
                String::new()
            }
        }
    }

    fn check_auth(&mut self, node: &Node, auth: &Auth) {
        let protocol = self.node.get_text("protocol");
        let in_envelope = match auth {
            Auth::UsernameToken { .. } => Some("username_token"),
            Auth::TokenPassport(_) => Some("token_passport"),
            _ => None,
        };
        if let (Some(kind), true) = (in_envelope, protocol != Some("soap")) {
            self.error(
                Code::ConflictingKeys,
                node.span,
                format!("`{kind}` is for SOAP"),
                "this file's protocol has no envelope to put it into",
            );
        }
        let token_url = node.get("client_credentials").and_then(|node| node.get("token_url"));
        if let Some((node, text)) = token_url.and_then(|node| Some((node, node.filled()?)))
            && !text.contains("${")
            && let Err(reason) = check_url(text)
        {
            self.error(Code::InvalidUrl, node.span, "no token can be got here", reason);
        }
        if let Auth::Header { name, .. } = auth
            && let Some(reason) = forbidden_header(name)
        {
            self.error(
                Code::InvalidTemplate,
                node.span,
                format!("the header `{name}` cannot be set"),
                reason,
            );
        }
    }

    /// Header templates; of the backend's own headers, `is_backend`, only the caller may be read.
    pub(super) fn headers(
        &mut self,
        node: Option<&Node>,
        is_backend: bool,
    ) -> Vec<(Arc<str>, HeaderTemplate)> {
        let mut headers = Vec::new();
        for entry in node.map(Node::entries).unwrap_or_default() {
            if let Some(reason) = forbidden_header(&entry.key) {
                let message = format!("the header `{}` cannot be set", entry.key);
                self.error(Code::InvalidTemplate, entry.key_span, message, reason);
                continue;
            }
            let Some(text) = entry.value.text() else { continue };
            match HeaderTemplate::parse(text) {
                Ok(template) => {
                    if is_backend {
                        self.check_backend_header(&entry.value, &template);
                    }
                    headers.push((Arc::clone(&entry.key), template));
                }
                Err(error) => {
                    let place = entry.value.place_of(self.cx.sources, error.offset);
                    self.error(
                        Code::InvalidTemplate,
                        place,
                        "this header cannot be read",
                        &error.message,
                    );
                }
            }
        }
        headers
    }

    fn check_backend_header(&mut self, node: &Node, template: &HeaderTemplate) {
        for read in template.reads() {
            match read {
                Read::Header(name) => self.check_forwarded(&name, node.span),
                Read::Claim(_) => {}
                _ => self.error(
                    Code::UnknownVariable,
                    node.span,
                    "a header of every request reads only `{header.…}` and `{claims.…}`",
                    "there is no key and no argument here",
                ),
            }
        }
    }

    /// A client header must be forwarded by the deployment.
    pub(super) fn check_forwarded(&mut self, name: &str, span: Span) {
        let is_forwarded = self.file.forward_headers.iter().any(|known| &**known == name);
        if self.file.settings.is_some() && !is_forwarded {
            self.problems.push(
                Diagnostic::error(
                    Code::UnknownHeader,
                    format!("the client header `{name}` is not forwarded"),
                )
                .at(span, "read here")
                .help(format!("add it to `forward_headers` of the deployment: `[{name}]`")),
            );
        }
    }
}

fn auth(node: &Node) -> Auth {
    let text = |node: &Node, key: &str| {
        Arc::from(node.entry(key).and_then(|entry| entry.value.text()).unwrap_or_default())
    };
    if let Some(token) = node.get("bearer") {
        return Auth::Bearer { token: Arc::from(token.text().unwrap_or_default()) };
    }
    if let Some(basic) = node.get("basic") {
        return Auth::Basic { user: text(basic, "user"), password: text(basic, "password") };
    }
    if let Some(pair) = node.get("header") {
        return Auth::Header { name: text(pair, "name"), value: text(pair, "value") };
    }
    if let Some(pair) = node.get("query") {
        return Auth::Query { name: text(pair, "name"), value: text(pair, "value") };
    }
    if let Some(passport) = node.get("token_passport") {
        return Auth::TokenPassport(Box::new(TokenPassport {
            version: text(passport, "version"),
            account: text(passport, "account"),
            consumer_key: text(passport, "consumer_key"),
            consumer_secret: text(passport, "consumer_secret"),
            token: text(passport, "token"),
            token_secret: text(passport, "token_secret"),
        }));
    }
    if let Some(client) = node.get("client_credentials") {
        return Auth::ClientCredentials(Arc::new(ClientCredentials {
            token_url: text(client, "token_url"),
            client_id: text(client, "client_id"),
            client_secret: text(client, "client_secret"),
            scope: client.get_text("scope").map(Arc::from),
            in_body: client.get_text("credentials") == Some("body"),
        }));
    }
    if let Some(token) = node.get("username_token") {
        return Auth::UsernameToken {
            user: text(token, "user"),
            password: text(token, "password"),
            is_digest: token.get_text("digest").and_then(units::boolean).unwrap_or(true),
        };
    }
    Auth::None
}

/// `scheme://host[:port][/prefix]`, without a slash at the end.
pub(in crate::compile) fn check_url(text: &str) -> Result<String, &'static str> {
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"))
        .ok_or("it must begin with `http://` or `https://`")?;
    if text.contains(['?', '#']) {
        return Err("it must not have a query or fragment");
    }
    if text
        .chars()
        .any(|character| !character.is_ascii_graphic() || "{}\\\"<>^`|".contains(character))
    {
        return Err(
            "it holds a character that an address cannot have: a host is written in ASCII (`xn--…`), a path percent-encoded",
        );
    }
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.contains('@') {
        return Err("credentials belong under `auth`");
    }
    let port = authority.rsplit_once(':').filter(|_| !authority.ends_with(']'));
    let (host, port) = port.map_or((authority, None), |(host, port)| (host, Some(port)));
    if host.is_empty() {
        return Err("it has no host");
    }
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err("its port is not a number up to 65535");
    }
    Ok(text.trim_end_matches('/').to_owned())
}
