//! Calls: the request, how keys become calls, where the answer has its records.

use std::sync::Arc;
use std::time::Duration;

use super::Vendor;
use crate::config::units;
use crate::config::yaml::{Entry, Node};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{
    AnswerLimits, Call, CallId, Drop, Effect, ErrorPaths, KeyMode, Method, Normalizer, Predicate,
    RequestTemplate, RestTemplate, SoapTemplate, SoapVersion,
};
use crate::mapping::Path;
use crate::template::{BodyTemplate, Expression, Read, UrlTemplate, XmlTemplate};

const METHODS: [(&str, Method); 6] = [
    ("get", Method::Get),
    ("post", Method::Post),
    ("put", Method::Put),
    ("patch", Method::Patch),
    ("delete", Method::Delete),
    ("head", Method::Head),
];

impl Vendor<'_, '_> {
    /// Numbers for the calls, so that they can name each other.
    pub(super) fn declare_calls(&mut self) {
        for entry in self.node.get("calls").map(Node::entries).unwrap_or_default() {
            match u16::try_from(self.out.calls.len() + self.calls.len()) {
                Ok(id) => {
                    self.calls.insert(Arc::clone(&entry.key), (CallId(id), entry.key_span));
                }
                Err(_) => self.error(
                    Code::TooMany,
                    entry.key_span,
                    "there are too many calls",
                    "at most 65536",
                ),
            }
        }
    }

    pub(super) fn compile_calls(&mut self) {
        for entry in self.node.get("calls").map(Node::entries).unwrap_or_default() {
            let before = self.problems.len();
            let call = self.call(entry);
            if let (true, Some((id, _))) =
                (self.problems.len() > before, self.calls.get(&entry.key))
            {
                self.broken.insert(*id);
            }
            self.out.calls.push(call);
        }
        for entry in self.node.get("calls").map(Node::entries).unwrap_or_default() {
            let Some((id, _)) = self.calls.get(&entry.key).copied() else { continue };
            let drops = self.drops(&entry.value);
            if let Some(call) = self.out.calls.get_mut(id.index()) {
                call.drops = drops;
            }
        }
    }

    fn call(&mut self, entry: &Entry) -> Call {
        let node = &entry.value;
        let request = self.request(entry);
        let pages = self.pages(node.get("pages"));
        let answers: Vec<Path> = node
            .get("answers")
            .map(Node::items)
            .unwrap_or_default()
            .iter()
            .filter_map(|path| self.path(path))
            .collect();
        let reads = request.reads();
        let keys = key_mode(node, &reads, !answers.is_empty());
        let inherited = |key: &str| node.get(key).or_else(|| self.node.get(key));
        let (success, errors) = (inherited("success"), inherited("errors"));
        let missing = Self::words(inherited("missing"));
        let ttl = inherited("ttl").and_then(Node::filled).and_then(units::duration);
        let timeout = node.get_text("timeout").and_then(units::duration);
        Call {
            name: Arc::clone(&entry.key),
            backend: self.backend,
            fingerprint: 0,
            inputs: request.inputs(),
            keys,
            pages,
            records: self.optional_path(node, "records"),
            needs: self.needs_of(&answers),
            answers,
            answers_normalizer: Normalizer::Exact,
            success: success.and_then(|node| self.predicate(node)),
            errors: errors.map(|node| self.errors(node)).unwrap_or_default(),
            missing,
            projects: reads.contains(&Read::Fields),
            ttl,
            timeout: timeout.unwrap_or_else(|| self.duration("timeout", Duration::from_secs(10))),
            effect: Effect::Read,
            drops: Vec::new(),
            fills: Vec::new(),
            answer_limits: self.answer_limits(),
            request,
        }
    }

    fn request(&mut self, entry: &Entry) -> RequestTemplate {
        let node = &entry.value;
        let method = METHODS.iter().find(|(name, _)| node.get(name).is_some());
        let url = method.and_then(|(name, _)| node.get(name)).map(|node| self.url_template(node));
        let headers = self.headers(node.get("headers"), false);
        let variables = self.expressions(node.get("with"));
        let is_soap = self.node.get_text("protocol") == Some("soap");
        if is_soap != node.get("envelope").is_some() {
            self.protocol(entry, is_soap);
        }
        if let Some(envelope) = node.get("envelope").and_then(|node| self.envelope(node)) {
            let lists = self.node.get("soap").and_then(|soap| soap.get("lists"));
            let version = node.get("soap").and_then(|soap| soap.get_text("version"));
            let version = version.or_else(|| self.node.get("soap")?.get_text("version"));
            return RequestTemplate::Soap(SoapTemplate {
                url: url.unwrap_or_default(),
                version: if version == Some("1.2") { SoapVersion::V1_2 } else { SoapVersion::V1_1 },
                action: node
                    .get("soap")
                    .and_then(|soap| soap.get_text("action"))
                    .map_or_else(|| Arc::from(""), Arc::from),
                envelope,
                headers,
                variables,
                lists: Self::words(lists),
            });
        }
        let query = self.expressions(node.get("query"));
        let body = match (node.get("body"), node.get("form")) {
            (Some(body), _) => self.expression(body).map(BodyTemplate::Json),
            (None, Some(form)) => Some(BodyTemplate::Form(self.expressions(Some(form)))),
            (None, None) => None,
        };
        RequestTemplate::Rest(RestTemplate {
            method: method.map_or(Method::Get, |(_, method)| *method),
            url: url.unwrap_or_default(),
            query,
            headers,
            variables,
            body,
        })
    }

