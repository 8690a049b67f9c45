//! Stand-ins: the same for the same value, made by counting, so that nothing of the value is left in them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use super::super::text::percent_decoded;
use super::seek::{
    Values, address_in, decoded, encoded_address, inside, is_address, is_phone, number_in, variants,
};
use crate::value::{opaque_id, remote_key};

/// What a value is, and so what stands in for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Secret,
    Email,
    Phone,
    /// Of a person or company: each word has a stand-in of its own, so that parts of a name still make the whole.
    Name,
    Street,
    City,
    Code,
    Date,
    Text,
}

const WORDS: &[&str] = &[
    "Alder", "Aspen", "Birch", "Briar", "Cedar", "Clover", "Elder", "Fern", "Hazel", "Heath",
    "Ivy", "Juniper", "Larch", "Laurel", "Linden", "Maple", "Moss", "Myrtle", "Oak", "Olive",
    "Pine", "Poplar", "Reed", "Rowan", "Sage", "Sorrel", "Tansy", "Thyme", "Willow", "Yarrow",
];

/// Values shorter than this are replaced only where they stand alone.
const INSIDE_CHARACTERS_MIN: usize = 4;
const INSIDE_BYTES_MAX: usize = 200;
/// Beginnings of keys that everybody knows.
const KEYS: &[&str] = &[
    "sk_live_", "sk_test_", "rk_live_", "rk_test_", "pk_live_", "xoxb-", "xoxp-", "ghp_", "glpat-",
    "eyJ",
];

#[derive(Debug, Default)]
pub(super) struct StandIns {
    /// Of the deployment: never in anything that is written.
    secrets: Vec<String>,
    /// By kind and by the spelling that counts.
    known: HashMap<(Kind, String), String>,
    counts: BTreeMap<Kind, usize>,
    /// Spellings that texts are searched for already.
    remembered: HashSet<(Kind, String)>,
    /// The stand-ins themselves, which stay.
    made: HashSet<String>,
    /// Whole values as they were found, for texts that hold them; longer ones first.
    whole: Values,
    /// Addresses as quoting spells them.
    escaped: Values,
}

impl StandIns {
    pub(super) fn new(secrets: Vec<String>) -> Self {
        Self { secrets, ..Self::default() }
    }

    /// Numbers the stand-ins anew, now that all values are known: in the order of the values, so that keys which were sent in order are
    /// still in order. What was found before is to be looked at again.
    pub(super) fn settle(&mut self) {
        self.whole.clear();
        self.escaped.clear();
        self.remembered.clear();
        for kind in [Kind::Email, Kind::Phone, Kind::Text, Kind::Code, Kind::Secret] {
            let of_kind = self.known.keys().filter(|(one, _)| *one == kind);
            let mut keys: Vec<_> = of_kind.cloned().collect();
            keys.sort_unstable();
            let width = keys.len().to_string().len();
            for (index, key) in keys.into_iter().enumerate() {
                self.known.insert(key, made(kind, index + 1, width));
            }
        }
        self.made = self.known.values().cloned().collect();
    }

