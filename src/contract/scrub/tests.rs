use serde_json::json;

use super::stand_in::{Kind, StandIns};
use super::xml::rewritten;

fn stand_ins() -> StandIns {
    StandIns::new(vec!["hunter2-very-secret".to_owned()])
}

#[test]
fn the_same_address_in_any_spelling_has_one_stand_in_wherever_it_stands() {
    let mut all = stand_ins();
    assert_eq!(all.of(Kind::Email, "Zoe.O'Neil@blue.example"), "person1@example.com");
    assert_eq!(
        all.free("<zoe.o'neil@BLUE.example>, bob@x.example;"),
        "<person1@example.com>, person2@example.com;"
    );
    assert_eq!(
        all.free("Email IN ('Zoe.O\\'Neil@blue.example')"),
        "Email IN ('person1@example.com')"
    );
    assert_eq!(all.free("q=Zoe.O%27Neil%40blue.example&x=1"), "q=person1@example.com&x=1");
    assert_eq!(
        all.free("https://x.example/?email=bob@x.example."),
        "https://x.example/?email=person2@example.com."
    );
    for none in ["a@b", "@example.com", "a @ b.c", "3@4", "user@.com"] {
        assert_eq!(all.free(none), none);
    }
}

#[test]
fn parts_of_a_name_make_the_whole_of_it() {
    let mut all = stand_ins();
    let (first, last) = (all.of(Kind::Name, "Zoë"), all.of(Kind::Name, "O'Neil"));
    assert_eq!(all.of(Kind::Name, "zoë  O'Neil"), format!("{first} {last}"));
    assert_eq!(all.of(Kind::Name, "J. O'Neil"), format!("J. {last}"));
    assert_eq!(
        all.free("a call from Zoë O'Neil, again"),
        format!("a call from {first} {last}, again")
    );
    assert_eq!(all.free("Zoëlogy"), "Zoëlogy", "whole words alone");
}

#[test]
fn numbers_are_one_in_every_way_of_writing_them() {
    let mut all = stand_ins();
    let number = all.of(Kind::Phone, "+43 1 234 56 78");
    assert_eq!(number, "+15550100001");
    assert_eq!(
        all.free("call +43 (1) 2345678 or +1-202-555-0147!"),
        "call +15550100001 or +15550100002!"
    );
    assert_eq!(all.of(Kind::Phone, "4312345678"), "15550100001");
    for none in ["1+1", "2026-01-01T00:00:00+01:00", "a+12345678", "+12"] {
        assert_eq!(all.free(none), none);
    }
}

#[test]
fn secrets_are_taken_out_of_every_text() {
    let mut all = stand_ins();
    assert_eq!(all.without_secrets("Bearer hunter2-very-secret."), "Bearer secret.");
    assert_eq!(all.free("key sk_live_abcdefghijklmnop1234 end"), "key secret-1 end");
    assert!(all.leaks("…Hunter2-Very-Secret…") && !all.leaks("nothing"));
    all.of(Kind::Email, "Ada@x.example");
    assert!(all.leaks("by ada@X.example"));
}

#[test]
fn an_opaque_id_keeps_its_type_and_has_the_stand_in_of_its_key() {
    let mut all = stand_ins();
    let id = crate::value::opaque_id("Customer", "crm", "ada@x.example");
    assert_eq!(all.free(&id), crate::value::opaque_id("Customer", "crm", "person1@example.com"));
    let id = crate::value::opaque_id("Customer", "crm", "1001");
    assert_eq!(all.free(&id), id);
}

#[test]
fn texts_and_attributes_of_xml_are_replaced_and_all_else_stays() {
    let text = "<?xml version='1.0'?><!-- a@x.example --><e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body>\n\
                <r><who mail='O&apos;a@x.example' n=\"1\">Zo&#235; &amp; <b/>x</who><c><![CDATA[<d>]]></c></r></e:Body></e:Envelope>";
    let mut seen = Vec::new();
    let same = rewritten(text, &mut |names, text| {
        seen.push((names.join("."), text.to_owned()));
        text.to_owned()
    });
    assert_eq!(same, text);
    let seen: Vec<_> = seen.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let expected = [
        ("r.who.@mail", "O'a@x.example"),
        ("r.who.@n", "1"),
        ("r.who", "Zoë & "),
        ("r.who", "x"),
        ("r.c", "<d>"),
    ];
    assert_eq!(seen, expected);
    let replaced = rewritten(text, &mut |_, _| "<&\"".to_owned());
    assert!(
        replaced.contains("mail='&lt;&amp;&quot;'") && replaced.contains("<![CDATA[<&\"]]>"),
        "{replaced}"
    );
}

