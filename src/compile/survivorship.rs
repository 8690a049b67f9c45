//! `survivorship`: fields that several roles' records fill, and whose value is shown.
//!
//! Takes: the rules of all files, the contract; then the vendors' records.
//! Gives: for each such field the roles in their order, or by when their records changed; a problem for each rule that cannot work.
//! Never: says how records are found. Keys are those of one role, whatever is shown.

use std::sync::Arc;

use super::context::{Class, Context, RoleId};
use super::contract::{Contract, Coordinate, PartContract, Reader, all_of};
use super::coverage::{Candidate, Shared};
use super::federation::fields as field_sets;
use super::trees::VendorTree;
use super::vendor::Output;
use crate::config::yaml::{Entry, Node};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::graph::{FieldId, Scalar, Source, Type, TypeId, TypeKind};

/// "Of these roles' values of the field, one is shown."
#[derive(Debug)]
pub(super) struct Survivorship {
    pub(super) ty: TypeId,
    pub(super) field: FieldId,
    pub(super) span: Span,
    /// In the order of preference.
    pub(super) roles: Vec<RoleId>,
    /// Where the latest value is shown: the slots that say when.
    pub(super) times: Vec<(RoleId, Arc<str>, Span)>,
}

impl Contract {
    pub(super) fn survivorship_of(&self, ty: TypeId, field: FieldId) -> Option<&Survivorship> {
        self.survivorship.iter().find(|rule| rule.ty == ty && rule.field == field)
    }

    /// Must a hidden slot be a time?
    pub(super) fn is_time(&self, role: RoleId, ty: TypeId, slot: &str) -> bool {
        let rules = self.survivorship.iter().filter(|rule| rule.ty == ty);
        rules.flat_map(|rule| &rule.times).any(|(of, name, _)| *of == role && **name == *slot)
    }
}

