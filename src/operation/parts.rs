//! `@defer` and `@stream`: which part of the answer each field comes with.
//!
//! Takes: an operation's deferred fragments and streamed lists, and one request's variables.
//! Gives: for every place where a field is selected, the set of deferred fragments that it comes with (the specification's
//! draft, `CollectFields` with defer usages and `BuildExecutionPlan`); for every list, how many items come at once.
//! Never: says when a part is sent.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::arguments::{NullRefused, value};
use super::{ArgumentValue, Conjunction, Operation, Variables};
use crate::error::{ErrorCode, Location, RequestError};

/// A deferred fragment, or the items of a streamed list, at one place in an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UsageId(pub u32);

/// A streamed list by its place in the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StreamId(pub u32);

/// All occurrences of one field, with what they are deferred by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OccurrencesId(pub u32);

/// The fields that come with the same deferred fragments. Set 0 is what comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SetId(pub u32);

impl SetId {
    pub const FIRST: Self = Self(0);
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a document marks with `@defer` and `@stream`, independent of variables.
#[derive(Debug, Default)]
pub struct Deferrals {
    pub(super) usages: Vec<Usage>,
    pub(super) occurrences: Vec<Vec<Occurrence>>,
    pub(super) streams: Vec<Stream>,
}

#[derive(Debug)]
pub(super) struct Usage {
    pub(super) stream: Option<StreamId>,
    /// What it stands in.
    pub(super) parent: Option<UsageId>,
    pub(super) switch: ArgumentValue,
    pub(super) label: Option<Arc<str>>,
    /// Response keys on the way to the object that the fragment is on, or to the list.
    pub(super) path: Arc<str>,
    /// How many they are.
    pub(super) depth: usize,
    pub(super) location: Location,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Occurrence {
    pub(super) when: Conjunction,
    pub(super) usage: Option<UsageId>,
}

#[derive(Debug)]
pub(super) struct Stream {
    /// The first of its usages stands for them all.
    pub(super) usage: UsageId,
    pub(super) count: ArgumentValue,
}

impl Deferrals {
    pub fn is_empty(&self) -> bool {
        self.usages.is_empty()
    }

    fn usage(&self, id: UsageId) -> Option<&Usage> {
        self.usages.get(id.0 as usize)
    }
}

/// The parts of one request's answer.
#[derive(Debug)]
pub struct Parts {
    sets: Vec<Vec<UsageId>>,
    of: Vec<SetId>,
    streams: Vec<Option<Streamed>>,
    usages: Vec<Part>,
}

/// A deferred fragment, or a streamed list, of a request.
#[derive(Clone, Debug)]
pub struct Part {
    pub label: Option<Arc<str>>,
    /// The deferred fragment that it stands in: none beyond the list whose item it is in.
    pub parent: Option<UsageId>,
    /// What it stands in, a fragment or a list.
    pub around: Option<UsageId>,
    /// Where it stands, for people: `customers.nodes`.
    pub path: Arc<str>,
    pub depth: usize,
    pub is_stream: bool,
    /// Of a list: so many items come at once.
    pub items: Option<u32>,
}

/// A streamed list of a request.
#[derive(Clone, Copy, Debug)]
pub struct Streamed {
    pub usage: UsageId,
    /// What the items' own fields come with.
    pub set: SetId,
    /// So many items come at once.
    pub count: u32,
}

impl Parts {
    /// `None`: everything comes at once.
    pub fn new(operation: &Operation, variables: &Variables) -> Result<Option<Self>, RequestError> {
        let deferrals = &operation.deferrals;
        let mut active = Vec::with_capacity(deferrals.usages.len());
        for usage in &deferrals.usages {
            let value = given(&usage.switch, variables, "if", usage.location)?;
            active.push(value != Some(Value::Bool(false)));
        }
        Self::of(operation, Some(variables), active)
    }

    /// Those of a request that skips nothing and defers whatever it may; for people.
    pub fn in_general(operation: &Operation) -> Option<Self> {
        let active = vec![true; operation.deferrals.usages.len()];
        Self::of(operation, None, active).ok().flatten()
    }

    fn of(
        operation: &Operation,
        variables: Option<&Variables>,
        active: Vec<bool>,
    ) -> Result<Option<Self>, RequestError> {
        if !active.contains(&true) {
            return Ok(None);
        }
        let deferrals = &operation.deferrals;
        let mut resolver = Resolver {
            deferrals,
            active,
            truths: variables.map(|variables| operation.truths(variables)),
            numbers: FxHashMap::from_iter([(Vec::new(), SetId::FIRST)]),
            sets: vec![Vec::new()],
        };
        let of = deferrals.occurrences.iter().map(|all| resolver.set(all)).collect();
        let streams = deferrals.streams.iter().map(|stream| resolver.stream(stream, variables));
        let streams = streams.collect::<Result<Vec<_>, _>>()?;
        let count = |stream: Option<StreamId>| {
            streams.get(stream?.0 as usize).copied().flatten().map(|stream: Streamed| stream.count)
        };
        let usages = (0..).map(UsageId).zip(&deferrals.usages).map(|(id, usage)| Part {
            label: usage.label.clone(),
            parent: resolver.parent(id),
            around: resolver.effective(usage.parent),
            path: Arc::clone(&usage.path),
            depth: usage.depth,
            is_stream: usage.stream.is_some(),
            items: count(usage.stream),
        });
        let usages = usages.collect();
        Ok(Some(Self { sets: resolver.sets, of, streams, usages }))
    }