    /// What stands in for a value of a known kind.
    pub(super) fn of(&mut self, kind: Kind, text: &str) -> String {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return text.to_owned();
        }
        match kind {
            Kind::Name if is_address(trimmed) => self.free(text),
            Kind::Name => self.name(trimmed),
            Kind::Email if !is_address(trimmed) => self.free(text),
            Kind::Date => date(trimmed).unwrap_or_else(|| self.one(Kind::Text, trimmed)),
            // a word of two that every program knows
            Kind::Text if matches!(trimmed, "true" | "false") => text.to_owned(),
            Kind::Text if is_address(trimmed) => self.one(Kind::Email, trimmed),
            Kind::Text if is_phone(trimmed) => self.one(Kind::Phone, trimmed),
            kind => self.one(kind, trimmed),
        }
    }

    /// The same for a number: as many digits as the value has, at the least.
    pub(super) fn digits(&mut self, kind: Kind, text: &str) -> u64 {
        let digits = text.chars().filter(char::is_ascii_digit).count().clamp(1, 15);
        self.of(kind, text);
        let spelled = spelling(kind, text);
        let mut keys: Vec<_> = self.known.keys().filter(|(one, _)| *one == kind).collect();
        keys.sort_unstable();
        let number = keys.iter().position(|(_, key)| *key == spelled).unwrap_or_default() + 1;
        10_u64.pow(u32::try_from(digits - 1).unwrap_or_default()) + number as u64
    }

    /// A text that may hold anything: addresses, numbers, keys, ids, and whatever was replaced elsewhere.
    pub(super) fn free(&mut self, text: &str) -> String {
        let text = self.without_secrets(text);
        if let Some(remote) = remote_key(&text)
            && remote.ty.starts_with(|first: char| first.is_ascii_uppercase())
        {
            let key = self.free(&remote.key);
            return opaque_id(&remote.ty, &remote.role, &key);
        }
        let text = inside(&text, &self.escaped);
        let text = self.encoded(&text);
        let text = self.addresses(&text);
        let text = inside(&text, &self.whole);
        let text = self.phones(&text);
        let text = self.known_phones(&text);
        decoded(&text, &mut |inner| self.free(inner))
    }

    /// Addresses that a URL in a text spells in its own way.
    fn encoded(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = encoded_address(rest) {
            out.push_str(rest.get(..at.start).unwrap_or_default());
            let spelled = rest.get(at.clone()).unwrap_or_default();
            let plain = percent_decoded(spelled);
            let replaced = self.addresses(&plain);
            out.push_str(if replaced == plain { spelled } else { &replaced });
            rest = rest.get(at.end..).unwrap_or_default();
        }
        out.push_str(rest);
        out
    }

    /// Numbers that stand elsewhere as telephone numbers, however they are spaced, with or without the country's code.
    fn known_phones(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((at, phone)) = self.known_phone(rest) {
            out.push_str(rest.get(..at.start).unwrap_or_default());
            out.push_str(&phone);
            rest = rest.get(at.end..).unwrap_or_default();
        }
        out.push_str(rest);
        out
    }

    fn known_phone(&self, text: &str) -> Option<(Range<usize>, String)> {
        let of = |digits: &str| {
            let national = digits.trim_start_matches('0');
            let mut phones = self.known.iter().filter(|((kind, _), _)| *kind == Kind::Phone);
            phones.find_map(|((_, known), made)| {
                let is_it = digits.len() >= 7
                    && (known == digits || national.len() >= 8 && known.ends_with(national));
                (is_it && !self.made.contains(digits)).then(|| made.clone())
            })
        };
        let at = number_in(text, &|digits| of(digits).is_some())?;
        let digits = text.get(at.clone())?.chars().filter(char::is_ascii_digit).collect::<String>();
        Some((at, of(&digits)?))
    }

    /// Addresses alone.
    pub(super) fn addresses(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((start, end)) = address_in(rest) {
            out.push_str(rest.get(..start).unwrap_or_default());
            let address = rest.get(start..end).unwrap_or_default();
            out.push_str(&self.one(Kind::Email, address));
            rest = rest.get(end..).unwrap_or_default();
        }
        out.push_str(rest);
        out
    }

    pub(super) fn without_secrets(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            text = text.replace(secret.as_str(), "secret");
        }
        if !KEYS.iter().any(|start| text.contains(start)) {
            return text;
        }
        let words: Vec<String> = text
            .split(' ')
            .map(|word| {
                let is_key = KEYS.iter().any(|start| word.starts_with(start)) && word.len() > 20;
                if is_key { self.one(Kind::Secret, word) } else { word.to_owned() }
            })
            .collect();
        words.join(" ")
    }

    pub(super) fn leaks(&self, text: &str) -> bool {
        let addresses = self.known.keys().filter(|(kind, _)| *kind == Kind::Email);
        let mut found = addresses.map(|(_, address)| address).chain(&self.secrets);
        let lower = text.to_lowercase();
        found.any(|value| lower.contains(&value.to_lowercase()))
    }

    fn name(&mut self, text: &str) -> String {
        let words: Vec<String> = text
            .split_whitespace()
            .map(|word| {
                let letters = word.chars().filter(|letter| letter.is_alphabetic()).count();
                if letters < 2 { word.to_owned() } else { self.one(Kind::Name, word) }
            })
            .collect();
        words.join(" ")
    }

    fn one(&mut self, kind: Kind, text: &str) -> String {
        if self.made.contains(text) {
            return text.to_owned();
        }
        let spelled = spelling(kind, text);
        if let Some(known) = self.known.get(&(kind, spelled.clone())) {
            let known = known.clone();
            return self.fit(kind, text, &known);
        }
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        let made = made(kind, *count, 1);
        self.known.insert((kind, spelled), made.clone());
        self.fit(kind, text, &made)
    }

    fn fit(&mut self, kind: Kind, text: &str, made: &str) -> String {
        let fit = fitted(kind, text, made);
        self.made.insert(fit.clone());
        if self.remembered.insert((kind, text.to_owned())) {
            self.remember(kind, text, &fit);
        }
        fit
    }

    fn remember(&mut self, kind: Kind, text: &str, stand_in: &str) {
        let characters = text.chars().count();
        let is_long = characters >= INSIDE_CHARACTERS_MIN || kind == Kind::Name && characters > 2;
        // a plain word says nothing of who it is about, and may be one of a vocabulary
        let is_telling = !matches!(kind, Kind::Text | Kind::Code | Kind::City)
            || text.contains(|letter: char| letter.is_whitespace() || letter.is_ascii_digit());
        if !is_long || !is_telling || kind == Kind::Date || text.len() > INSIDE_BYTES_MAX {
            return;
        }
        for variant in variants(text) {
            // plain addresses are found by how they look
            let is_escaped = variant != text;
            let place = (std::cmp::Reverse(variant.len()), variant);
            match kind {
                Kind::Email if is_escaped => self.escaped.insert(place, stand_in.to_owned()),
                Kind::Email => None,
                _ => self.whole.insert(place, stand_in.to_owned()),
            };
        }
    }

    /// Numbers with a plus, as long as telephone numbers are.
    fn phones(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('+') {
            let (before, number) = rest.split_at(at);
            out.push_str(before);
            let is_part = |letter: char| letter.is_ascii_digit() || " -/().+".contains(letter);
            let end = number.find(|letter: char| !is_part(letter)).unwrap_or(number.len());
            let number = number.get(..end).unwrap_or_default();
            let number = number.trim_end_matches(|letter: char| !letter.is_ascii_digit());
            let digits = number.chars().filter(char::is_ascii_digit).count();
            let is_phone = (8..=15).contains(&digits) && !before.ends_with(char::is_alphanumeric);
            if is_phone {
                out.push_str(&self.one(Kind::Phone, number));
                rest = rest.get(at + number.len()..).unwrap_or_default();
            } else {
                out.push('+');
                rest = rest.get(at + 1..).unwrap_or_default();
            }
        }
        out.push_str(rest);
        out
    }
}

