//! Parts of objects: which backend contributes what, and by which keys it is found.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{BackendId, Blocked, CallId, PartId, ShapeId, SlotId, TypeId};
use crate::mapping::Mapping;
use crate::value::Country;

/// One backend's contribution to a type: a record with a fixed set of slots.
#[derive(Debug)]
pub struct Part {
    pub role: Arc<str>,
    pub backend: BackendId,
    pub shape: ShapeId,
    /// The part that decides whether the object exists. Exactly one part of a type is its anchor.
    pub is_anchor: bool,
    /// The ways to name this part, in the contract's order.
    pub keys: Vec<PartKey>,
    /// Identity: how this part's key is found from other parts, in order of priority. Empty for a type with one part.
    pub rules: Vec<IdentityRule>,
    /// The slot that names the survivor of a record that was merged into another.
    pub merged: Option<SlotId>,
    /// Slots that are asked for whenever the part is loaded: identity cannot do without them.
    pub always: Vec<SlotId>,
}

#[derive(Debug)]
pub struct PartKey {
    /// `id`, `email`, …
    pub kind: Arc<str>,
    /// The slots of this part that hold the same value: knowing the key is knowing the slots.
    pub slots: Vec<SlotId>,
    pub normalizer: Normalizer,
    /// Values that say nothing about who somebody is: they match nothing.
    pub blocked: Option<Arc<Blocked>>,
    /// The call that loads the part by this key, if this vendor has one.
    pub call: Option<CallId>,
}

/// "The key `kind` of this part is that slot of that other part."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityRule {
    /// For people: what `identityMatches` calls it.
    pub name: Arc<str>,
    pub key_kind: u8,
    pub from: PartId,
    pub slots: Vec<SlotId>,
    /// The deployment declares that this rule and those before it always lead to the same record, so that a known key
    /// need not wait for them.
    pub equivalent: bool,
    /// So many records of this system on one key are one customer's accounts; more are AMBIGUOUS.
    pub at_most: u32,
    /// What the source says is looked up here first: the other system's key by it. What is not in it is blank.
    pub table: Option<Arc<Crosswalk>>,
}

/// Whose value of a field is shown, where several parts have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survivorship {
    /// At least two, in the order of preference.
    pub parts: Vec<PartId>,
    /// For each part the slot that says when its record changed, if it says so: the latest value is shown. `None`: the first.
    pub times: Option<Vec<Option<SlotId>>>,
}

impl Survivorship {
    /// The parts that are preferred to one.
    pub fn before(&self, part: PartId) -> &[PartId] {
        let place = self.parts.iter().position(|other| *other == part).unwrap_or(0);
        self.parts.get(..place).unwrap_or_default()
    }
}

/// Keys of one system by those of another, as a file lists them.
pub type Crosswalk = FxHashMap<Box<str>, Box<str>>;

/// How two spellings of one key are made equal. Display keeps the original.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Normalizer {
    #[default]
    Exact,
    /// Trimmed, lower case.
    Email,
    /// E.164; a number without a country's code is one of this country.
    Phone(Option<&'static Country>),
    /// The domain of an address or a URL, lower case, without `www.`.
    Domain,
    /// Trimmed, lower case.
    CaseInsensitive,
}

/// The records of one role for one type: which slots they have and how a backend's answer fills them.
#[derive(Debug)]
pub struct Shape {
    pub name: Arc<str>,
    pub ty: TypeId,
    pub slots: Vec<Slot>,
    /// By field number of `ty`: the slot that holds it.
    pub field_slots: Vec<Option<SlotId>>,
    /// For a record that is written out in place: by the slots of its type's own shape, which keys name, the slots that hold
    /// the same. Empty for all other shapes.
    pub named_slots: Vec<Option<SlotId>>,
    /// The slot of the remote id, if the type has an `id` that this shape fills: `(type, id)` tags and cursors use it.
    pub id_slot: Option<SlotId>,
    /// The slot or field `url`: where the record can be looked at, for `refs`.
    pub url: Option<SlotId>,
    /// A record of an abstract type picks one of these instead of having slots of its own.
    pub pick: Option<Pick>,
}

/// Which shape a record of an abstract type has.
#[derive(Debug)]
pub struct Pick {
    pub mapping: Mapping,
    /// The names to ask for, for APIs whose fields are opt-in: what says which shape it is, and all that the shapes read.
    pub needs: Vec<Arc<str>>,
}

#[derive(Debug)]
pub struct Slot {
    /// The field's name, or the hidden slot's.
    pub name: Arc<str>,
    pub mapping: Mapping,
    /// Names to ask the backend for when this slot is wanted (for `$fields`).
    pub needs: Vec<Arc<str>>,
}
