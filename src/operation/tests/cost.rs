//! What operations cost: a table reckoned by hand.

#![expect(clippy::float_cmp, reason = "weights are whole or halves: sums of them are exact")]

use super::*;

pub(super) const SHOP: &str = r#"
type Query {
  book(id: ID): Book
  bestsellers: [Book] @listSize(assumedSize: 5)
  newest(limit: Int! after: ID): [Book] @listSize(slicingArguments: ["limit"])
  either(first: Int last: Int): [Book] @listSize(slicingArguments: ["first", "last"], assumedSize: 7, requireOneSlicingArgument: false)
  one(first: Int last: Int): [Book] @listSize(slicingArguments: ["first", "last"])
  defaulted(first: Int = 3): [Book] @listSize(slicingArguments: ["first"])
  inside(page: Page): [Book] @listSize(slicingArguments: ["page.first"], requireOneSlicingArgument: false)
  byIds(ids: [ID!]!): [Book] @listSize(slicingArguments: ["ids"])
  shelf(first: Int): Shelf @listSize(slicingArguments: ["first"], sizedFields: ["books", "magazines"])
  search(by: Search, words: [String] @cost(weight: "2")): [Thing]
  plain: [Book]
  tags: [String]
  dear: Int @cost(weight: "4.5")
  color: Color
  cheap(fast: Boolean @cost(weight: "-3")): Book
  named: Named
}
type Mutation { touch(input: Search!): Book }
type Book implements Named { title: String author: Author publisher: Publisher name(long: Boolean): String @cost(weight: "1") }
type Author { name: String books: [Book] }
type Publisher { address: Address }
type Address @cost(weight: "5") { zip: Int! }
type Shelf { books: [Book] magazines: [Magazine] label: Author rest: [Book] }
type Magazine implements Named @cost(weight: "3") { name(long: Boolean): String @cost(weight: "2") pages: [Address] }
interface Named { name(long: Boolean): String }
union Thing = Book | Magazine
enum Color @cost(weight: "0.5") { RED }
input Page { first: Int more: Page }
input Search { text: String @cost(weight: "2") inner: Search many: [Search!] plain: Int color: Color }
"#;

fn cost(document: &str, raw: Value) -> f64 {
    let graph = graph(SHOP);
    let operation = prepared(&graph, document);
    let variables = variables(&graph, &operation, raw);
    let cost = operation.cost(&graph, &variables).total;
    assert!(cost <= operation.cost.bound(), "{document}: {cost} > {}", operation.cost.bound());
    cost
}

#[test]
fn costs_are_what_a_person_reckons() {
    let book = "{ title author { name } publisher { address { zip } } }";
    let eight = "title author { name } publisher { address { zip } }";
    for (document, expected) in [
        ("{ book { title } }".to_owned(), 1.0),
        (format!("{{ book(id: 1) {book} }}"), 8.0),
        (format!("{{ bestsellers {book} }}"), 40.0),
        (format!("{{ newest(limit: 3) {book} }}"), 24.0),
        (format!("{{ newest(limit: 7) {book} }}"), 56.0),
        (format!("{{ newest(limit: 0) {book} }}"), 0.0),
        // nothing below zero
        (format!("{{ newest(limit: -3) {book} }}"), 0.0),
        // the greatest of several, or what is assumed
        ("{ either(first: 2 last: 4) { title } }".to_owned(), 4.0),
        ("{ either(last: 4) { title } }".to_owned(), 4.0),
        ("{ either { title } }".to_owned(), 7.0),
        ("{ either(first: null) { title } }".to_owned(), 7.0),
        ("{ defaulted { title } }".to_owned(), 3.0),
        ("{ inside(page: {first: 6}) { title } }".to_owned(), 6.0 + 1.0),
        ("{ inside { title } }".to_owned(), 10.0),
        ("{ byIds(ids: [1 2 3]) { title } }".to_owned(), 3.0),
        // the shelf itself, its sized lists, its other list and its label
        ("{ shelf(first: 4) { books { title } } }".to_owned(), 5.0),
        (
            "{ shelf(first: 4) { magazines { __typename } rest { title } label { name } } }"
                .to_owned(),
            1.0 + 12.0 + 10.0 + 1.0,
        ),
        ("{ plain { title } }".to_owned(), 10.0),
        ("{ tags dear color __typename }".to_owned(), 5.0),
        // arguments: an object 1, what is in it by its weights, each item of a list
        ("{ search(by: {text: \"x\"}) { __typename } }".to_owned(), 30.0 + 3.0),
        (
            "{ search(by: {inner: {plain: 1} many: [{} {text: null}] color: RED}) { __typename } }"
                .to_owned(),
            30.0 + 4.0 + 0.5,
        ),
        ("{ search(words: [\"a\" \"b\"]) { __typename } }".to_owned(), 30.0 + 6.0),
        // of what an instance can be, the dearest
        (
            "{ search { ... on Book { author { name } } ... on Magazine { name } } }".to_owned(),
            50.0,
        ),
        (
            "{ search { ... on Book { publisher { address { zip } } } ... on Magazine { name } } }"
                .to_owned(),
            70.0,
        ),
        ("{ named { name } }".to_owned(), 5.0),
        // one field costs less than nothing, and pays for no other
        ("{ cheap(fast: true) { title } book { title } }".to_owned(), 1.0),
        ("{ cheap(fast: true) { publisher { address { zip } } } }".to_owned(), 4.0),
        ("mutation { touch(input: {text: \"a\"}) { title } }".to_owned(), 10.0 + 1.0 + 3.0),
        // merged fields cost once, aliased ones each
        (
            format!(
                "{{ book {{ {eight} }} book {{ {eight} }} ...F }} fragment F on Query {{ book {{ title author {{ name }} }} }}"
            ),
            8.0,
        ),
        ("{ a: book { title } b: book { title } }".to_owned(), 2.0),
        ("{ __schema { types { name } } __typename }".to_owned(), 0.0),
        (
            "{ book @skip(if: true) { title } plain @include(if: false) { title } dear }"
                .to_owned(),
            4.5,
        ),
    ] {
        assert!(
            (cost(&document, json!({})) - expected).abs() < 1e-9,
            "{document}: {expected}, not {}",
            cost(&document, json!({}))
        );
    }
}