impl Reader<'_> {
    /// The rules, those with a problem too: nothing is told that only follows from it.
    pub(super) fn survivorship(
        &mut self,
        roots: &[&Node],
        contract: &Contract,
    ) -> Vec<Survivorship> {
        let mut found: Vec<Survivorship> = Vec::new();
        for entry in all_of(roots, "survivorship") {
            let Some(of) = self.coordinate(&entry.key, entry.key_span) else { continue };
            if let Some(first) =
                found.iter().find(|rule| (rule.ty, rule.field) == (of.ty, of.field))
            {
                let message = format!("`{}` has two rules", entry.key);
                self.problems.push(
                    Diagnostic::error(Code::DuplicateOwner, message)
                        .at(entry.key_span, "the second")
                        .at(first.span, "the first")
                        .help("one of them says whose value is shown; remove the other"),
                );
                continue;
            }
            self.may_be_shared(of, contract, &entry.key);
            let roles = self.preferred(of, contract, entry);
            let times = self.times(of, contract, &roles, entry);
            found.push(Survivorship { ty: of.ty, field: of.field, span: of.span, roles, times });
        }
        found
    }

    fn wrong(&mut self, message: String, span: Span, label: &str, help: &str) {
        let problem = Diagnostic::error(Code::InvalidSurvivorship, message).at(span, label);
        self.problems.push(if help.is_empty() { problem } else { problem.help(help) });
    }

    /// Is it a value that any record could say as well as another?
    fn may_be_shared(&mut self, of: Coordinate, contract: &Contract, name: &str) {
        let Some(ty) = self.types.get(of.ty.index()) else { return };
        let Some(field) = ty.fields.get(of.field.index()) else { return };
        let entities = contract.parts_by_type();
        let is_entity = |id: TypeId| entities.iter().any(|(ty, _)| *ty == id);
        let returned = self.classes.get(field.ty.named.index());
        let is_value = matches!(returned, Some(Class::Leaf | Class::Value | Class::Abstract));
        let role = contract
            .roles
            .iter()
            .find(|role| role.fields.iter().any(|one| (one.ty, one.field) == (of.ty, of.field)));
        let why = if &*field.name == "id" {
            "an `id` names the record of one role".to_owned()
        } else if self.is_key(&ty.name, &field.name) {
            "it stands in a `@key`: routers find the object by it, and it is found by the anchor's value alone".to_owned()
        } else if let Some(role) = role {
            format!("`{}` answers it by a call or a reference, not from its record", role.name)
        } else if is_entity(field.ty.named) || !is_value {
            "it leads to other objects".to_owned()
        } else {
            return;
        };
        let help = "remove the rule, and leave the field to one role";
        self.wrong(format!("`{name}` cannot have several sources"), of.span, &why, help);
    }

    fn is_key(&self, ty: &str, field: &str) -> bool {
        let Some(defined) = self.sdl.schema().types.get(ty) else { return false };
        let keys = defined.directives().get_all("key");
        let sets = keys.filter_map(|key| key.specified_argument_by_name("fields")?.as_str());
        sets.filter_map(field_sets::parse)
            .flat_map(|set| set.paths())
            .any(|path| path.first().is_some_and(|first| **first == *field))
    }

    fn preferred(&mut self, of: Coordinate, contract: &Contract, entry: &Entry) -> Vec<RoleId> {
        let list = entry.value.get("prefer");
        let mut roles: Vec<RoleId> = Vec::new();
        for node in list.map(Node::items).unwrap_or_default() {
            let Some(name) = node.filled() else { continue };
            let Some(role) = contract.role_named(name) else {
                self.problems.push(
                    Diagnostic::error(Code::UnknownRole, format!("there is no role `{name}`"))
                        .at(node.span, "not in `roles.yaml`")
                        .suggest(name, contract.role_names()),
                );
                continue;
            };
            if roles.contains(&role) {
                self.wrong(format!("`{name}` is named twice"), node.span, "the second time", "");
                continue;
            }
            roles.push(role);
            self.has_field(of, contract, role, node.span);
        }
        // a misspelled role may be the one that is missing
        let items = list.map_or(0, |list| list.items().len());
        if items == roles.len() {
            self.left_out(of, contract, &roles, entry.key_span);
        }
        roles
    }

    fn has_field(&mut self, of: Coordinate, contract: &Contract, role: RoleId, span: Span) {
        let Some(role) = contract.roles.get(role.0) else { return };
        let part = role.parts.iter().find(|part| part.ty == of.ty);
        if role.owns(of.ty, of.field) {
            return;
        }
        let name = self.types.get(of.ty.index()).and_then(|ty| ty.fields.get(of.field.index()));
        let (ty, name) = (self.types.get(of.ty.index()), name.map_or("", |field| &*field.name));
        let ty = ty.map_or("", |ty| &*ty.name);
        let problem = Diagnostic::error(
            Code::NotInContract,
            format!("`{}`'s part of `{ty}` does not have the field `{name}`", role.name),
        );
        let problem = problem.at(span, "it has no value to show");
        let problem = problem.also(part.map(|part| part.span), "the part's contract");
        self.problems.push(problem.help(format!(
            "list it there: `roles: {{ {}: {{ parts: {{ {ty}: {{ fields: [{name}] }} }} }} }}`, or leave the role out of `prefer`",
            role.name
        )));
    }

    /// Roles that have the field and no place in the order.
    fn left_out(&mut self, of: Coordinate, contract: &Contract, roles: &[RoleId], span: Span) {
        for (index, role) in contract.roles.iter().enumerate() {
            let claims = role.parts.iter().flat_map(|part| &part.fields);
            let claim = claims.into_iter().find(|one| (one.ty, one.field) == (of.ty, of.field));
            let Some(claim) = claim.filter(|_| !roles.contains(&RoleId(index))) else { continue };
            self.problems.push(
                Diagnostic::error(
                    Code::InvalidSurvivorship,
                    format!("`{}` has the field too, and the rule does not name it", role.name),
                )
                .at(span, "nothing says where its value stands")
                .at(claim.span, "it is claimed here")
                .help(format!("add `{}` to `prefer`, or remove the claim", role.name)),
            );
        }
    }

    /// The slots that say when each role's record changed.
    fn times(
        &mut self,
        of: Coordinate,
        contract: &Contract,
        roles: &[RoleId],
        entry: &Entry,
    ) -> Vec<(RoleId, Arc<str>, Span)> {
        let Some(newest) = entry.value.get("newest") else { return Vec::new() };
        let before = self.problems.len();
        let mut times: Vec<(RoleId, Arc<str>, Span)> = Vec::new();
        for node in newest.items() {
            let Some(text) = node.filled() else { continue };
            let Some((name, slot)) = text.split_once('.') else {
                let help = "the slot of a role that says when its record changed: `crm.updatedAt`";
                self.wrong(
                    format!("`{text}` is not a slot of a role"),
                    node.span,
                    "no `.` in it",
                    help,
                );
                continue;
            };
            let role = contract.role_named(name).filter(|role| roles.contains(role));
            let part = role.and_then(|role| contract.roles.get(role.0));
            let part = part.and_then(|role| role.parts.iter().find(|part| part.ty == of.ty));
            let (Some(role), Some(part)) = (role, part) else {
                let message = format!("`{name}` is not one of the roles of `prefer`");
                self.wrong(message, node.span, "whose value would it be?", "");
                continue;
            };
            if times.iter().any(|(other, ..)| *other == role) {
                self.wrong(format!("`{name}` has two times"), node.span, "the second", "");
                continue;
            }
            self.is_timed(of.ty, part, node, slot);
            times.push((role, Arc::from(slot), node.span));
        }
        for role in roles.iter().filter_map(|role| {
            let is_missing = times.iter().all(|(other, ..)| other != role);
            contract.roles.get(role.0).filter(|_| is_missing)
        }) {
            if self.problems.len() > before {
                break;
            }
            let message = format!("nothing says when `{}`'s record changed", role.name);
            let help = format!("add a slot of its part that does: `{}.updatedAt`", role.name);
            self.wrong(message, newest.span, "without it there is no newest value", &help);
        }
        times
    }

    fn is_timed(&mut self, ty: TypeId, part: &PartContract, node: &Node, slot: &str) {
        let Some(of) = self.types.get(ty.index()) else { return };
        if !self.known_slot(of, part, node, slot) {
            return;
        }
        let Some(field) = of.field_names.get(slot).and_then(|id| of.fields.get(id.index())) else {
            return;
        };
        let kind = self.types.get(field.ty.named.index()).map(|ty| &ty.kind);
        let is_time = kind == Some(&TypeKind::Scalar(Scalar::DateTime));
        if !is_time || field.ty.wrappers.len() != 1 {
            self.problems.push(
                Diagnostic::error(Code::TypeMismatch, format!("`{}` is no time", field.coordinate))
                    .at(node.span, "a `DateTime`, or a hidden slot, says when")
                    .also(self.sdl.field_span(&of.name, &field.name), "defined here"),
            );
        }
    }
}

