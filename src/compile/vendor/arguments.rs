//! What a request makes of its arguments: words of enums, and ids inside of input objects.

use std::sync::Arc;

use apollo_compiler::Schema;
use apollo_compiler::schema::ExtendedType;

use super::expression::argument_path;
use super::{Use, UsedBy, Vendor};
use crate::compile::context::Class;
use crate::config::shape::check::request_form;
use crate::config::yaml::{Entry, Node};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::graph::{FieldId, TypeId};

impl Vendor<'_, '_> {
    /// The words of `{ enum: $args.…, values: … }` are values of the argument's enum.
    /// Not every value needs a word: one without is refused, which is what a vendor that does not know it would do.
    pub(super) fn check_words(&mut self, entry: &Entry, uses: &[Use]) {
        let mut forms = Vec::new();
        for key in ["with", "query", "body", "form"] {
            enums(entry.value.get(key), &mut forms);
        }
        let of_arguments = forms.into_iter().flat_map(|form| {
            arguments_of(form).into_iter().filter_map(move |text| {
                text.strip_prefix("$args.").and_then(argument_path).map(|path| (form, path))
            })
        });
        for (form, path) in of_arguments {
            for one in uses {
                let UsedBy::Field(ty, field) = one.by else { continue };
                if self.check_enum(form, &path, ty, field) {
                    break; // said once
                }
            }
        }
    }

    /// Whether there was a problem.
    fn check_enum(&mut self, form: &Node, path: &[Arc<str>], ty: TypeId, field: FieldId) -> bool {
        let sdl = self.cx.sdl;
        let (owner, definition) = (&self.cx.ty(ty).name, self.cx.field(ty, field));
        let Ok(found) = sdl.argument_type(owner, &definition.name, path) else { return false };
        let name = found.inner_named_type();
        let Some(ExtendedType::Enum(definition)) = sdl.schema().types.get(name) else {
            return false;
        };
        if sdl.is_doubtful(name) {
            return false;
        }
        let values: Vec<&str> =
            definition.values.keys().map(apollo_compiler::Name::as_str).collect();
        let place = sdl.type_span(name);
        let before = self.problems.len();
        let words = form.get("values").map(Node::entries).unwrap_or_default();
        for word in words.iter().filter(|word| !values.contains(&&*word.key)) {
            self.problem(
                Diagnostic::error(
                    Code::UnknownEnumValue,
                    format!("`{}` is no value of `{name}`", word.key),
                )
                .at(word.key_span, "no client can send it")
                .also(place, "the argument's type")
                .suggest(&word.key, values.iter().copied()),
            );
        }
        self.problems.len() > before
    }

    /// An input object that is sent as a whole would send the ids in it as clients know them.
    pub(super) fn check_whole(
        &mut self,
        ty: TypeId,
        field: FieldId,
        path: &[Arc<str>],
        place: Span,
    ) {
        let sdl = self.cx.sdl;
        let (owner, definition) = (&self.cx.ty(ty).name, self.cx.field(ty, field));
        let Ok(found) = sdl.argument_type(owner, &definition.name, path) else { return };
        let whole = format!("$args.{}", path.join("."));
        let mut ids = Vec::new();
        collect_ids(sdl.schema(), found.inner_named_type(), &whole, &mut Vec::new(), &mut ids);
        let Some(first) = ids.first() else { return };
        let written: Vec<String> = ids.iter().map(|id| self.remote_id(id, ty, field)).collect();
        let problem = Diagnostic::error(
            Code::UntypedId,
            format!("`{whole}` holds ids, and they would be sent as clients know them"),
        )
        .at(place, format!("`{first}` is of type `ID`"))
        .also(sdl.type_span(found.inner_named_type()), "the argument's type")
        .help(format!("write its members one by one, and each id as {}", written.join(", ")));
        self.problem(problem);
    }

    /// How an id is to be written: of the type that its name says, or that the field returns.
    fn remote_id(&self, path: &str, ty: TypeId, field: FieldId) -> String {
        let last = path.rsplit('.').next().unwrap_or(path);
        let stem = last.trim_end_matches("Ids").trim_end_matches("Id");
        let is_entity = |id: &TypeId| self.cx.class(*id) == Class::Entity;
        let mut named = self.cx.names.iter().filter(|(name, _)| name.eq_ignore_ascii_case(stem));
        let named = named.find(|(_, id)| is_entity(id)).map(|(_, id)| *id);
        let returned = Some(self.cx.field(ty, field).ty.named).filter(is_entity);
        let of = named.or(returned).map_or("…", |id| &*self.cx.ty(id).name);
        format!("`{{ id: {path}, of: {of} }}`")
    }
}

/// The arguments whose words an `enum` form has: one, or several of which the first that is given counts.
pub(super) fn arguments_of(form: &Node) -> Vec<&str> {
    fn collect<'n>(node: &'n Node, found: &mut Vec<&'n str>) {
        found.extend(node.filled());
        let parts = ["given", "then", "else"].into_iter().filter_map(|key| node.get(key));
        parts.for_each(|node| collect(node, found));
    }
    let mut found = Vec::new();
    form.get("enum").into_iter().for_each(|of| collect(of, &mut found));
    found.sort_unstable();
    found.dedup();
    found
}

/// The `enum` forms among request values.
pub(super) fn enums<'n>(node: Option<&'n Node>, found: &mut Vec<&'n Node>) {
    let Some(node) = node else { return };
    if node.map().is_some() && request_form(node).is_some_and(|form| form.name == "request_enum") {
        found.push(node);
    }
    node.entries().iter().for_each(|entry| enums(Some(&entry.value), found));
    node.list().unwrap_or_default().iter().for_each(|item| enums(Some(item), found));
}

/// The ids in an input object and in those inside it, as paths.
fn collect_ids(
    schema: &Schema,
    input: &str,
    path: &str,
    above: &mut Vec<String>,
    ids: &mut Vec<String>,
) {
    let Some(definition) = schema.get_input_object(input) else { return };
    if above.iter().any(|name| name == input) {
        return;
    }
    above.push(input.to_owned());
    for field in definition.fields.values() {
        let (name, path) = (field.ty.inner_named_type(), format!("{path}.{}", field.name));
        if name == "ID" {
            ids.push(path);
        } else {
            collect_ids(schema, name, &path, above, ids);
        }
    }
    above.pop();
}
