use apollo_compiler::Schema;
use apollo_compiler::ast;

use super::*;
use crate::compile::directives::prelude;
use crate::principal::Principal;

fn compiled(sdl: &str) -> SchemaTypes {
    let document = ast::Document::parse(sdl, "schema.graphql").unwrap();
    let sdl = format!("{sdl}\n{}", prelude([&document]));
    types(&Schema::parse_and_validate(sdl, "schema.graphql").unwrap())
}

impl SchemaTypes {
    fn named(&self, name: &str) -> &Type {
        &self.types[self.names[name].index()]
    }
    fn field(&self, coordinate: &str) -> &Field {
        let (ty, field) = coordinate.split_once('.').unwrap();
        let ty = self.named(ty);
        &ty.fields[ty.field_names[field].index()]
    }
}

#[test]
fn types_are_numbered_in_schema_order_without_the_introspection_types() {
    let types = compiled(
        "type Query { a: Other } type Other { b: [Int!] } enum E { X Y } input I { n: Int }",
    );
    let names: Vec<_> = types.types.iter().map(|ty| &*ty.name).collect();
    assert!(names.iter().all(|name| !name.starts_with("__")), "{names:?}");
    for (id, ty) in (0..).map(TypeId).zip(&types.types) {
        assert_eq!(types.names[&ty.name], id);
    }
    assert_eq!(types.query, Some(types.names["Query"]));
    assert_eq!(types.mutation, None);
    assert_eq!(
        types.named("E").kind,
        TypeKind::Enum { values: vec![Arc::from("X"), Arc::from("Y")] }
    );
    assert_eq!(types.named("I").kind, TypeKind::Input);
}

#[test]
fn wrappers_go_from_the_outside_in() {
    let types = compiled("type Query { a: [[Int!]]! }");
    let wrapper = |list, non_null| Wrapper { list, non_null };
    let field = types.field("Query.a");
    assert_eq!(
        field.ty.wrappers,
        [wrapper(true, true), wrapper(true, false), wrapper(false, true)]
    );
    assert_eq!(field.ty.named, types.names["Int"]);
    assert_eq!(&*field.coordinate, "Query.a");
}

#[test]
fn abstract_types_know_their_object_types() {
    let types = compiled(
        "type Query { u: U n: N } interface N { id: ID } interface M implements N { id: ID } \
         type B implements N & M { id: ID } type A implements N { id: ID } union U = A | B",
    );
    let (a, b) = (types.names["A"], types.names["B"]);
    assert_eq!(types.named("N").kind, TypeKind::Interface { possible: vec![b, a] });
    assert_eq!(types.named("M").kind, TypeKind::Interface { possible: vec![b] });
    assert_eq!(types.named("U").kind, TypeKind::Union { possible: vec![b, a] });
}

#[test]
fn scalars_with_known_names_are_checked_and_others_take_any_json() {
    let types = compiled(
        "type Query { a: Decimal b: DateTime c: Odd } scalar Decimal scalar DateTime scalar Odd",
    );
    assert_eq!(types.named("Decimal").kind, TypeKind::Scalar(Scalar::Decimal));
    assert_eq!(types.named("DateTime").kind, TypeKind::Scalar(Scalar::DateTime));
    assert_eq!(types.named("Odd").kind, TypeKind::Scalar(Scalar::Any));
}

#[test]
fn a_field_asks_for_what_its_type_its_return_type_and_its_interfaces_ask_for() {
    let types = compiled(
        r#"type Query { plain: Int open: Secret node: N none: Int @requiresScopes(scopes: []) }
        interface N { name: String @requiresScopes(scopes: [["n"]]) }
        type Secret implements N @authenticated @requiresScopes(scopes: [["a"], ["b"]]) { name: String }"#,
    );
    assert_eq!(types.field("Query.plain").access, None);
    assert!(types.field("Query.open").access.as_ref().unwrap().authenticated);
    let access = types.field("Secret.name").access.clone().unwrap();
    assert!(access.authenticated);
    let text: Vec<Vec<&str>> =
        access.scopes.iter().map(|set| set.iter().map(|name| &**name).collect()).collect();
    assert_eq!(text, [["a", "n"], ["b", "n"]]);

    let caller = Principal {
        subject: Some(Arc::from("x")),
        scopes: vec![Arc::from("a")],
        ..Principal::default()
    };
    assert!(caller.may(types.field("Query.open").access.as_ref().unwrap()));
    assert!(!caller.may(&access));
    assert!(
        !caller.may(types.field("Query.none").access.as_ref().unwrap()),
        "no alternative can be met by nobody"
    );
}

#[test]
fn only_directives_that_are_used_and_not_defined_get_a_definition() {
    let own = ast::Document::parse(
        "directive @tag(name: String!, why: String) on OBJECT type Query @tag(name: \"x\") { a(b: Int @sensitive): Int @cacheControl(maxAge: 3) }",
        "schema.graphql",
    )
    .unwrap();
    let text = prelude([&own]);
    assert!(text.contains("directive @sensitive"));
    assert!(text.contains("enum CacheControlScope"));
    assert!(!text.contains("@tag") && !text.contains("@oneOf"), "{text}");
}

#[test]
fn every_known_directive_is_valid_sdl() {
    let known = crate::compile::directives::KNOWN.iter();
    let text: Vec<_> = known
        .flat_map(|directive| [directive.definition, directive.needs.map_or("", |(_, text)| text)])
        .collect();
    let text = text.join("\n");
    Schema::parse_and_validate(format!("type Query {{ a: Int }} {text}"), "schema.graphql")
        .unwrap();
}
