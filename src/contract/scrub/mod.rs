//! Personal data and secrets out of what was recorded, so that what belonged together still does.
//!
//! What is personal is known by the schema's `@sensitive`, followed through the mappings to where backends have it; by the names of
//! members; and by how a text looks. The same value becomes the same stand-in wherever it stands.

mod marks;
mod seek;
mod stand_in;
mod words;
mod xml;

use std::collections::BTreeSet;

use serde_json::{Map, Number, Value};

use super::asked::Asked;
use super::case::{Body, Case, Exchange, Parameters, Reply};
use super::text::{percent_decoded, percent_encoded};
use crate::graph::{Auth, Graph};
use marks::{Mark, marks};
use stand_in::{Kind, StandIns};
pub(super) use words::is_credential_name;
use words::{kind_of_member, kind_of_sensitive};

/// What the person who records decides.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// Members (and parameters) whose values are replaced besides.
    pub scrub: Vec<String>,
    /// Members whose values stay. Credentials of the deployment are never kept.
    pub keep: Vec<String>,
}

/// Learns what is personal in a whole recording, then replaces it.
#[derive(Debug)]
pub(super) struct Scrubber {
    marks: Vec<Mark>,
    choices: Choices,
    stand_ins: StandIns,
    /// Where records stand that have an e-mail address: a `name` beside it is of a person.
    people: BTreeSet<Vec<String>>,
}

/// Where a value stands: its backend, and the names of the members that lead to it.
struct Location<'a> {
    role: Option<&'a str>,
    names: Vec<String>,
}

impl Location<'_> {
    /// The record that the value is a member of, among those of its backend.
    fn parent(&self) -> Vec<String> {
        let names = self.names.iter().take(self.names.len().saturating_sub(1));
        [self.role.unwrap_or_default()]
            .into_iter()
            .map(str::to_owned)
            .chain(names.cloned())
            .collect()
    }
}

impl Scrubber {
    pub(super) fn new(graph: &Graph, choices: Choices) -> Self {
        let secrets = graph.backends.iter().flat_map(|backend| secrets(&backend.auth)).collect();
        let stand_ins = StandIns::new(secrets);
        Self { marks: marks(graph), choices, stand_ins, people: BTreeSet::new() }
    }

    /// The case with stand-ins for everything personal. Everything is seen before anything is replaced.
    pub(super) fn case(&mut self, case: &Case) -> Case {
        let mut at = Location { role: None, names: Vec::new() };
        self.members(&case.variables, &mut at);
        // answers have values as they are; requests may quote them
        for exchange in &case.exchanges {
            self.reply(exchange);
        }
        self.replaced(case);
        self.stand_ins.settle();
        self.replaced(case);
        self.replaced(case)
    }

    /// Whether a text still holds a secret of the deployment or an address that was to be replaced.
    pub(super) fn leaks(&self, text: &str) -> bool {
        self.stand_ins.leaks(text)
    }

    fn replaced(&mut self, case: &Case) -> Case {
        let mut at = Location { role: None, names: Vec::new() };
        let variables = self.members(&case.variables, &mut at);
        let query = self.document(&case.query);
        let headers = self.pairs(&case.headers, &mut at);
        let exchanges = case.exchanges.iter().map(|exchange| self.exchange(exchange)).collect();
        let description = case.description.as_deref().map(|text| self.stand_ins.free(text));
        Case { description, query, variables, headers, exchanges, ..case.clone() }
    }

    fn exchange(&mut self, exchange: &Exchange) -> Exchange {
        let mut at = Location { role: None, names: Vec::new() };
        let mut request = exchange.request.clone();
        request.path = self.path(&request.path);
        request.query = request.query.as_ref().map(|query| self.pairs(query, &mut at));
        request.body = request.body.as_ref().map(|body| self.body(body, &mut at));
        let reply = self.reply(exchange);
        Exchange { backend: exchange.backend.clone(), request, reply }
    }

    fn reply(&mut self, exchange: &Exchange) -> Reply {
        let mut at = Location { role: Some(&exchange.backend), names: Vec::new() };
        match &exchange.reply {
            Reply::Fails(fault) => Reply::Fails(*fault),
            Reply::Answer { status, headers, body } => Reply::Answer {
                status: *status,
                headers: headers
                    .iter()
                    .map(|(name, value)| (name.clone(), self.stand_ins.free(value)))
                    .collect(),
                body: body.as_ref().map(|body| self.body(body, &mut at)),
            },
        }
    }

    fn body(&mut self, body: &Body, at: &mut Location<'_>) -> Body {
        match body {
            Body::Tree(value) => Body::Tree(self.value(value, at)),
            Body::Form(form) => Body::Form(self.pairs(form, at)),
            Body::Text(text) if text.trim_start().starts_with('<') => {
                let role = at.role;
                Body::Text(xml::rewritten(text, &mut |names, text| {
                    let at = Location { role, names: names.to_vec() };
                    self.text(text, &at)
                }))
            }
            Body::Text(text) => Body::Text(self.stand_ins.free(text)),
        }
    }

    fn value(&mut self, value: &Value, at: &mut Location<'_>) -> Value {
        match value {
            Value::Object(members) => Value::Object(self.members(members, at)),
            Value::Array(items) => items.iter().map(|item| self.value(item, at)).collect(),
            Value::String(text) => Value::String(self.text(text, at)),
            Value::Number(number) => self.number(number, at),
            Value::Null | Value::Bool(_) => value.clone(),
        }
    }