    fn protocol(&mut self, entry: &Entry, is_soap: bool) {
        let protocol = self.node.get("protocol").map(|node| node.span);
        let (message, help) = if is_soap {
            (
                "a call of a SOAP backend needs an `envelope`",
                "paste the request of your SOAP tool as `envelope: |`",
            )
        } else {
            ("an `envelope` is for SOAP", "write `protocol: soap`, or give `body` or `form`")
        };
        self.problem(
            Diagnostic::error(Code::ConflictingKeys, message)
                .at(entry.key_span, "this call")
                .also(protocol, "the file's protocol")
                .help(help),
        );
    }

    fn url_template(&mut self, node: &Node) -> UrlTemplate {
        match UrlTemplate::parse(node.text().unwrap_or_default()) {
            Ok(template) => template,
            Err(error) => {
                let place = node.place_of(self.cx.sources, error.offset);
                self.error(
                    Code::InvalidTemplate,
                    place,
                    "this URL template cannot be read",
                    &error.message,
                );
                UrlTemplate::default()
            }
        }
    }

    fn envelope(&mut self, node: &Node) -> Option<XmlTemplate> {
        match XmlTemplate::compile(node.text().unwrap_or_default()) {
            Ok(template) => Some(template),
            Err(error) => {
                let place = self.place_in_block(node, error.offset);
                self.error(
                    Code::InvalidTemplate,
                    place,
                    "this envelope cannot be read",
                    &error.message,
                );
                None
            }
        }
    }

    /// The line of a `|` block that holds a byte of its text.
    fn place_in_block(&self, node: &Node, offset: usize) -> crate::diagnostic::Span {
        let text = node.text().unwrap_or_default();
        let line = text.get(..offset).unwrap_or_default().matches('\n').count();
        let source =
            self.cx.sources.text(node.span.file).get(node.span.range()).unwrap_or_default();
        // the block's first line is its `|`
        let start = source.split_inclusive('\n').take(line + 1).map(str::len).sum::<usize>();
        let found = source.get(start..).and_then(|rest| rest.lines().next());
        match found {
            Some(found) if source.starts_with('|') => {
                let indent = found.len() - found.trim_start().len();
                let at = node.span.start as usize + start;
                crate::diagnostic::Span::new(node.span.file, at + indent, at + found.len())
            }
            _ => node.span,
        }
    }

    fn predicate(&mut self, node: &Node) -> Option<Predicate> {
        Some(Predicate {
            path: self.optional_path(node, "path")?,
            is: Self::words(node.get("is")),
            is_not: Self::words(node.get("is_not")),
        })
    }

    fn errors(&mut self, node: &Node) -> ErrorPaths {
        ErrorPaths {
            message: self.optional_path(node, "message"),
            code: self.optional_path(node, "code"),
        }
    }

    fn answer_limits(&self) -> AnswerLimits {
        let answer = self.node.get("answer");
        let text = |key: &str| answer.and_then(|answer| answer.get_text(key));
        let bytes =
            text("body_bytes").and_then(units::size).and_then(|size| usize::try_from(size).ok());
        AnswerLimits {
            body_bytes: bytes.unwrap_or(10 * 1024 * 1024),
            depth: text("depth").and_then(|text| text.parse().ok()).unwrap_or(64),
        }
    }

    fn drops(&mut self, node: &Node) -> Vec<Drop> {
        let mut drops = Vec::new();
        for drop in node.get("drops").map(Node::items).unwrap_or_default() {
            let name = drop.get("type").unwrap_or(drop);
            let Some(ty) = name.filled().and_then(|text| self.type_named(text, name.span)) else {
                continue;
            };
            let Some(id) = drop.get("id") else {
                drops.push(Drop::Type(ty));
                continue;
            };
            let Some(id) = self.expression(id) else { continue };
            // an argument's opaque id becomes the remote key that entries are known by
            let id = if matches!(id, Expression::Argument(_)) {
                Expression::RemoteId {
                    of: Box::new(id),
                    ty,
                    name: Arc::clone(&self.cx.ty(ty).name),
                }
            } else {
                id
            };
            drops.push(Drop::Entity { ty, id });
        }
        drops
    }
}

fn key_mode(node: &Node, reads: &[Read], has_answers: bool) -> KeyMode {
    let number = |node: &Node, key: &str, default: usize| {
        node.get_text(key).and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    if let Some(batch) = node.get("batch") {
        let bytes = batch.get_text("bytes").and_then(units::size);
        let statuses = batch.get("split_on").map(Node::items).unwrap_or_default();
        return KeyMode::Batch {
            keys: number(batch, "keys", 100),
            bytes: bytes.and_then(|size| usize::try_from(size).ok()).unwrap_or(64 * 1024),
            parallel: number(batch, "parallel", 4),
            split_on: statuses.iter().filter_map(|status| status.filled()?.parse().ok()).collect(),
        };
    }
    if let Some(per_key) = node.get("per_key") {
        return KeyMode::PerKey { parallel: number(per_key, "parallel", 8) };
    }
    let reads_key = reads.iter().any(|read| matches!(read, Read::Key | Read::Keys));
    let declared = node.get_text("key").and_then(units::boolean);
    if declared.unwrap_or(reads_key || has_answers) {
        KeyMode::PerKey { parallel: 8 }
    } else {
        KeyMode::None
    }
}