    /// What a field comes with.
    pub fn set_of(&self, occurrences: Option<OccurrencesId>) -> SetId {
        occurrences.and_then(|id| self.of.get(id.0 as usize).copied()).unwrap_or(SetId::FIRST)
    }

    pub fn stream(&self, stream: Option<StreamId>) -> Option<Streamed> {
        self.streams.get(stream?.0 as usize).copied().flatten()
    }

    /// The deferred fragments of a set.
    pub fn usages(&self, set: SetId) -> &[UsageId] {
        self.sets.get(set.index()).map(Vec::as_slice).unwrap_or_default()
    }

    pub fn part(&self, usage: UsageId) -> Option<&Part> {
        self.usages.get(usage.0 as usize)
    }

    pub fn sets(&self) -> usize {
        self.sets.len()
    }
}

/// The value of a directive's argument.
fn given(
    argument: &ArgumentValue,
    variables: &Variables,
    name: &str,
    location: Location,
) -> Result<Option<Value>, RequestError> {
    value(argument, variables).map_err(|NullRefused| {
        let message = format!("Argument \"{name}\": expected a value, found null.");
        RequestError::new(ErrorCode::BadUserInput, message).at(location)
    })
}

struct Resolver<'a> {
    deferrals: &'a Deferrals,
    active: Vec<bool>,
    /// `None`: every condition holds.
    truths: Option<u64>,
    numbers: FxHashMap<Vec<UsageId>, SetId>,
    sets: Vec<Vec<UsageId>>,
}

impl Resolver<'_> {
    /// The innermost usage that counts, from one on outwards.
    fn effective(&self, mut usage: Option<UsageId>) -> Option<UsageId> {
        while let Some(id) = usage {
            let found = self.deferrals.usage(id)?;
            if self.active.get(id.0 as usize) == Some(&true) {
                let stream = found.stream.and_then(|id| self.deferrals.streams.get(id.0 as usize));
                return Some(stream.map_or(id, |stream| stream.usage));
            }
            usage = found.parent;
        }
        None
    }

    /// The deferred fragment that one stands in: none beyond the list whose item it is in.
    fn parent(&self, id: UsageId) -> Option<UsageId> {
        let parent = self.around(id)?;
        self.deferrals.usage(parent)?.stream.is_none().then_some(parent)
    }

    fn around(&self, id: UsageId) -> Option<UsageId> {
        let usage = self.deferrals.usage(id)?;
        if usage.stream.is_some() { None } else { self.effective(usage.parent) }
    }

    fn set(&mut self, occurrences: &[Occurrence]) -> SetId {
        let truths = self.truths;
        let is_included = |when: Conjunction| {
            truths.is_none_or(|truths| when.yes & !truths == 0 && when.no & truths == 0)
        };
        let mut set = Vec::new();
        for occurrence in occurrences.iter().filter(|occurrence| is_included(occurrence.when)) {
            // whatever is also selected outside of deferred fragments comes first
            let Some(usage) = self.effective(occurrence.usage) else { return SetId::FIRST };
            set.push(usage);
        }
        set.sort_unstable();
        set.dedup();
        let all = set.clone();
        set.retain(|usage| {
            let mut outer = self.around(*usage);
            while let Some(id) = outer {
                if all.binary_search(&id).is_ok() {
                    return false;
                }
                outer = self.around(id);
            }
            true
        });
        self.number(set)
    }

    fn number(&mut self, set: Vec<UsageId>) -> SetId {
        if let Some(known) = self.numbers.get(&set) {
            return *known;
        }
        let id = SetId(u32::try_from(self.sets.len()).unwrap_or(u32::MAX));
        self.sets.push(set.clone());
        self.numbers.insert(set, id);
        id
    }

    fn stream(
        &mut self,
        stream: &Stream,
        variables: Option<&Variables>,
    ) -> Result<Option<Streamed>, RequestError> {
        let Some(usage) = self.deferrals.usage(stream.usage) else { return Ok(None) };
        if self.active.get(stream.usage.0 as usize) != Some(&true) {
            return Ok(None);
        }
        let count = match (variables, &stream.count) {
            (Some(variables), count) => given(count, variables, "initialCount", usage.location)?,
            (None, ArgumentValue::Constant(count)) => Some(count.clone()),
            // the first items may be wanted at once
            (None, _) => Some(Value::from(1)),
        };
        let Some(count) = count.and_then(|count| u32::try_from(count.as_u64()?).ok()) else {
            let message = "Argument \"initialCount\" of @stream must not be negative.";
            return Err(RequestError::new(ErrorCode::BadUserInput, message).at(usage.location));
        };
        let set = self.number(vec![stream.usage]);
        Ok(Some(Streamed { usage: stream.usage, set, count }))
    }
}
