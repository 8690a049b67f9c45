//! Calls: the request, how keys become calls, where the answer has its records.

use std::sync::Arc;

use super::Vendor;
use crate::config::shape::check;
use crate::config::units;
use crate::config::yaml::{Entry, Node};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{
    AnswerLimits, Call, CallId, CallOrder, Drop, Effect, ErrorPaths, KeyMode, Method, Normalizer,
    OtherKeys, Predicate, Refused, RequestTemplate, RestTemplate, SoapTemplate, SoapVersion, Stale,
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
            let has_request = METHODS.iter().map(|(name, _)| *name).chain(["envelope"]);
            let is_broken = self.problems.len() > before
                || check::is_garbled_call(&entry.value)
                || !has_request.into_iter().any(|name| entry.value.entry(name).is_some());
            if let (true, Some((id, _))) = (is_broken, self.calls.get(&entry.key)) {
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
        let also = node.get("also").map(|node| self.other_keys(node));
        let others = also.iter().flat_map(|also| &also.paths);
        let only = node.get("only").and_then(|node| self.predicate(node));
        let counted = only.iter().map(|only| &only.path);
        let asked: Vec<Path> = answers.iter().chain(others).chain(counted).cloned().collect();
        let reads = request.reads();
        let keys = key_mode(node, &reads, !answers.is_empty());
        let inherited = |key: &str| node.get(key).or_else(|| self.node.get(key));
        let success = inherited("success");
        let missing = Self::words(inherited("missing"));
        let inside = self.optional_path(node, "inside");
        let ttl = inherited("ttl").and_then(Node::filled).and_then(units::duration);
        let past = |key: &str| inherited(key).and_then(Node::filled).and_then(units::duration);
        Call {
            name: Arc::clone(&entry.key),
            backend: self.backend,
            fingerprint: 0,
            inputs: request.inputs(),
            keys,
            pages,
            order: order(node),
            records: self.optional_path(node, "records"),
            only,
            needs: self.needs_of(&asked),
            also,
            answers,
            answers_normalizer: Normalizer::Exact,
            inside_name: inside.as_ref().and_then(|path| self.inside_name(path)),
            inside,
            cut: self.optional_path(node, "cut"),
            longest: node.get_text("longest").and_then(|text| text.parse().ok()),
            success: success.and_then(|node| self.predicate(node)),
            errors: self.errors(node.get("errors")),
            refused: inherited("refused").and_then(|node| self.refused(node)),
            missing,
            projects: reads.contains(&Read::Fields),
            ttl,
            stale: Stale {
                while_revalidate: past("stale_while_revalidate"),
                if_error: past("stale_if_error"),
            },
            timeout: self.timeout_of(node),
            effect: Effect::Read,
            group: self.group_of(node),
            idempotency_header: self.idempotency_header(node),
            is_idempotent: node.get_text("idempotent").and_then(units::boolean) == Some(true),
            drops: Vec::new(),
            tags: Self::words(node.get("tags")),
            fills: Vec::new(),
            answer_limits: self.answer_limits(),
            contract: self.contract(node),
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
        let text = node.text().unwrap_or_default();
        match XmlTemplate::compile(text) {
            Ok(template) => {
                if let Some((at, what)) = XmlTemplate::fault(text) {
                    let place = self.place_in_block(node, at);
                    let what = format!("{what}, whatever the values are");
                    let message = "this envelope is not well-formed XML";
                    self.error(Code::InvalidTemplate, place, message, &what);
                }
                Some(template)
            }
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
        // a block may begin with its `|`
        let line = line + usize::from(source.starts_with('|'));
        let start = source.split_inclusive('\n').take(line).map(str::len).sum::<usize>();
        match source.get(start..).and_then(|rest| rest.lines().next()) {
            Some(found) => {
                let indent = found.len() - found.trim_start().len();
                let at = node.span.start as usize + start;
                crate::diagnostic::Span::new(node.span.file, at + indent, at + found.len())
            }
            None => node.span,
        }
    }

    fn other_keys(&mut self, node: &Node) -> OtherKeys {
        let paths = node.get("keys").map(Node::items).unwrap_or_default();
        OtherKeys {
            paths: paths.iter().filter_map(|path| self.path(path)).collect(),
            on: node.entry("split").and_then(|entry| entry.value.text()).map(Arc::from),
            length: node.get_text("length").and_then(|text| text.parse().ok()),
        }
    }

    pub(super) fn predicate(&mut self, node: &Node) -> Option<Predicate> {
        Some(Predicate {
            path: self.optional_path(node, "path")?,
            is: Self::words(node.get("is")),
            is_not: Self::words(node.get("is_not")),
        })
    }

    fn refused(&mut self, node: &Node) -> Option<Refused> {
        let keys = node.get("keys").map(Node::items).unwrap_or_default();
        Some(Refused {
            records: self.optional_path(node, "records")?,
            success: node.get("success").and_then(|node| self.predicate(node)),
            errors: self.errors(Some(node)),
            keys: keys.iter().filter_map(|path| self.path(path)).collect(),
        })
    }

    /// Where a call's answers say what is wrong, and what the file's codes mean, which are those of all its calls.
    fn errors(&mut self, own: Option<&Node>) -> ErrorPaths {
        let file = self.node.get("errors");
        let words = |key: &str| {
            let own = own.and_then(|node| node.get(key));
            Self::words(own.or_else(|| file.and_then(|node| node.get(key))))
        };
        let (throttled, unavailable) = (words("throttled"), words("unavailable"));
        let Some(paths) = own.or(file) else {
            return ErrorPaths { throttled, unavailable, ..ErrorPaths::default() };
        };
        ErrorPaths {
            message: self.optional_path(paths, "message"),
            code: self.optional_path(paths, "code"),
            throttled,
            unavailable,
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

/// By which field the records come; whether they have it is checked where the call is used.
fn order(node: &Node) -> Option<CallOrder> {
    let by = |key: &str, is_newest_first| {
        let by = Arc::from(node.get_text(key)?);
        Some(CallOrder { by, is_newest_first })
    };
    by("newest_first", true).or_else(|| by("oldest_first", false))
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
