use super::*;

/// A selection as text: one line for each entry of a branch, in the order of writing.
fn shown(graph: &Graph, operation: &Operation) -> String {
    let mut text = String::new();
    selection(graph, operation, &operation.root, 0, &mut text);
    text
}

fn selection(
    graph: &Graph,
    operation: &Operation,
    selection: &Selection,
    depth: usize,
    text: &mut String,
) {
    for branch in &selection.branches {
        let indent = "  ".repeat(depth);
        text.push_str(&format!("{indent}{}\n", graph.ty(branch.ty).name));
        for entry in &branch.order {
            let field = &branch.fields[entry.field];
            let target = match field.target {
                Target::Typename => "__typename".to_owned(),
                Target::Introspection => "introspection".to_owned(),
                Target::Field(id) => graph.field(branch.ty, id).name.to_string(),
            };
            text.push_str(&format!("{indent}  {}: {target}", field.response_key));
            condition(operation, " if ", &entry.when, text);
            for unless in &entry.unless {
                condition(operation, " unless ", unless, text);
            }
            text.push('\n');
            let is_first = branch.order.iter().position(|other| other.field == entry.field)
                == branch.order.iter().position(|other| std::ptr::eq(other, entry));
            if let Some(inner) = field.selection.as_ref().filter(|_| is_first) {
                self::selection(graph, operation, inner, depth + 2, text);
            }
        }
    }
}

fn condition(operation: &Operation, word: &str, condition: &Condition, text: &mut String) {
    if condition.0.is_empty() {
        return;
    }
    let terms: Vec<_> = condition
        .0
        .iter()
        .map(|term| {
            let bits = (0..64).filter_map(|bit| {
                let name = operation
                    .conditions
                    .get(bit)
                    .map(|id| &*operation.variables[usize::from(id.0)].name);
                if term.yes >> bit & 1 == 1 {
                    name.map(str::to_owned)
                } else if term.no >> bit & 1 == 1 {
                    name.map(|name| format!("!{name}"))
                } else {
                    None
                }
            });
            bits.collect::<Vec<_>>().join("&")
        })
        .collect();
    text.push_str(word);
    text.push_str(&terms.join("|"));
}

#[track_caller]
fn check(document: &str, expected: &str) {
    let graph = graph(SDL);
    let operation = prepared(&graph, document);
    let found = shown(&graph, &operation);
    let trim = |text: &str| {
        text.lines()
            .map(str::trim_end)
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let expected = trim(expected);
    let margin = expected.first().map_or(0, |line| line.len() - line.trim_start().len());
    let expected: Vec<_> =
        expected.iter().map(|line| line[margin.min(line.len())..].to_owned()).collect();
    assert_eq!(trim(&found), expected, "{found}");
}

#[test]
fn fields_are_merged_by_response_key_with_their_selections() {
    check(
        "{ me { id } b x: a me { name id friend { age } } b ...F } fragment F on Query { me { friend { name } } }",
        "
        Query
          me: me
            Person
              id: id
              name: name
              friend: friend
                Person
                  age: age
                  name: name
          b: b
          x: a",
    );
}

#[test]
fn an_abstract_type_has_one_branch_for_each_possible_type() {
    check(
        "{ node { __typename id ... on Person { name ... on Node { label ... on Robot { model } } } ...R } }
         fragment R on Robot { model id }",
        "
        Query
          node: node
            Person
              __typename: __typename
              id: id
              name: name
              label: label
            Robot
              __typename: __typename
              id: id
              model: model",
    );
    check(
        "{ any { ... on Node { id } ... on Rock { weight } ... on Thing { t: __typename } } }",
        "
        Query
          any: any
            Person
              id: id
              t: __typename
            Rock
              weight: weight
              t: __typename",
    );
}

#[test]
fn constants_in_conditions_are_folded() {
    check(
        "{ a @skip(if: true) b @include(if: false) c @include(if: true) @skip(if: false)
           ... @skip(if: true) { me { id } } }",
        "
        Query
          c: c",
    );
}

