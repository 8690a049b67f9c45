//! Answers recorded from real vendors, if their folder stands beside the repository.

use super::*;

use std::path::Path as FilePath;

fn read(file: &FilePath) -> String {
    std::fs::read_to_string(file).unwrap()
}

fn text(of: &str) -> Mapping {
    Mapping::Path { path: path(of), to: Leaf::Scalar(Scalar::String) }
}

fn texts(of: &str, item: &str) -> Mapping {
    Mapping::List { path: path(of), only: None, item: Box::new(text(item)) }
}

fn leaf(of: &str, scalar: Scalar) -> Mapping {
    Mapping::Path { path: path(of), to: Leaf::Scalar(scalar) }
}

fn map(body: &str, records: &str, slots: Vec<(&str, Mapping)>) -> String {
    let slots = slots.into_iter().map(|(name, mapping)| slot(name, mapping)).collect();
    let null = || Mapping::Constant { json: Box::from("null") };
    let money = shape("Money", vec![slot("amount", null()), slot("currency", null())]);
    let graph = graph(vec![shape("Thing", slots), money]);
    let call = call(Some(records), &[], Normalizer::Exact);
    rows(&graph, &map_answers(&graph, &call, FIRST, SlotSet::ALL, &[json(body)], &[Key::unit()])[0])
}

#[test]
fn every_recorded_answer_is_decoded_and_copied_whole() {
    let Some(shared) = needs::shared("mapping::every_recorded_answer_is_decoded_and_copied_whole")
    else {
        return;
    };
    let mut count = 0;
    for vendor in ["stripe", "salesforce", "zendesk"] {
        for entry in std::fs::read_dir(shared.join("fixtures").join(vendor)).unwrap() {
            let file = entry.unwrap().path();
            let body = read(&file);
            let payload = match Payload::json(bytes::Bytes::from(body.clone()), LIMITS) {
                Err(DecodeError::Empty) if body.trim().is_empty() => continue,
                decoded => decoded.unwrap_or_else(|error| panic!("{}: {error}", file.display())),
            };
            let mut out = String::new();
            super::super::leaf::write_any(&payload, 0, &mut out);
            let [ours, theirs] =
                [&out, &body].map(|text| serde_json::from_str::<serde_json::Value>(text).unwrap());
            assert_eq!(ours, theirs, "{}", file.display());
            count += 1;
        }
    }
    assert!(count > 50, "only {count} recorded answers");
}

#[test]
fn recorded_answers_of_vendors_are_mapped() {
    let Some(shared) = needs::shared("mapping::recorded_answers_of_vendors_are_mapped") else {
        return;
    };
    let fixtures = shared.join("fixtures");
    let unix = |of| Mapping::Time {
        path: path(of),
        form: TimeForm::UnixSeconds,
        unset: Vec::new(),
        is_date: false,
    };
    let money = Mapping::Money {
        amount: path(".amount_due"),
        currency: CurrencySource::Path(path(".currency")),
        is_minor: true,
        own_digits: Arc::from([]),
        shape: ShapeId(1),
    };
    let invoice = vec![
        ("customer", text(".customer")),
        ("due", money),
        ("createdAt", unix(".created")),
        ("city", text(".customer_address.city")),
        ("lines", texts(".lines.data", ".description")),
        ("attempted", leaf(".attempted", Scalar::Boolean)),
    ];
    assert_eq!(
        map(&read(&fixtures.join("stripe/fixtures3.json")), ".resources.invoice", invoice),
        "{customer:\"cus_QXg1o8vcGmoR32\" due:{amount:\"10.00\" currency:\"USD\"} createdAt:\"2009-02-13T23:31:30Z\" \
         city:null lines:[\"My First Invoice Item (created for API docs)\"] attempted:false}"
    );
    let ticket = vec![
        ("id", leaf(".id", Scalar::Id)),
        ("requester", leaf(".requester_id", Scalar::Id)),
        ("createdAt", leaf(".created_at", Scalar::DateTime)),
        ("channel", text(".via.channel")),
        ("dueAt", leaf(".due_at", Scalar::DateTime)),
    ];
    assert_eq!(
        map(&read(&fixtures.join("zendesk/get_api_v2_tickets_1_200.json")), ".body.ticket", ticket),
        "{id:\"1\" requester:\"20014182\" createdAt:\"2012-09-06T20:15:09Z\" channel:\"web\" dueAt:null}"
    );
    let whizbang = vec![
        ("label", text(".Text_Label")),
        ("date", leaf(".Date_Label", Scalar::Date)),
        ("at", leaf(".DateTime_Label", Scalar::DateTime)),
        ("parent", text(".ParentWhizbang__r.Name")),
        ("children", texts(".Whizbangs__r.records[]", ".Name")),
    ];
    assert_eq!(
        map(
            &read(&fixtures.join("salesforce/sobject__query_success_response.json")),
            ".records[]",
            whizbang
        ),
        "{label:\"Hi there!\" date:\"2010-01-01\" at:\"2011-07-07T00:37:00Z\" parent:\"Parent Whizbang\" \
         children:[\"Child Whizbang\"]}"
    );
}