    fn members(
        &mut self,
        members: &Map<String, Value>,
        at: &mut Location<'_>,
    ) -> Map<String, Value> {
        let mut replaced = Map::new();
        for (name, value) in members {
            at.names.push(name.clone());
            let value = self.value(value, at);
            at.names.pop();
            // a name may be data
            replaced.insert(self.stand_ins.addresses(name), value);
        }
        replaced
    }

    fn pairs(&mut self, pairs: &Parameters, at: &mut Location<'_>) -> Parameters {
        let mut replaced = Vec::new();
        for (name, value) in pairs {
            at.names.push(name.clone());
            replaced.push((name.clone(), self.text(value, at)));
            at.names.pop();
        }
        replaced
    }

    fn path(&mut self, path: &str) -> String {
        let segments: Vec<String> = path
            .split('/')
            .map(|segment| {
                let decoded = percent_decoded(segment);
                let replaced = self.stand_ins.free(&decoded);
                if replaced == decoded { segment.to_owned() } else { percent_encoded(&replaced) }
            })
            .collect();
        segments.join("/")
    }

    fn text(&mut self, text: &str, at: &Location<'_>) -> String {
        if text.trim().is_empty() {
            return text.to_owned();
        }
        let kind = self.kind(at);
        if kind == Some(Kind::Email) && text.contains('@') {
            self.people.insert(at.parent());
        }
        match kind {
            Some(kind) => self.stand_ins.of(kind, text),
            None if self.is_kept(at) => self.stand_ins.without_secrets(text),
            None => match self.inner(text, at) {
                Some(replaced) => replaced,
                None => self.stand_ins.free(text),
            },
        }
    }

    /// JSON in a text, if something in it was replaced.
    fn inner(&mut self, text: &str, at: &Location<'_>) -> Option<String> {
        let tree: Value = serde_json::from_str(text)
            .ok()
            .filter(|_| text.trim_start().starts_with(['{', '[']))?;
        let mut at = Location { role: at.role, names: at.names.clone() };
        let replaced = self.value(&tree, &mut at);
        (replaced != tree).then(|| replaced.to_string())
    }

    /// A number has no form that could be personal by itself.
    fn number(&mut self, number: &Number, at: &Location<'_>) -> Value {
        let Some(kind) = self.kind(at) else { return Value::Number(number.clone()) };
        let digits = self.stand_ins.digits(kind, &number.to_string());
        Value::from(digits)
    }

    /// What a value is by where it stands.
    fn kind(&self, at: &Location<'_>) -> Option<Kind> {
        let name = at.names.last()?.trim_start_matches('@');
        let is_named = |list: &[String]| list.iter().any(|one| one.eq_ignore_ascii_case(name));
        if is_named(&self.choices.keep) {
            return None;
        }
        let mark = Mark::at(&self.marks, at.role, &at.names);
        let is_person = name.eq_ignore_ascii_case("name") && self.people.contains(&at.parent());
        let by_name = kind_of_member(name).or(is_person.then_some(Kind::Name));
        match (mark, by_name) {
            (Some(mark), Some(Kind::Text) | None) => {
                Some(kind_of_sensitive(&mark.field).unwrap_or(Kind::Text))
            }
            (None, None) if is_named(&self.choices.scrub) => Some(Kind::Text),
            (_, kind) => kind,
        }
    }

    fn is_kept(&self, at: &Location<'_>) -> bool {
        let name = at.names.last();
        name.is_some_and(|name| self.choices.keep.iter().any(|one| one.eq_ignore_ascii_case(name)))
    }

    /// Of a GraphQL document the texts in quotes, and its comments.
    fn document(&mut self, document: &str) -> String {
        let mut out = String::new();
        for (index, part) in document.split('"').enumerate() {
            if index > 0 {
                out.push('"');
            }
            let is_quoted = index % 2 == 1;
            out.push_str(&if is_quoted {
                self.stand_ins.free(part)
            } else {
                self.stand_ins.addresses(part)
            });
        }
        out
    }
}

/// What a recording may keep of a request: no credentials, whether in the address, in headers or in an envelope's Header.
pub(super) fn without_credentials(
    asked: &Asked,
    auth: &Auth,
    choices: &Choices,
) -> (Parameters, Vec<String>) {
    let own = match auth {
        Auth::Query { name, .. } => Some(name.to_string()),
        _ => None,
    };
    let is_kept = |name: &str| choices.keep.iter().any(|one| one.eq_ignore_ascii_case(name));
    let is_left = |(name, _): &&(String, String)| {
        own.as_ref() != Some(name) && (!is_credential_name(name) || is_kept(name))
    };
    let query = asked.query.iter().filter(is_left).cloned().collect();
    (query, own.into_iter().collect())
}

fn secrets(auth: &Auth) -> Vec<String> {
    let all: Vec<&str> = match auth {
        Auth::None => Vec::new(),
        Auth::Header { value, .. } | Auth::Query { value, .. } => vec![value],
        Auth::Basic { password, .. } | Auth::UsernameToken { password, .. } => vec![password],
        Auth::Bearer { token } => vec![token],
        Auth::ClientCredentials(client) => vec![&client.client_secret],
        Auth::TokenPassport(passport) => {
            vec![
                &passport.consumer_secret,
                &passport.consumer_key,
                &passport.token,
                &passport.token_secret,
            ]
        }
    };
    // a short one would be found in every text
    all.into_iter().filter(|text| text.chars().count() >= 6).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
