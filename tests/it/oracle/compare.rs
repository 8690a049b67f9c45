//! What must agree: refused or not, the data to the letter, and the places of errors.

use std::collections::BTreeSet;

use serde_json::Value;

use super::sides::Verdict;

/// `None` if both sides agree.
pub(super) fn difference(ours: &Verdict, theirs: &Verdict) -> Option<String> {
    match (ours, theirs) {
        (Verdict::Refused(_), Verdict::Refused(_)) => None,
        (Verdict::Refused(why), Verdict::Answered { .. }) => {
            Some(format!("we alone refuse: {why}"))
        }
        (Verdict::Answered { .. }, Verdict::Refused(why)) => {
            Some(format!("the reference alone refuses: {why}"))
        }
        (
            Verdict::Answered { data: ours, paths: our_paths, told: we_tell },
            Verdict::Answered { data: theirs, paths: their_paths, told: they_tell },
        ) => {
            if ours != theirs && numbers_as_floats(ours) != numbers_as_floats(theirs) {
                return Some(format!(
                    "data differs:\n  ours   {ours}\n  theirs {theirs}\n  we tell {we_tell}\n  they tell {they_tell}"
                ));
            }
            if our_paths.is_empty() && their_paths.is_empty() {
                return None;
            }
            let data: Value = serde_json::from_str(ours).expect("JSON");
            let (ours, theirs) = (places(&data, our_paths), places(&data, their_paths));
            (ours != theirs).then(|| {
                format!("errors differ:\n  ours   {ours:?}\n  theirs {theirs:?}\n  in {data}\n  we tell {we_tell}\n  they tell {they_tell}")
            })
        }
    }
}

/// The nulls that errors made: of errors beneath a nulled ancestor only that ancestor counts, as which of them are told is
/// free (specification, section 6.4.4).
fn places(data: &Value, paths: &[Value]) -> BTreeSet<String> {
    let mut places = BTreeSet::new();
    for path in paths {
        let mut here = data;
        let mut place = Vec::new();
        for segment in path.as_array().into_iter().flatten() {
            if here.is_null() {
                break;
            }
            place.push(segment.clone());
            here = match segment {
                Value::String(key) => here.get(key).unwrap_or(&Value::Null),
                index => {
                    let index = index.as_u64().and_then(|index| usize::try_from(index).ok());
                    index.and_then(|index| here.get(index)).unwrap_or(&Value::Null)
                }
            };
        }
        places.insert(Value::Array(place).to_string());
    }
    places
}

/// JSON with each number written as the nearest double: the reference knows no others.
pub(super) fn numbers_as_floats(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(start) =
        rest.find(|found: char| found == '"' || found == '-' || found.is_ascii_digit())
    {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let end = if from.starts_with('"') {
            text_end(from)
        } else {
            from.find(|found: char| !matches!(found, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'))
                .unwrap_or(from.len())
        };
        let (token, after) = from.split_at(end);
        match token.parse::<f64>() {
            Ok(number) if !token.starts_with('"') => out.push_str(&(number + 0.0).to_string()),
            _ => out.push_str(token),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

fn text_end(text: &str) -> usize {
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return index + 1,
            _ => {}
        }
    }
    text.len()
}

#[test]
fn numbers_are_compared_as_doubles_and_texts_as_they_are() {
    assert_eq!(
        numbers_as_floats(r#"{"a":1.0,"b":[1e2,"1.0 \" 2.0"]}"#),
        r#"{"a":1,"b":[100,"1.0 \" 2.0"]}"#
    );
}

#[test]
fn errors_beneath_a_nulled_ancestor_count_as_that_ancestor() {
    let data = serde_json::json!({ "a": null, "b": [{ "c": null }] });
    let paths = [serde_json::json!(["a", 1, "x"]), serde_json::json!(["b", 0, "c"])];
    let places: Vec<String> = places(&data, &paths).into_iter().collect();
    assert_eq!(places, [r#"["a"]"#, r#"["b",0,"c"]"#]);
}
