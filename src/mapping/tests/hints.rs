use super::super::hints::Hints;
use super::decode::any_members;
use super::*;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn with_hints_is_found_what_is_found_without(
        pages in proptest::collection::vec(proptest::collection::vec(any_members(), 0..6), 1..4),
    ) {
        let paths = [".a", ".b", ".i", ".a.a", ".b.b", ".h.b[].c", ".h.b[1].d", ".none", ".\"\"", ".customer_address"];
        let paths = paths.map(path);
        let pages: Vec<Payload> =
            pages.iter().map(|records| json(&format!("[{}]", records.join(",")))).collect();
        let records = |payload: &Payload| {
            let mut records = Vec::new();
            payload.each_record(Some(&path(".[]")), &mut |at| records.push(at));
            records
        };
        let records: Vec<_> = pages.iter().map(records).collect();
        let mut hints = Hints::new();
        // the records of all pages in turn
        for number in 0..6 {
            for (page, payload) in pages.iter().enumerate() {
                let Some(at) = records[page].get(number) else { continue };
                hints.turn_to(page);
                for path in &paths {
                    let found = path.first_hinted(payload, *at, &mut hints);
                    prop_assert_eq!(found, path.first(payload, *at), "{} of record {} of {:?}", path, number, payload);
                }
            }
        }
    }
}
