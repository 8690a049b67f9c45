//! Who answers for what: one anchor, one owner, and null where a backend may be away.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::context::{Class, RoleId};
use super::contract::{Contract, Reader};
use super::lookups;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::graph::{FieldId, TypeId};

impl Reader<'_> {
    /// Exactly one anchor for each type with several parts; the only part is the anchor without saying so.
    pub(super) fn anchors(&mut self, contract: &mut Contract) {
        for (ty, roles) in contract.parts_by_type() {
            let parts = |contract: &Contract| -> Vec<(usize, usize, Span, bool)> {
                let mut found = Vec::new();
                for role in &roles {
                    let Some(parts) = contract.roles.get(role.0).map(|role| &role.parts) else {
                        continue;
                    };
                    for (index, part) in parts.iter().enumerate().filter(|(_, part)| part.ty == ty)
                    {
                        found.push((role.0, index, part.span, part.is_anchor));
                    }
                }
                found
            };
            let all = parts(contract);
            let anchors: Vec<_> = all.iter().filter(|(.., is_anchor)| *is_anchor).collect();
            let name = self.types.get(ty.index()).map_or("", |ty| &*ty.name);
            let problem = match (anchors.as_slice(), all.as_slice()) {
                ([_], _) => continue,
                ([], [(role, part, ..), rest @ ..]) => {
                    let place =
                        contract.roles.get_mut(*role).and_then(|role| role.parts.get_mut(*part));
                    if let Some(part) = place {
                        part.is_anchor = true;
                    }
                    if rest.is_empty() {
                        continue;
                    }
                    Diagnostic::error(
                        Code::InvalidAnchor,
                        format!("`{name}` has several parts and no anchor"),
                    )
                    .help(
                        "write `anchor: true` for the part that decides whether the object exists",
                    )
                }
                _ => Diagnostic::error(
                    Code::InvalidAnchor,
                    format!("`{name}` has several anchors"),
                )
                .help(
                    "one part decides whether the object exists; keep `anchor: true` there alone",
                ),
            };
            let shown = if anchors.is_empty() { all.iter().collect() } else { anchors };
            let problem =
                shown.iter().fold(problem, |problem, (_, _, span, _)| problem.at(*span, "a part"));
            self.problems.push(problem.also(self.sdl.type_span(name), "the type"));
        }
    }

    /// Each coordinate has one owner, and each that needs one has it.
    pub(super) fn owners(&mut self, contract: &Contract) {
        let mut owners: FxHashMap<(TypeId, FieldId), (RoleId, Span)> = FxHashMap::default();
        let roles = (0..).map(RoleId).zip(&contract.roles);
        for (role, one) in roles.flat_map(|(id, role)| role.coordinates().map(move |one| (id, one)))
        {
            let Some(first) = owners.insert((one.ty, one.field), (role, one.span)) else {
                continue;
            };
            let is_shared = contract.survivorship_of(one.ty, one.field).is_some();
            if is_shared && first.0 != role {
                continue;
            }
            let name = self.name(one.ty, one.field);
            let problem =
                Diagnostic::error(Code::DuplicateOwner, format!("`{name}` is claimed twice"))
                    .at(one.span, "the second")
                    .at(first.1, "the first");
            self.problems.push(problem.help(if first.0 == role {
                "remove one of them".to_owned()
            } else {
                format!(
                    "remove one of them, or say in an identity file whose value is shown: `survivorship: {{ {name}: {{ prefer: [{}] }} }}`",
                    [first.0, role].map(|role| contract.roles.get(role.0).map_or("", |role| &*role.name)).join(", ")
                )
            }));
        }
        let entities: Vec<TypeId> =
            contract.parts_by_type().into_iter().map(|(ty, _)| ty).collect();
        for (ty, id) in self.types.iter().zip((0_u32..).map(TypeId)) {
            let class = self.classes.get(id.index());
            let is_owned =
                entities.contains(&id) || matches!(class, Some(Class::Query | Class::Mutation));
            for (field, number) in ty.fields.iter().zip((0_u16..).map(FieldId)) {
                let returned = self.classes.get(field.ty.named.index());
                let is_status = matches!(returned, Some(Class::SourceStatus | Class::Account(_)));
                let is_crossing = self.crossing.contains(&field.coordinate)
                    || (class == Some(&Class::Query)
                        && lookups::node_source(self.types, field).is_some());
                let is_elsewhere = is_crossing
                    || self.sdl.is_external(&ty.name, &field.name)
                    || self.sdl.is_service(&ty.name, &field.name);
                let is_known =
                    owners.contains_key(&(id, number)) || contract.meant.contains(&(id, number));
                let is_reckoned = self.reckoned.contains(&*field.coordinate);
                if is_owned && !is_status && !is_elsewhere && !is_known && !is_reckoned {
                    let problem = Diagnostic::error(
                        Code::UnownedCoordinate,
                        format!("no role answers for `{}`", field.coordinate),
                    );
                    self.problems.push(
                        problem
                            .also(self.sdl.field_span(&ty.name, &field.name), "no role claims it")
                            .help("list it under a role's part or under a role's `fields` in `roles.yaml`"),
                    );
                }
            }
        }
    }

    /// What does not come from the anchor must be able to be null: its backend may be away.
    pub(super) fn nullability(&mut self, contract: &Contract) {
        for (ty, roles) in contract.parts_by_type() {
            let anchor = roles.first().copied();
            for (index, role) in contract.roles.iter().enumerate() {
                if Some(RoleId(index)) == anchor {
                    continue;
                }
                for coordinate in role.coordinates().filter(|one| one.ty == ty) {
                    let Some(field) = self
                        .types
                        .get(ty.index())
                        .and_then(|ty| ty.fields.get(coordinate.field.index()))
                    else {
                        continue;
                    };
                    let is_non_null = field.ty.wrappers.first().is_some_and(|outer| outer.non_null);
                    if !is_non_null || &*field.name == "id" {
                        continue;
                    }
                    let name = self.types.get(ty.index()).map_or("", |ty| &*ty.name);
                    let anchor = anchor.and_then(|anchor| contract.roles.get(anchor.0));
                    let anchor = anchor.map_or("", |role| &*role.name);
                    self.problems.push(
                        Diagnostic::error(
                            Code::NonNullPart,
                            format!("`{}` comes from `{}` and must be able to be null", field.coordinate, role.name),
                        )
                        .at(coordinate.span, format!("the anchor of `{name}` is `{anchor}`"))
                        .also(self.sdl.field_span(name, &field.name), "non-null here")
                        .help("remove the `!`: when that backend is away, the rest of the object stays"),
                    );
                }
            }
        }
    }

    /// A root field that may not be null takes the whole answer with it when its backend is away.
    pub(super) fn root_nullability(&mut self, contract: &Contract) {
        let root = |ty: &TypeId| {
            matches!(self.classes.get(ty.index()), Some(Class::Query | Class::Mutation))
        };
        for role in &contract.roles {
            for coordinate in role.coordinates().filter(|one| root(&one.ty)) {
                let Some(ty) = self.types.get(coordinate.ty.index()) else { continue };
                let Some(field) = ty.fields.get(coordinate.field.index()) else { continue };
                if field.ty.wrappers.first().is_some_and(|outer| outer.non_null) {
                    self.problems.push(
                        Diagnostic::warning(
                            Code::NonNullRoot,
                            format!(
                                "`{}` comes from `{}` and cannot be null",
                                field.coordinate, role.name
                            ),
                        )
                        .at(
                            coordinate.span,
                            "when that backend is away, nothing of the whole answer is left",
                        )
                        .also(self.sdl.field_span(&ty.name, &field.name), "non-null here")
                        .help("remove the `!`: the other root fields keep their answers"),
                    );
                }
            }
        }
    }

    fn name(&self, ty: TypeId, field: FieldId) -> Arc<str> {
        self.types
            .get(ty.index())
            .and_then(|ty| ty.fields.get(field.index()))
            .map_or_else(|| Arc::from(""), |field| Arc::clone(&field.coordinate))
    }
}
