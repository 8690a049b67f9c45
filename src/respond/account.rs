//! How an object was put together: `identityMatches`, `refs` and `provenance`, from this operation's own steps. They make
//! no call when they are written; what they tell of was asked for because they are selected.

use std::time::Duration;

use jiff::Timestamp;

use crate::execute::{Failure, PartState, Way};
use crate::graph::{
    Account, FieldId, IdentityRule, Normalizer, Part, PartId, Said, SlotId, TypeId,
};
use crate::plan::{AccountNode, SiteId};
use crate::respond::{Place, Writer};
use crate::value::{Answer, Cell};

/// One entry of a list.
#[derive(Debug, Default)]
pub(super) struct Entry<'a> {
    pub(super) system: Option<&'a str>,
    pub(super) connection: Option<&'a str>,
    pub(super) remote_id: Option<String>,
    pub(super) rule: Option<&'a str>,
    pub(super) confidence: Option<&'static str>,
    pub(super) candidates: Vec<String>,
    pub(super) blocked: Vec<&'a str>,
    /// JSON.
    pub(super) url: Option<&'a str>,
    pub(super) field: Option<&'a str>,
    pub(super) age: Option<Age>,
}

/// How old an answer is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Age {
    pub(super) age: Duration,
    pub(super) is_stale: bool,
}

/// One part of an object that is written.
#[derive(Clone, Copy)]
struct Of<'a> {
    ty: TypeId,
    id: PartId,
    part: &'a Part,
}

