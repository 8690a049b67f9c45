//! The shapes of a file kind, each once, in the order of reading.

use super::mapping::{CASE, FORMS, RECORD, REQUEST_FORMS};
use super::{FileKind, Kind, Shape};

/// The root first, then whatever its keys lead to.
pub(super) fn shapes(file: &FileKind) -> Vec<&'static Shape> {
    let mut found = Vec::new();
    visit(file.root, &mut found);
    found
}

fn visit(shape: &'static Shape, found: &mut Vec<&'static Shape>) {
    if found.iter().any(|one| one.name == shape.name) {
        return;
    }
    found.push(shape);
    for key in shape.keys {
        visit_kind(&key.kind, found);
    }
}

fn visit_kind(kind: &'static Kind, found: &mut Vec<&'static Shape>) {
    match kind {
        Kind::Struct(shape) => visit(shape, found),
        Kind::List(item) | Kind::OneOrMore(item) | Kind::Map(_, item) => visit_kind(item, found),
        Kind::Either(single, map) => {
            visit_kind(single, found);
            visit_kind(map, found);
        }
        Kind::Mapping | Kind::TypeMapping => {
            for form in FORMS {
                visit(form, found);
            }
            visit(&RECORD, found);
            visit(&CASE, found);
        }
        Kind::RequestValue => REQUEST_FORMS.iter().for_each(|form| visit(form, found)),
        Kind::Text(_)
        | Kind::Constant
        | Kind::Bool
        | Kind::Integer { .. }
        | Kind::Duration
        | Kind::Size
        | Kind::Word(_)
        | Kind::Json(_) => {}
    }
}
