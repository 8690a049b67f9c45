use super::*;
use crate::graph::Graph;

fn things() -> Graph {
    let text = |name: &str| Mapping::Path { path: path(name), to: Leaf::Scalar(Scalar::Id) };
    graph(vec![shape("Thing", vec![slot("id", text(".id")), slot("name", text(".name"))])])
}

fn keys(texts: &[&str]) -> Vec<Key> {
    texts.iter().map(|text| Key::new(text)).collect()
}

fn map(call: &crate::graph::Call, pages: &[&str], texts: &[&str]) -> Vec<String> {
    let graph = things();
    let pages: Vec<_> = pages.iter().map(|page| json(page)).collect();
    let answers = map_answers(&graph, call, FIRST, SlotSet::ALL, &pages, &keys(texts));
    assert_eq!(answers.len(), texts.len());
    answers
        .iter()
        .map(|answer| rows(&graph, answer).replace("name:null", "").replace('\n', " "))
        .collect()
}

#[test]
fn records_go_to_the_key_that_they_answer_in_the_order_of_the_pages() {
    let call = call(Some(".data[]"), &[".of"], Normalizer::Exact);
    let pages = [
        r#"{"data":[{"of":"b","id":1},{"of":"a","id":2},{"of":"x","id":3},null]}"#,
        r#"{"data":[{"of":"b","id":4},{"id":5},{"of":null,"id":6},{"of":"","id":7}]}"#,
    ];
    assert_eq!(
        map(&call, &pages, &["a", "b", "c"]),
        [r#"{id:"2" }"#, r#"{id:"1" } {id:"4" }"#, ""]
    );
}

#[test]
fn keys_in_any_order_keep_their_places() {
    let call = call(Some(".[]"), &[".of"], Normalizer::Exact);
    let page = r#"[{"of":"a","id":1},{"of":2,"id":2},{"of":"c","id":3}]"#;
    assert_eq!(
        map(&call, &[page], &["c", "2", "a"]),
        [r#"{id:"3" }"#, r#"{id:"2" }"#, r#"{id:"1" }"#]
    );
}

#[test]
fn a_record_may_answer_several_keys_each_once() {
    let call = call(Some(".data"), &[".who[].mail"], Normalizer::Email);
    let page = r#"{"data":[{"id":1,"who":[{"mail":" B@x "},{"mail":"a@X"},{"mail":"b@x"},{"mail":" "}]},{"id":2,"who":[]}]}"#;
    assert_eq!(map(&call, &[page], &["a@x", "b@x"]), [r#"{id:"1" }"#, r#"{id:"1" }"#]);
}

#[test]
fn composite_keys_are_joined_part_by_part() {
    let key = |parts: [&str; 2]| Key::composite(parts).unwrap().as_str().to_owned();
    let call = call(Some(".[]"), &[".org", ".no[]"], Normalizer::CaseInsensitive);
    let page = r#"[{"id":1,"org":"A","no":[1,2]},{"id":2,"org":"b","no":[1]},{"id":3,"org":" ","no":[1]},{"id":4,"org":"a\u001f","no":[1]}]"#;
    let (one, two, three) = (key(["a", "1"]), key(["a", "2"]), key(["b", "1"]));
    assert_eq!(
        map(&call, &[page], &[&one, &two, &three]),
        [r#"{id:"1" }"#, r#"{id:"1" }"#, r#"{id:"2" }"#]
    );
}

#[test]
fn without_an_answers_path_every_record_belongs_to_the_one_key() {
    let list = call(Some(".data[]"), &[], Normalizer::Exact);
    assert_eq!(
        map(&list, &[r#"{"data":[{"id":1},{"id":2}]}"#, r#"{"data":null}"#], &[""]),
        [r#"{id:"1" } {id:"2" }"#]
    );
    let one = call(None, &[], Normalizer::Exact);
    assert_eq!(map(&one, &[r#"{"id":1}"#], &["k"]), [r#"{id:"1" }"#]);
    assert_eq!(map(&one, &["null"], &["k"]), [""]);
    assert_eq!(map(&one, &[], &["k"]), [""]);
    assert_eq!(map(&one, &[], &[]), Vec::<String>::new());
}

#[test]
fn a_path_to_one_object_is_one_record() {
    let one = call(Some(".thing"), &[], Normalizer::Exact);
    assert_eq!(map(&one, &[r#"{"thing":{"id":1}}"#], &["k"]), [r#"{id:"1" }"#]);
    assert_eq!(map(&one, &[r#"{"thing":null}"#], &["k"]), [""]);
}

#[test]
fn a_path_opens_as_many_lists_as_it_says_and_a_list_among_the_records_is_a_record() {
    let rows = |records, page| map(&call(Some(records), &[], Normalizer::Exact), &[page], &["k"]);
    let misfit = "!Thing: expected an object, found a list";
    let page = r#"{"items":[{"id":1},[],[{"id":2}],null]}"#;
    for records in [".items[]", ".items"] {
        assert_eq!(rows(records, page), [format!(r#"{{id:"1" }} {misfit} {misfit}"#)], "{records}");
    }
    let page = r#"{"items":[[{"id":1}],[],[{"id":2},[{"id":3}]],null]}"#;
    for records in [".items[][]", ".items[0]"] {
        let expected = match records {
            ".items[0]" => r#"{id:"1" }"#.to_owned(),
            _ => format!(r#"{{id:"1" }} {{id:"2" }} {misfit}"#),
        };
        assert_eq!(rows(records, page), [expected], "{records}");
    }
    assert_eq!(
        json(r#"{"items":[[{"id":1}],{"id":2}]}"#).answers(&call(
            Some(".items[][]"),
            &[],
            Normalizer::Exact
        )),
        Err("expected a list at `.items[]`, found an object".to_owned())
    );
    assert_eq!(json(page).count_at(Some(&path(".items[]"))), 3);
}

#[test]
fn rows_of_a_table_are_lists_whose_places_are_read() {
    let to = || Leaf::Scalar(Scalar::Id);
    let column = |text: &str| Mapping::Path { path: path(text), to: to() };
    let slots = vec![slot("id", column(".[0]")), slot("name", column(".[1]"))];
    let graph = graph(vec![shape("Thing", slots)]);
    let page = r#"{"rows":[[1,"a"],[2,"b"],[]]}"#;
    let map = |call: &crate::graph::Call, texts: &[&str]| -> Vec<String> {
        let answers = map_answers(&graph, call, FIRST, SlotSet::ALL, &[json(page)], &keys(texts));
        answers.iter().map(|answer| rows(&graph, answer)).collect()
    };
    let list = call(Some(".rows[]"), &[], Normalizer::Exact);
    let all = "{id:\"1\" name:\"a\"}\n{id:\"2\" name:\"b\"}\n{id:null name:null}";
    assert_eq!(map(&list, &[""]), [all]);
    let by_id = call(Some(".rows[]"), &[".[0]"], Normalizer::Exact);
    assert_eq!(json(page).answers(&by_id), Ok(()));
    assert_eq!(map(&by_id, &["1", "2"]), [r#"{id:"1" name:"a"}"#, r#"{id:"2" name:"b"}"#]);
}

#[test]
fn the_parts_of_a_key_stay_beside_each_other_where_an_element_lacks_one() {
    let key = |parts: [&str; 2]| Key::composite(parts).unwrap().as_str().to_owned();
    let call = call(Some(".[]"), &[".in[].org", ".in[].no"], Normalizer::Exact);
    let page = r#"[{"id":1,"in":[{"org":"a","no":1},{"no":2}]},{"id":2,"in":[{"no":1},{"org":"b","no":2}]}]"#;
    let (one, wrong, two) = (key(["a", "1"]), key(["a", "2"]), key(["b", "2"]));
    assert_eq!(map(&call, &[page], &[&one, &wrong, &two]), [r#"{id:"1" }"#, "", r#"{id:"2" }"#]);
}

#[test]
fn only_wanted_slots_are_mapped() {
    let graph = things();
    let mut wanted = SlotSet::EMPTY;
    wanted.insert(SlotId(1));
    let mut list = call(Some(".[]"), &[], Normalizer::Exact);
    let pages = [json(r#"[{"id":1,"name":"x"}]"#)];
    for projects in [false, true] {
        list.projects = projects;
        let answers = map_answers(&graph, &list, FIRST, wanted, &pages, &[Key::unit()]);
        assert_eq!(rows(&graph, &answers[0]), r#"{name:"x"}"#);
        assert_eq!(answers[0].has, wanted);
    }
}

#[test]
fn a_record_of_an_abstract_type_picks_its_shape() {
    let text = |name: &str| Mapping::Path { path: path(name), to: Leaf::Scalar(Scalar::Id) };
    let record = |number| Mapping::Record { at: None, shape: ShapeId(number) };
    let mut hit = shape("Hit", Vec::new());
    let mapping = Mapping::Case {
        path: path(".type"),
        arms: vec![(Arc::from("contact"), record(1)), (Arc::from("case"), record(2))],
        otherwise: None,
    };
    hit.pick = Some(Pick { mapping, needs: Vec::new() });
    let shapes = vec![
        hit,
        shape("Contact", vec![slot("mail", text(".mail"))]),
        shape("Case", vec![slot("no", text(".no"))]),
    ];
    let graph = graph(shapes);
    let mut list = call(Some(".[]"), &[], Normalizer::Exact);
    let pages =
        [json(r#"[{"type":"case","no":7},{"type":"contact","mail":"m"},{"type":"odd"},{"no":8}]"#)];
    let answers = map_answers(&graph, &list, FIRST, SlotSet::EMPTY, &pages, &[Key::unit()]);
    assert_eq!(
        rows(&graph, &answers[0]),
        "{no:\"7\"}\n{mail:\"m\"}\n!`.type`: expected a word that the mapping knows, found another\n\
         !Hit: `.type` does not say which type the record is of"
    );
    assert_eq!(answers[0].has, SlotSet::ALL);
    list.projects = true;
    let answers = map_answers(&graph, &list, FIRST, SlotSet::EMPTY, &pages, &[Key::unit()]);
    assert_eq!(answers[0].has, SlotSet::EMPTY);
}

#[test]
fn records_with_members_in_another_order_or_missing_are_read_alike() {
    let call = call(Some(".[]"), &[], Normalizer::Exact);
    let page = r#"[{"id":1,"name":"a"},{"name":"b","id":2},{"x":{"id":9,"name":"no"},"id":3,"name":"c"},{"name":"d","y":{"id":5}},
        {"id":1,"id":6,"name":"x","name":"e"}]"#;
    assert_eq!(
        map(&call, &[page], &[""]),
        [
            r#"{id:"1" name:"a"} {id:"2" name:"b"} {id:"3" name:"c"} {id:null name:"d"} {id:"6" name:"e"}"#
        ]
    );
}

#[test]
fn a_problem_leaves_the_rest_of_its_answer_and_the_other_answers_whole() {
    let call = call(Some(".[]"), &[".of"], Normalizer::Exact);
    let page = r#"[{"of":"a","id":[],"name":"x"},{"of":"b","id":2},{"of":"a","id":3}]"#;
    let graph = things();
    let answers =
        map_answers(&graph, &call, FIRST, SlotSet::ALL, &[json(page)], &keys(&["a", "b"]));
    assert_eq!(
        rows(&graph, &answers[0]),
        "{id:!`.id`: expected text or an integer, found a list name:\"x\"}\n{id:\"3\" name:null}"
    );
    assert_eq!(answers[0].problems.len(), 1);
    assert_eq!(answers[1].problems.len(), 0);
    assert_eq!(rows(&graph, &answers[1]), "{id:\"2\" name:null}");
}
