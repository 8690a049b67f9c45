//! What keeps identity rules from matching too much: values that match nothing, and where telephone numbers are.

use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use rustc_hash::{FxHashMap, FxHashSet};

use super::contract::Contract;
use crate::config::units;
use crate::config::yaml::{Entry, Node};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Blocked, Normalizer};
use crate::value::{self, Country};

/// What nobody fills a key with on purpose.
const PLACEHOLDERS: &[&str] = &["-1", "null", "none", "n/a", "undefined", "unknown", "anonymous"];
const ZEROS: &str = "^[0-]*$";

/// Mailboxes that many share (RFC 2142), and those that nobody reads.
const MAILBOXES: &[&str] = &[
    "abuse@",
    "account@",
    "accounting@",
    "accounts@",
    "admin@",
    "administrator@",
    "billing@",
    "bounce@",
    "bounces@",
    "contact@",
    "customerservice@",
    "do-not-reply@",
    "donotreply@",
    "enquiries@",
    "finance@",
    "hello@",
    "help@",
    "helpdesk@",
    "hostmaster@",
    "hr@",
    "info@",
    "inquiries@",
    "invoice@",
    "invoices@",
    "jobs@",
    "mail@",
    "mailer-daemon@",
    "marketing@",
    "no-reply@",
    "no_reply@",
    "noc@",
    "noreply@",
    "office@",
    "postmaster@",
    "press@",
    "privacy@",
    "reception@",
    "root@",
    "sales@",
    "security@",
    "service@",
    "support@",
    "team@",
    "test@",
    "webmaster@",
    "www@",
];
const NO_ADDRESS: &str = "^[^@]*$|^(null|none|unknown|anonymous|na)@";
const ZERO_NUMBER: &str = r"^\+?0+$|^\+\d{1,3}(0{6,}|1{6,}|9{6,})$";

/// Domains that say who carries the mail, not whose it is.
const PROVIDERS: &[&str] = &[
    "aol.com",
    "fastmail.com",
    "gmail.com",
    "gmx.at",
    "gmx.ch",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.com",
    "hotmail.co.uk",
    "icloud.com",
    "live.com",
    "mac.com",
    "mail.com",
    "mail.ru",
    "me.com",
    "msn.com",
    "orange.fr",
    "outlook.com",
    "pm.me",
    "proton.me",
    "protonmail.com",
    "qq.com",
    "t-online.de",
    "web.de",
    "yahoo.co.uk",
    "yahoo.com",
    "yandex.ru",
    "ymail.com",
    "163.com",
];

/// What is blocked, by kind of key and by how it is compared.
pub(super) struct Guards(FxHashMap<Arc<str>, Own>);

#[derive(Default)]
struct Own {
    exact: Vec<String>,
    prefixes: Vec<String>,
    patterns: Vec<Regex>,
    has_no_defaults: bool,
}

impl Guards {
    /// The guard of one key of a part.
    pub(super) fn of(&self, kind: &str, normalizer: Normalizer) -> Option<Arc<Blocked>> {
        let own = self.0.get(kind);
        let (mut exact, mut prefixes, mut patterns) = match own {
            Some(own) if own.has_no_defaults => Default::default(),
            _ => defaults(normalizer),
        };
        if let Some(own) = own {
            exact.extend(own.exact.iter().map(|text| boxed(text)));
            prefixes.extend(own.prefixes.iter().map(|text| boxed(text)));
            patterns.extend(own.patterns.iter().cloned());
        }
        let blocked = Blocked::new(exact, prefixes, patterns);
        (!blocked.is_empty()).then(|| Arc::new(blocked))
    }
}

/// Whole values, beginnings, patterns.
fn defaults(normalizer: Normalizer) -> (FxHashSet<Box<str>>, Vec<Box<str>>, Vec<Regex>) {
    let (exact, prefixes, patterns): (&[&str], &[&str], &[&str]) = match normalizer {
        Normalizer::Exact | Normalizer::CaseInsensitive => (PLACEHOLDERS, &[], &[ZEROS]),
        Normalizer::Email => (&[], MAILBOXES, &[NO_ADDRESS]),
        Normalizer::Phone(_) => (&[], &[], &[ZERO_NUMBER]),
        Normalizer::Domain => (PROVIDERS, &[], &[]),
    };
    (
        exact.iter().map(|text| boxed(text)).collect(),
        prefixes.iter().map(|text| boxed(text)).collect(),
        patterns.iter().filter_map(|text| pattern(text).ok()).collect(),
    )
}

fn boxed(text: &str) -> Box<str> {
    text.trim().to_lowercase().into_boxed_str()
}

fn pattern(text: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text).case_insensitive(true).size_limit(1 << 20).build()
}

/// Reads `blocked` of all identity files.
pub(super) fn read<'n>(
    contract: &Contract,
    roots: impl Iterator<Item = &'n Node>,
    problems: &mut Vec<Diagnostic>,
) -> Guards {
    let mut guards = FxHashMap::default();
    for root in roots {
        for entry in root.get("blocked").map(Node::entries).unwrap_or_default() {
            if known_kind(contract, entry, problems) {
                let own: &mut Own = guards.entry(Arc::clone(&entry.key)).or_default();
                own.read(&entry.value, problems);
            }
        }
    }
    Guards(guards)
}

fn known_kind(contract: &Contract, entry: &Entry, problems: &mut Vec<Diagnostic>) -> bool {
    let keys = contract.roles.iter().flat_map(|role| &role.parts).flat_map(|part| &part.keys);
    let mut kinds: Vec<&str> = keys.map(|key| &*key.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let is_known = kinds.contains(&&*entry.key);
    if !is_known {
        problems.push(
            Diagnostic::error(Code::UnknownKeyKind, format!("no part has a key `{}`", entry.key))
                .at(entry.key_span, "not in the contract")
                .suggest(&entry.key, kinds),
        );
    }
    is_known
}

impl Own {
    fn read(&mut self, node: &Node, problems: &mut Vec<Diagnostic>) {
        let texts = |key: &str| -> Vec<&Node> {
            node.get(key).map(Node::items).unwrap_or_default().iter().collect()
        };
        let filled = |key: &str| -> Vec<String> {
            texts(key).iter().filter_map(|node| node.filled()).map(str::to_owned).collect()
        };
        self.exact.extend(filled("exact"));
        self.prefixes.extend(filled("prefix"));
        for node in texts("regex") {
            let Some(text) = node.filled() else { continue };
            match pattern(text) {
                Ok(pattern) => self.patterns.push(pattern),
                Err(_) => problems.push(
                    Diagnostic::error(Code::InvalidRule, "this pattern cannot be read")
                        .at(node.span, "not a regular expression")
                        .help("the syntax is that of Rust's `regex`: no look-around, no backreferences"),
                ),
            }
        }
        let has_defaults = node.get_text("defaults").and_then(units::boolean);
        self.has_no_defaults |= has_defaults == Some(false);
    }
}

/// A country by its two letters, or a problem.
pub(super) fn country(node: &Node, problems: &mut Vec<Diagnostic>) -> Option<&'static Country> {
    let text = node.filled()?;
    let found = value::country(text);
    if found.is_none() {
        problems.push(
            Diagnostic::error(Code::UnknownWord, format!("`{text}` is no country that is known"))
                .at(node.span, "two letters, by ISO 3166-1")
                .suggest(text, value::country_names()),
        );
    }
    found
}