#[test]
fn a_description_of_a_person_becomes_one_stand_in_and_a_date_stays_a_date() {
    let mut all = stand_ins();
    assert_eq!(all.of(Kind::Date, "1990-05-17T08:00:00Z"), "2000-01-01T08:00:00Z");
    let text = "likes to be called before noon";
    assert_eq!(all.of(Kind::Text, text), all.of(Kind::Text, text));
    assert_ne!(all.of(Kind::Text, "another"), all.of(Kind::Text, text));
    assert_eq!(json!(all.digits(Kind::Phone, "4312345678")), json!(1_000_000_001));
}

#[test]
fn keys_that_were_in_order_are_in_order_after_it() {
    let mut all = stand_ins();
    let addresses: Vec<String> =
        ["zoe", "m.b", "ada", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "bob"]
            .iter()
            .map(|name| format!("{name}@x.example"))
            .collect();
    let text = addresses.join(",");
    all.free(&text);
    all.settle();
    let mut sorted = addresses.clone();
    sorted.sort_unstable();
    let replaced: Vec<String> = sorted.iter().map(|one| all.free(one)).collect();
    let mut in_order = replaced.clone();
    in_order.sort_unstable();
    assert_eq!(replaced, in_order);
    assert_eq!(replaced[0], "person01@example.com");
}

// ---- what hides ------------------------------------------------------------------------------------------------------

#[test]
fn a_name_in_prose_is_found_in_any_case_of_letters() {
    let mut all = stand_ins();
    let (first, last) = (all.of(Kind::Name, "Zoë"), all.of(Kind::Name, "O'Neil"));
    all.of(Kind::Name, "And");
    assert_eq!(all.free("Dear ZOË O'NEIL,"), format!("Dear {first} {last},"));
    assert_eq!(all.free("from zoë o'neil: hi"), format!("from {first} {last}: hi"));
    assert_eq!(all.free("zoë"), "zoë", "a word alone may be one of a vocabulary");
    assert_eq!(all.free("a = 1 AND b = 2"), "a = 1 AND b = 2");
    assert_eq!(all.free("zoëlogy and İzoë İ"), "zoëlogy and İzoë İ", "whole words alone");
}

#[test]
fn a_number_in_prose_is_found_however_it_is_spaced() {
    let mut all = stand_ins();
    all.of(Kind::Phone, "+43 660 123 45 67");
    let stand_in = "15550100001";
    for text in
        ["0660/1234567", "(0660) 123-45-67", "0660.123.4567", "43 660 1234567", "6601234567"]
    {
        assert_eq!(all.free(&format!("ring {text} at 10:00")), format!("ring {stand_in} at 10:00"));
    }
    for none in ["1234567", "10660 1234567 8", "a6601234567", "order 6601234568"] {
        assert_eq!(all.free(none), none);
    }
}

#[test]
fn an_address_that_a_url_encodes_is_found() {
    let mut all = stand_ins();
    assert_eq!(
        all.free("see https://x.example/?q=bob%2Bnews%40x.example&a=%20b"),
        "see https://x.example/?q=person1@example.com&a=%20b"
    );
    assert_eq!(all.free("a%40b and 3%40"), "a%40b and 3%40", "no address");
}

#[test]
fn what_is_in_base64_is_looked_into() {
    use base64::Engine as _;
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
    let mut all = stand_ins();
    let name = all.of(Kind::Name, "Zoë");
    let inner = "Zoë has bob@x.example?";
    let scrubbed = format!("{name} has person1@example.com?");
    let text = format!("data:text/plain;base64,{}", BASE64_STANDARD.encode(inner));
    assert_eq!(
        all.free(&text),
        format!("data:text/plain;base64,{}", BASE64_STANDARD.encode(&scrubbed))
    );
    let twice = BASE64_URL_SAFE_NO_PAD.encode(BASE64_STANDARD.encode(inner));
    let expected = BASE64_URL_SAFE_NO_PAD.encode(BASE64_STANDARD.encode(&scrubbed));
    assert_eq!(all.free(&twice), expected);
    for none in ["sixteenletterswordthatisnotbase64", "2026-01-01T00:00:00Z-0123456789abcdef"] {
        assert_eq!(all.free(none), none);
    }
}