impl<'a> Writer<'a> {
    pub(super) fn account(&mut self, node: &'a AccountNode, ty: TypeId, place: Place) {
        let mut entries = Vec::new();
        match node.account {
            Account::Matches => {
                for of in self.parts_of(ty) {
                    self.matches(of, place, &mut entries);
                }
            }
            Account::Refs => {
                for of in self.parts_of(ty) {
                    self.refs(of, place, &mut entries);
                }
            }
            Account::Provenance => self.provenance(node, ty, place, &mut entries),
        }
        self.out.push(b'[');
        for (index, entry) in entries.iter().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            self.entry(node, entry);
        }
        self.out.push(b']');
    }

    fn parts_of(&self, ty: TypeId) -> impl Iterator<Item = Of<'a>> + use<'a> {
        let parts = self.source.graph.ty(ty).parts.iter().zip((0..).map(PartId));
        parts.map(move |(part, id)| Of { ty, id, part })
    }

    // ---- identityMatches -------------------------------------------------------------------------------------------

    fn matches(&self, of: Of<'a>, place: Place, entries: &mut Vec<Entry<'a>>) {
        let Place::Object { site, object } = place else { return };
        let Some(state) = self.source.outcome.sites.get(site.index()) else { return };
        let way = state.ways.get(&(object, of.id));
        let rule = way.and_then(|way| of.part.rules.get(usize::from(way.rule?)));
        let blocked = way.into_iter().flat_map(|way: &Way| &way.blocked);
        let blocked = blocked.filter_map(|rule| of.part.rules.get(usize::from(*rule)));
        let entry = || Entry {
            system: Some(&of.part.role),
            rule: rule.map(|rule| &*rule.name),
            blocked: blocked.clone().map(|rule| &*rule.name).collect(),
            ..Entry::default()
        };
        let word = self.word(of, (site, object), way);
        let may_see = self.may_see(of, place);
        let ids = self.remote_ids(of, place);
        match word {
            "EXACT" | "NORMALIZED" => entries.extend(ids.into_iter().map(|(id, _)| Entry {
                remote_id: id.filter(|_| may_see),
                confidence: Some(word),
                ..entry()
            })),
            "AMBIGUOUS" => {
                let ids = ids.into_iter().filter_map(|(id, _)| id).filter(|_| may_see);
                let mut candidates: Vec<String> = ids.collect();
                candidates.sort_unstable();
                candidates.dedup();
                entries.push(Entry { candidates, confidence: Some(word), ..entry() });
            }
            _ => entries.push(Entry { confidence: Some(word), ..entry() }),
        }
    }

    /// How sure a match is, or why there is none.
    fn word(&self, of: Of<'a>, (site, object): (SiteId, u32), way: Option<&Way>) -> &'static str {
        let Some(state) = self.source.outcome.sites.get(site.index()) else { return "UNAVAILABLE" };
        let rule = way.and_then(|way| of.part.rules.get(usize::from(way.rule?)));
        let given = state.given.get(&object).filter(|(part, ..)| *part == of.id);
        let kind = rule.map(|rule| rule.key_kind).or(given.map(|(_, kind, _)| *kind));
        let key = kind.and_then(|kind| of.part.keys.get(usize::from(kind)));
        let is_exact = key.is_none_or(|key| key.normalizer == Normalizer::Exact);
        match state.part(object, usize::from(of.id.0)) {
            PartState::Row { .. } | PartState::Several { .. } | PartState::Key { .. } => {
                if is_exact { "EXACT" } else { "NORMALIZED" }
            }
            PartState::Missing { .. } | PartState::NotLinked => "NOT_LINKED",
            PartState::Ambiguous { .. } => "AMBIGUOUS",
            PartState::Failed(failure) => {
                match self.source.outcome.arena.failures.get(failure.0 as usize) {
                    Some(Failure::Ambiguous { .. }) => "AMBIGUOUS",
                    _ => "UNAVAILABLE",
                }
            }
            PartState::Unset => "UNAVAILABLE",
        }
    }

    /// A remote id may be the very value that the caller may not read in a field: an address. Where nobody noted which
    /// rule decided, it may have been any.
    fn may_see(&self, of: Of<'a>, place: Place) -> bool {
        let graph = self.source.graph;
        let (mut kind, mut rules, mut decided) = (0, of.part.rules.as_slice(), None);
        if let Place::Object { site, object } = place
            && let Some(state) = self.source.outcome.sites.get(site.index())
        {
            if let PartState::Key { kind: known, .. } = state.part(object, usize::from(of.id.0))
                && names(of.part, *known)
            {
                kind = *known;
            }
            decided = state.ways.get(&(object, of.id)).and_then(|way| way.rule);
            if state.given.get(&object).is_some_and(|(part, ..)| *part == of.id) {
                rules = &[];
            }
        } else {
            rules = &[];
        }
        let slots_of = |kind: u8| of.part.keys.get(usize::from(kind)).map(|key| &*key.slots);
        let own = slots_of(kind).unwrap_or_default();
        let is_own = |rule: &IdentityRule| slots_of(rule.key_kind) == Some(own);
        let mut sources = (0_u8..).zip(rules).filter(|(place, rule)| {
            decided.is_none_or(|decided| decided == *place) && is_own(rule)
        });
        own.iter().all(|slot| self.may_see_slot(of.ty, of.part, *slot))
            && sources.all(|(_, rule)| {
                let from = graph.ty(of.ty).parts.get(usize::from(rule.from.0));
                from.is_none_or(|from| {
                    rule.slots.iter().all(|slot| self.may_see_slot(of.ty, from, *slot))
                })
            })
    }

    fn may_see_slot(&self, ty: TypeId, part: &Part, slot: SlotId) -> bool {
        let graph = self.source.graph;
        let slots = graph.shape(part.shape).field_slots.iter().zip((0..).map(FieldId));
        let mut fields = slots.filter(|(own, _)| **own == Some(slot));
        fields.all(|(_, field)| {
            let field = graph.field(ty, field);
            field.access.as_ref().is_none_or(|access| self.source.principal.may(access))
        })
    }

    // ---- refs ------------------------------------------------------------------------------------------------------

    fn refs(&self, of: Of<'a>, place: Place, entries: &mut Vec<Entry<'a>>) {
        if let Place::Object { site, object } = place {
            let Some(state) = self.source.outcome.sites.get(site.index()) else { return };
            if let PartState::Ambiguous { .. } = state.part(object, usize::from(of.id.0)) {
                return;
            }
        }
        let may_see = self.may_see(of, place);
        let backend = self.source.graph.backend(of.part.backend);
        for (id, url) in self.remote_ids(of, place) {
            entries.push(Entry {
                system: Some(&of.part.role),
                connection: Some(&backend.vendor),
                remote_id: id.filter(|_| may_see),
                url,
                ..Entry::default()
            });
        }
    }

    /// The records of a part: how its system names each, and where it can be looked at.
    fn remote_ids(&self, of: Of<'a>, place: Place) -> Vec<(Option<String>, Option<&'a str>)> {
        let (site, object) = match place {
            Place::Object { site, object } => (site, object),
            Place::Record { answer, record } => {
                let is_own = matches!(record, Cell::Record { shape, .. } if shape == of.part.shape);
                let table = self.answer(answer).filter(|_| is_own);
                return table.map(|table| self.named(of, table, record)).into_iter().collect();
            }
        };
        let Some(state) = self.source.outcome.sites.get(site.index()) else { return Vec::new() };
        let records = |answer: u32, records: &[Cell]| {
            let table = self.answer(answer);
            let named = |record: &Cell| table.map(|table| self.named(of, table, *record));
            records.iter().filter_map(named).collect()
        };
        match state.part(object, usize::from(of.id.0)) {
            PartState::Row { answer, record } => records(*answer, &[*record]),
            PartState::Several { answer, records: several } => records(*answer, several),
            PartState::Ambiguous { answer } => {
                let rows = self.answer(*answer).map(|table| &*table.rows).unwrap_or_default();
                records(*answer, rows)
            }
            PartState::Key { kind, key } => {
                vec![(names(of.part, *kind).then(|| key.as_str().to_owned()), None)]
            }
            PartState::Failed(_) => match state.given.get(&object) {
                Some((part, 0, key)) if *part == of.id => {
                    vec![(Some(key.as_str().to_owned()), None)]
                }
                _ => Vec::new(),
            },
            PartState::Unset | PartState::Missing { .. } | PartState::NotLinked => Vec::new(),
        }
    }

    fn named(
        &self,
        of: Of<'a>,
        table: &'a Answer,
        record: Cell,
    ) -> (Option<String>, Option<&'a str>) {
        let graph = self.source.graph;
        let slots = of.part.keys.first().map(|key| key.slots.as_slice()).unwrap_or_default();
        let texts: Option<Vec<_>> =
            slots.iter().map(|slot| table.key_text(graph, record, *slot)).collect();
        let id = texts.filter(|texts| !texts.is_empty()).map(|texts| texts.join("/"));
        let url = graph.shape(of.part.shape).url;
        (id, url.and_then(|slot| table.json(table.slot(record, slot))))
    }

    // ---- writing ---------------------------------------------------------------------------------------------------

    fn entry(&mut self, node: &'a AccountNode, entry: &Entry<'a>) {
        let open = self.out.len();
        for order in &node.order {
            let Some((prefix, said)) = node.fields.get(order.field) else { continue };
            if !self.holds(order) {
                continue;
            }
            prefix.write(&mut self.out);
            match said {
                None => self.string(&node.type_name),
                Some(Said::System) => self.text_or_null(entry.system),
                Some(Said::RemoteId) => self.text_or_null(entry.remote_id.as_deref()),
                Some(Said::Rule) => self.text_or_null(entry.rule),
                Some(Said::Confidence) => self.text_or_null(entry.confidence),
                Some(Said::Connection) => self.text_or_null(entry.connection),
                Some(Said::Field) => self.text_or_null(entry.field),
                Some(Said::Candidates) => self.texts(entry.candidates.iter().map(String::as_str)),
                Some(Said::Blocked) => self.texts(entry.blocked.iter().copied()),
                Some(Said::Url) => {
                    self.out.extend_from_slice(entry.url.unwrap_or("null").as_bytes());
                }
                Some(Said::FetchedAt) => {
                    let at = entry.age.map(|age| self.ago(age.age));
                    self.text_or_null(at.as_deref());
                }
                Some(Said::CacheAgeMs) => {
                    let age = entry.age.map(|age| age.age.as_millis().to_string());
                    self.out.extend_from_slice(age.as_deref().unwrap_or("null").as_bytes());
                }
                Some(Said::Stale) => {
                    let is_stale = entry.age.is_some_and(|age| age.is_stale);
                    self.out.extend_from_slice(is_stale.to_string().as_bytes());
                }
            }
        }
        self.end_object(open);
    }

    pub(super) fn text_or_null(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.string(text),
            None => self.out.extend_from_slice(b"null"),
        }
    }

    /// The instant that is so long ago, to the millisecond.
    pub(super) fn ago(&self, age: Duration) -> String {
        let at = self.source.outcome.present.checked_sub(age).unwrap_or(Timestamp::UNIX_EPOCH);
        format!("{at:.3}")
    }

    fn texts<'t>(&mut self, texts: impl Iterator<Item = &'t str>) {
        self.out.push(b'[');
        for (index, text) in texts.enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            self.string(text);
        }
        self.out.push(b']');
    }
}

/// Whether a key of this kind is what its system calls the record by: the first kind is, and any is where no call looks
/// records up, so that nobody knows another.
fn names(part: &Part, kind: u8) -> bool {
    kind == 0 || part.keys.iter().all(|key| key.call.is_none())
}