/// What only the vendors' files tell: calls inside of values, times that nobody maps. `maps`: whether a role's vendor says anything
/// of a slot.
pub(super) fn check(
    cx: &Context<'_>,
    types: &[Type],
    out: &Output,
    maps: impl Fn((RoleId, TypeId, &str)) -> bool,
    problems: &mut Vec<Diagnostic>,
) {
    for rule in &cx.contract.survivorship {
        problems.extend(called(cx, types, rule));
        let ty = cx.ty(rule.ty);
        for (role, slot, span) in &rule.times {
            let part = cx.part(*role, rule.ty);
            let is_known = ty.field_names.contains_key(slot)
                || part.is_some_and(|part| part.slots.iter().any(|(name, _)| name == slot));
            let is_filled = out.filled.contains(&(*role, rule.ty, rule.field));
            if is_known && is_filled && !maps((*role, rule.ty, slot)) {
                let name = &cx.role(*role).name;
                problems.push(
                    Diagnostic::warning(
                        Code::UnmappedSlot,
                        format!("the vendor of `{name}` does not map `{slot}`"),
                    )
                    .at(*span, "it says when the record changed")
                    .help("without it its values count as the oldest"),
                );
            }
        }
    }
}

/// A field whose values lead on by calls: what is inside of them belongs to one backend.
fn called(cx: &Context<'_>, types: &[Type], rule: &Survivorship) -> Option<Diagnostic> {
    let field = types.get(rule.ty.index())?.fields.get(rule.field.index())?;
    if !matches!(cx.class(field.ty.named), Class::Value | Class::Abstract) {
        return None;
    }
    let inner = called_inside(types, field.ty.named, &mut Vec::new())?;
    let message = format!("`{}` cannot have several sources", field.coordinate);
    Some(
        Diagnostic::error(Code::InvalidSurvivorship, message)
            .at(rule.span, format!("a call or a reference answers `{inner}` inside of it"))
            .help("remove the rule, and leave the field to one role"),
    )
}

/// The fields with several sources, and which vendors have them.
pub(super) fn shared<'t>(
    cx: &Context<'_>,
    out: &Output,
    tree_of: impl Fn(RoleId) -> Option<&'t VendorTree>,
) -> Vec<Shared> {
    let candidate = |rule: &Survivorship, role: RoleId| Candidate {
        role: cx.role(role).name.as_ref().into(),
        vendor: tree_of(role).map(|tree| tree.vendor.clone()),
        is_covered: out.filled.contains(&(role, rule.ty, rule.field)),
    };
    let shared = |rule: &Survivorship| Shared {
        coordinate: cx.field(rule.ty, rule.field).coordinate.as_ref().into(),
        is_newest: !rule.times.is_empty(),
        candidates: rule.roles.iter().map(|role| candidate(rule, *role)).collect(),
    };
    cx.contract.survivorship.iter().map(shared).collect()
}

/// A field inside of a value that is no part of the record.
fn called_inside(types: &[Type], ty: TypeId, seen: &mut Vec<TypeId>) -> Option<Arc<str>> {
    if seen.contains(&ty) {
        return None;
    }
    seen.push(ty);
    let of = types.get(ty.index())?;
    if let TypeKind::Interface { possible } | TypeKind::Union { possible } = &of.kind {
        return possible.iter().find_map(|ty| called_inside(types, *ty, seen));
    }
    of.fields.iter().find_map(|field| match field.source {
        Source::Slot { .. } | Source::NotCovered => called_inside(types, field.ty.named, seen),
        _ => Some(Arc::clone(&field.coordinate)),
    })
}
