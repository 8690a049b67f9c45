//! Lists whose records only name objects: for a filter or an order that is done here, their step looks up the objects' own
//! records, by the call that would load them anyway.
//!
//! Takes: the step of a list, the field's arguments as far as they are known.
//! Gives: the look-up, whether it is made, the slots that it is to bring, and how many calls it can come to.
//! Never: reads a record, or reckons with a look-up of what the list itself has.

use super::calls::{Case, chunks, pages, pages_of_records};
use super::lists::{Place, placed};
use super::mark::Marker;
use super::worst::Worst;
use super::{CallStep, PartStep, Placed, Step, Work};
use crate::graph::{Call, CallId, Graph, KeySource, PartId, ShapeId, TypeId};
use crate::operation::Variables;

/// What loads the records of the objects that a list names.
#[derive(Clone, Copy, Debug)]
pub struct LookUp {
    pub ty: TypeId,
    pub part: PartId,
    pub call: CallId,
    pub shape: ShapeId,
}

/// Whether a list's step looks records up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Looks {
    Never,
    /// The values decide.
    Perhaps,
    Always,
}

impl CallStep {
    /// `None`: its records are the objects' own, or nobody loads those that they name.
    pub fn look_up(&self, graph: &Graph) -> Option<LookUp> {
        let named = self.names?;
        let ty = graph.shape(self.shape).ty;
        let part = graph.ty(ty).parts.get(usize::from(named.part.0))?;
        let call = part.keys.get(usize::from(named.key_kind))?.call?;
        let (part, shape) = (named.part, part.shape);
        Some(LookUp { ty, part, call, shape })
    }

    fn looks(&self, graph: &Graph, ty: TypeId, variables: Option<&Variables>) -> Looks {
        let Some(rules) = self.rules.as_ref().filter(|_| self.look_up(graph).is_some()) else {
            return Looks::Never;
        };
        let looks = |placed: &Placed| match placed.place {
            Place::OverPages if placed.is_given => Looks::Always,
            Place::OverPages | Place::ByValue => Looks::Perhaps,
            Place::PushedDown | Place::NotCovered => Looks::Never,
        };
        // what is made of several lists is brought into order here, whoever ordered each of them
        let is_ordered = rules.order.as_ref().is_some_and(|order| {
            self.field.arguments.iter().any(|argument| argument.name == order.argument)
        });
        let of_several = is_ordered && self.accounts(graph, ty) > 1;
        let least = if of_several { Looks::Perhaps } else { Looks::Never };
        let all = placed(rules, &self.field, variables);
        all.iter().map(looks).chain([least]).max().unwrap_or(least)
    }

    /// How many records of one object, at the most, have lists that become one.
    pub(super) fn accounts(&self, graph: &Graph, ty: TypeId) -> u64 {
        match self.key {
            KeySource::Slots { part, .. } => graph.records_at_most(ty, part),
            _ => 1,
        }
    }
}

impl Marker<'_> {
    /// What filters and orders read of a list's records is wanted of them like what is shown.
    pub(super) fn want_sifted(&mut self, step: &Step, call: &CallStep) {
        let Some(rules) = &call.rules else { return };
        if !call.field.arguments.iter().any(|argument| rules.reads(&argument.name)) {
            return;
        }
        let Some(variables) = self.variables() else { return };
        let Ok(arguments) = call.field.arguments(variables) else { return };
        let graph = self.graph;
        let shape = call.look_up(graph).map_or(call.shape, |look_up| look_up.shape);
        let ty = graph.shape(shape).ty;
        let Some(part) = graph.ty(ty).part_of(shape) else { return };
        let is_of_several = call.accounts(graph, step.ty) > 1;
        for column in rules.columns(&arguments, is_of_several) {
            let name = column.path.first();
            let field = name.and_then(|name| graph.ty(ty).field_names.get(name)).copied();
            let slot = self.slot_of(ty, part, field);
            self.want_slots((call.child, ty), part, slot.as_slice(), true);
        }
    }
}

impl Worst<'_> {
    /// The look-up that a step makes or may make.
    pub(super) fn look_up(&self, step: &Step) -> Option<(Looks, LookUp)> {
        let Work::Call(call) = &step.work else { return None };
        let looks = call.looks(self.graph, step.ty, self.variables);
        (looks > Looks::Never).then_some(looks).zip(call.look_up(self.graph))
    }

    /// Whether the objects of a part's step come with this part, because their list looked it up.
    pub(super) fn is_looked_up(&self, step: &Step, work: &PartStep) -> bool {
        let look_up = self.origin(step).and_then(|origin| self.look_up(origin));
        work.own_key
            && look_up
                .is_some_and(|(looks, look_up)| looks == Looks::Always && look_up.part == work.part)
    }

    /// How many records the lists of so many objects name; `None`: nothing bounds them but `limits.objects`.
    pub(super) fn names(&self, step: &Step, objects: Option<u64>) -> Option<u64> {
        let Work::Call(work) = &step.work else { return Some(0) };
        let accounts = work.accounts(self.graph, step.ty);
        let lists = Self::keys_of(work, objects)?.saturating_mul(accounts);
        let names = lists.saturating_mul(whole_length(self.graph.call(work.call))?);
        Some(names.min(self.most()))
    }

    /// The calls that look up so many records, if the step looks records up at all.
    pub(super) fn look_up_calls(&self, step: &Step, names: Option<u64>, case: Case) -> Option<u64> {
        let Some((_, look_up)) = self.look_up(step) else { return Some(0) };
        let (call, names) = (self.graph.call(look_up.call), names?);
        let pages = match case {
            Case::Planned => pages_of_records(call, names),
            Case::Worst => u64::from(pages(call)),
        };
        let chunks = chunks(call, names, case, self.graph.limits.key_bytes);
        Some(chunks.saturating_mul(pages))
    }
}

/// The records of one key, if every page is full. `None`: nothing says how many there can be.
pub(super) fn whole_length(call: &Call) -> Option<u64> {
    let of_pages = call
        .pages
        .as_ref()
        .and_then(|pages| Some(u64::from(pages.max_pages) * u64::from(pages.size.as_ref()?.max)));
    match (of_pages, call.longest) {
        (Some(pages), Some(longest)) => Some(pages.min(longest)),
        (pages, longest) => pages.or(longest),
    }
}