/// Which spellings are one value.
fn spelling(kind: Kind, text: &str) -> String {
    match kind {
        Kind::Email | Kind::Name | Kind::Street | Kind::City => text.trim().to_lowercase(),
        Kind::Phone => text.chars().filter(char::is_ascii_digit).collect(),
        Kind::Secret | Kind::Code | Kind::Date | Kind::Text => text.trim().to_owned(),
    }
}

/// `width`: the digits of a number at the least.
fn made(kind: Kind, count: usize, width: usize) -> String {
    match kind {
        Kind::Secret => format!("secret-{count:0width$}"),
        Kind::Email => format!("person{count:0width$}@example.com"),
        Kind::Phone => format!("1555010{count:04}"),
        Kind::Name => {
            let word = WORDS.get((count - 1) % WORDS.len()).copied().unwrap_or("Name");
            let round = (count - 1) / WORDS.len();
            if round == 0 { word.to_owned() } else { format!("{word}{}", round + 1) }
        }
        Kind::Street => format!("{count} Example Street"),
        Kind::City => format!("Exampleton {count}"),
        Kind::Code => format!("{count:05}"),
        Kind::Date => "2000-01-01".to_owned(),
        Kind::Text => format!("text {count:0width$}"),
    }
}

/// With the marks of the original that mean something to whoever reads it.
fn fitted(kind: Kind, text: &str, made: &str) -> String {
    match kind {
        Kind::Phone if text.trim_start().starts_with('+') => format!("+{made}"),
        Kind::Name if text.ends_with(',') => format!("{made},"),
        _ => made.to_owned(),
    }
}

/// `1990-05-17`, with or without a time.
fn date(text: &str) -> Option<String> {
    let day = text.get(..10)?;
    let is_date = day.char_indices().all(|(at, letter)| match at {
        4 | 7 => letter == '-',
        _ => letter.is_ascii_digit(),
    });
    is_date.then(|| format!("2000-01-01{}", text.get(10..).unwrap_or_default()))
}