#[test]
fn variables_decide_sizes_arguments_and_conditions() {
    let newest = "query($n: Int!) { newest(limit: $n) { author { name } } }";
    assert_eq!(cost(newest, json!({ "n": 9 })), 18.0);
    let either = "query($a: Int $b: Int = 2) { either(first: $a last: $b) { title } }";
    assert_eq!(cost(either, json!({})), 2.0);
    assert_eq!(cost(either, json!({ "a": 5 })), 5.0);
    assert_eq!(cost(either, json!({ "b": null })), 7.0);
    let inside = "query($p: Page) { inside(page: $p) { title } }";
    assert_eq!(cost(inside, json!({ "p": { "first": 4, "more": {} } })), 4.0 + 2.0);
    assert_eq!(cost(inside, json!({})), 10.0);
    let inner = "query($n: Int) { inside(page: {first: $n}) { title } }";
    assert_eq!(cost(inner, json!({ "n": 4 })), 4.0 + 1.0);
    let by_ids = "query($ids: [ID!]!) { byIds(ids: $ids) { title } }";
    assert_eq!(cost(by_ids, json!({ "ids": [1, 2, 3, 4] })), 4.0);
    let search = "query($s: Search $t: String) { search(by: {inner: $s text: $t}) { __typename } }";
    assert_eq!(cost(search, json!({})), 31.0);
    assert_eq!(cost(search, json!({ "s": { "text": "x" }, "t": "y" })), 30.0 + 1.0 + 3.0 + 2.0);
    let condition =
        "query($yes: Boolean!) { plain @include(if: $yes) { title } dear @skip(if: $yes) }";
    assert_eq!(cost(condition, json!({ "yes": true })), 10.0);
    assert_eq!(cost(condition, json!({ "yes": false })), 4.5);
}

#[test]
fn huge_sizes_have_an_end() {
    let nested =
        "query($n: Int!) { newest(limit: $n) { author { books { author { books { title } } } } } }";
    let cost = cost(nested, json!({ "n": i32::MAX }));
    assert!(cost > 1e11 && cost.is_finite());
}

#[test]
fn exactly_one_slicing_argument_is_asked_for_where_the_schema_does() {
    let graph = graph(SHOP);
    let check = |document: &str, raw: Value| {
        let operation = prepared(&graph, document);
        assert!(operation.cost.has_required());
        let variables = variables(&graph, &operation, raw);
        operation.check_slicing(&graph, &variables).map_err(|error| (error.code, error.locations))
    };
    let wrong = |column| Err((ErrorCode::BadUserInput, vec![Location { line: 1, column }]));
    assert_eq!(check("{ one(first: 1) { title } }", json!({})), Ok(()));
    assert_eq!(check("{ one { title } }", json!({})), wrong(3));
    assert_eq!(check("{ dear one(first: 1 last: 1) { title } }", json!({})), wrong(8));
    assert_eq!(check("{ one(first: 1 last: null) { title } }", json!({})), Ok(()));
    let variable = "query($n: Int $yes: Boolean!) { one(last: $n) @include(if: $yes) { title } }";
    assert_eq!(check(variable, json!({ "n": 1, "yes": true })), Ok(()));
    assert_eq!(check(variable, json!({ "yes": true })), wrong(33));
    assert_eq!(check(variable, json!({ "yes": false })), Ok(()));
}

#[test]
fn parts_add_up_to_the_cost() {
    let graph = graph(SHOP);
    let document = "query($n: Int!) { newest(limit: $n) { author { name } publisher { address { zip } } } search(by: {text: \"a\"}) { ... on Magazine { name } } dear }";
    let operation = prepared(&graph, document);
    let variables = variables(&graph, &operation, json!({ "n": 4 }));
    let parts = operation.cost_parts(&graph, Some(&variables));
    let sum: f64 = parts.iter().map(|part| part.times * part.weight + part.arguments).sum();
    assert_eq!(sum, operation.cost(&graph, &variables).total);
    let shown: Vec<_> =
        parts.iter().map(|part| format!("{} {}x{}", part.path, part.times, part.weight)).collect();
    assert_eq!(
        shown,
        [
            "newest 4x1",
            "newest.author 4x1",
            "newest.publisher 4x1",
            "newest.publisher.address 4x5",
            "search 10x3",
            "search.name 10x2",
            "dear 1x4.5"
        ]
    );
    let constant = prepared(&graph, "{ either(first: 2) { title } }");
    assert_eq!(constant.cost.bound(), 2.0);
    let unknown = operation.cost_parts(&graph, None);
    assert!(unknown[0].times.is_infinite() && operation.cost.bound().is_infinite());
}