#[test]
fn a_field_that_can_never_be_included_is_gone() {
    check(
        "query($x: Boolean!) { a ... @include(if: $x) { b @skip(if: $x) c } }",
        "
        Query
          a: a
          c: c if x",
    );
}

#[test]
fn a_key_stands_where_its_first_included_occurrence_stands() {
    check(
        "query($x: Boolean!, $y: Boolean!) { a @include(if: $x) b a @skip(if: $y) c a }",
        "
        Query
          a: a if x
          b: b
          a: a if !y unless x
          c: c
          a: a unless x|!y",
    );
}

#[test]
fn conditions_are_counted_from_the_root() {
    check(
        "query($x: Boolean!, $y: Boolean!) {
           me @include(if: $x) { id ...F @skip(if: $y) }
           me @include(if: $y) { id name }
         } fragment F on Person { name friend { age @include(if: $x) } }",
        "
        Query
          me: me if x
            Person
              id: id if x
              name: name if x&!y
              friend: friend if x&!y
                Person
                  age: age if x&!y
              id: id if y unless x
              name: name if y unless x&!y
          me: me if y unless x",
    );
    let graph = graph(SDL);
    let operation =
        prepared(&graph, "query($x: Boolean!) { me @include(if: $x) { id } me { id } }");
    assert_eq!(operation.root.branches[0].fields[0].when, Condition::ALWAYS);
}

#[test]
fn a_fragment_that_is_spread_twice_under_the_same_circumstances_counts_once() {
    check(
        "query($x: Boolean!) { ...F ...F @include(if: $x) ...F } fragment F on Query { a b }",
        "
        Query
          a: a
          b: b",
    );
    check(
        "query($x: Boolean!) { ...F @include(if: $x) c ...F } fragment F on Query { a b }",
        "
        Query
          a: a if x
          b: b if x
          c: c
          a: a unless x
          b: b unless x",
    );
}

#[test]
fn locations_are_those_of_first_occurrences() {
    let graph = graph(SDL);
    let operation = prepared(
        &graph,
        "{\n  a\r\n  me { # größer\n   id } ...F\n}\nfragment F on Query { me { name } }",
    );
    let fields = &operation.root.branches[0].fields;
    let at = |line, column| Location { line, column };
    assert_eq!(fields[0].location, at(2, 3));
    assert_eq!(fields[1].location, at(3, 3));
    let me = &fields[1].selection.as_ref().unwrap().branches[0].fields;
    assert_eq!(me[0].location, at(4, 4));
    assert_eq!(me[1].location, at(6, 28));
}

#[test]
fn columns_count_characters() {
    let graph = graph(SDL);
    let document = format!("{{ search(text: \"{}ü\") {{ __typename }} a }}", "größe".repeat(40));
    let operation = prepared(&graph, &document);
    let field = &operation.root.branches[0].fields[1];
    let column = document[..document.len() - 3].chars().count() + 1;
    assert_eq!(field.location, Location { line: 1, column: u32::try_from(column).unwrap() });
}

#[test]
fn introspection_and_typename_stand_among_the_fields() {
    check(
        "{ a q: __schema { types { name } } __typename __type(name: \"Query\") { name } }",
        "
        Query
          a: a
          q: introspection
          __typename: __typename
          __type: introspection",
    );
}

#[test]
fn mutations_have_their_kind_and_name() {
    let graph = graph(SDL);
    let operation = prepared(&graph, "mutation M { touch x: touch }");
    assert_eq!(operation.kind, OperationKind::Mutation);
    assert_eq!(operation.name.as_deref(), Some("M"));
    assert_eq!(operation.root.ty, graph.mutation.unwrap());
    let named = prepare(&graph, "query A { a } query B { b }", Some("B")).unwrap();
    assert_eq!(named.name.as_deref(), Some("B"));
    assert_eq!(&*named.root.branches[0].fields[0].response_key, "b");
}
