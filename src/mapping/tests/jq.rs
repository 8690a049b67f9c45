use super::*;
use proptest::prelude::*;

fn program(text: &str) -> JqProgram {
    JqProgram::compile(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn run(text: &str, record: &str) -> Result<String, String> {
    let result = program(text).run(&json(record), 0)?;
    let mut out = String::new();
    super::super::leaf::write_any(&result, 0, &mut out);
    Ok(out)
}

#[test]
fn filters_that_people_write_work() {
    let record = r#"{"metadata":{"order":"7","channel":"web"},"n":3,"s":" Ab c ","l":[3,1,2],"o":[{"k":"a","v":1},{"k":"b","v":null}],"d":12.10}"#;
    for (text, expected) in [
        (".", record),
        (".metadata | to_entries | map(.value) | join(\", \")", r#""7, web""#),
        (".n + 1", "4"),
        (".missing // \"none\"", r#""none""#),
        (".s | trim | ascii_downcase | split(\" \")", r#"["ab","c"]"#),
        (".l | sort | map(tostring) | join(\"-\")", r#""1-2-3""#),
        ("[.o[] | select(.v != null) | .k]", r#"["a"]"#),
        (".o | map({(.k): .v}) | add", r#"{"a":1,"b":null}"#),
        ("reduce .l[] as $x (0; . + $x)", "6"),
        ("[foreach .l[] as $x (0; . + $x)]", "[3,4,6]"),
        ("if .n > 2 then \"many\" elif .n == 2 then \"two\" else \"few\" end", r#""many""#),
        ("\"\\(.n) of \\(.l | length)\"", r#""3 of 3""#),
        (".l as [$a, $b] | $a - $b", "2"),
        ("try error(\"x\") catch \"caught\"", r#""caught""#),
        (".metadata | with_entries(.value |= .) | keys", "refused"),
        (".metadata | with_entries(select(.key == \"order\"))", r#"{"order":"7"}"#),
        ("[limit(2; .l[])]", "[3,1]"),
        ("first(.l[] | select(. < 3))", "1"),
        (".metadata.order | tonumber", "7"),
        (".d", "12.10"),
        ("empty", "null"),
        (".s * 2", r#"" Ab c  Ab c ""#),
        ("[.[] | type]", r#"["object","number","string","array","array","number"]"#),
        (".l[1:] | flatten | unique | max", "2"),
        ("any(.l[]; . > 2), 1 | tostring", "several"),
        ("[.l | min, max, add, length, (index(1))]", "[1,3,6,3,1]"),
        (".metadata | has(\"order\") and (.order | startswith(\"7\")) and (not | not)", "true"),
        (".o | group_by(.k) | map(length)", "[1,1]"),
        (".o | sort_by(.v) | first | .k", r#""b""#),
        ("@json \"x\\(.l)\", 1 | tojson", "several"),
        ("[1] | contains([1])", "true"),
        ("-.n / 2", "-1.5"),
        ("\"a,b\" / \",\"", r#"["a","b"]"#),
        ("{a: 1} * {b: 2}", r#"{"a":1,"b":2}"#),
        (".l - [1]", "[3,2]"),
        (".n % 2", "1"),
        (".[\"n\"]", "3"),
        ("[.o[]?.v, .n[]?]", "[1,null]"),
    ] {
        match expected {
            "refused" => assert!(JqProgram::compile(text).is_err(), "{text}"),
            "several" => assert!(run(text, record).unwrap_err().contains("several"), "{text}"),
            _ => assert_eq!(run(text, record).as_deref(), Ok(expected), "{text}"),
        }
    }
}

#[test]
fn every_allowed_function_is_there() {
    for (name, arity) in super::super::jq::allowed() {
        let arguments = vec!["."; *arity].join("; ");
        let text = if *arity == 0 { (*name).to_owned() } else { format!("{name}({arguments})") };
        program(&text);
    }
}

#[test]
fn what_is_refused_is_named_with_what_to_do_instead() {
    for (text, word, advice) in [
        ("def f: .; f", "`def`", "native forms"),
        ("..", "`..`", "name the path"),
        ("[.. | numbers]", "`..`", "name the path"),
        ("recurse", "`recurse`", "name the path"),
        ("[recurse(.a)]", "`recurse`", "name the path"),
        ("[range(10)]", "`range`", "`.[]`"),
        ("repeat(.)", "`repeat`", "`.[]`"),
        ("until(. > 3; . + 1)", "`until`", "`.[]`"),
        ("[while(. < 3; . + 1)]", "`while`", "`.[]`"),
        ("env", "`env`", ""),
        ("$ENV", "`$ENV`", "nothing else"),
        ("$__loc__", "`$__loc__`", "nothing else"),
        ("now", "`now`", "`time`"),
        ("input", "`input`", "nothing else"),
        ("[inputs]", "`inputs`", "nothing else"),
        ("halt", "`halt`", "gives a value"),
        ("halt_error", "`halt_error`", "gives a value"),
        ("debug", "`debug`", "gives a value"),
        ("stderr", "`stderr`", "gives a value"),
        (".a = 1", "`=`", "does not change"),
        (".a |= 1", "`=`", "does not change"),
        (".a += 1", "`=`", "does not change"),
        ("del(.a)", "`del`", "build the value"),
        ("path(.a)", "`path`", "build the value"),
        ("walk(.)", "`walk`", "name the path"),
        ("getpath([\"a\"])", "`getpath`", ""),
        ("label $out | 1, break $out", "`label`", "first"),
        ("test(\"a\")", "`test`", "native form"),
        ("fromjson", "`fromjson`", "native form"),
        ("@base64", "`@base64`", ""),
        ("@base64 \"x\\(.)\"", "`@base64`", "`@json`"),
        ("frobnicate(1)", "`frobnicate`", "native form"),
        ("map(1; 2)", "`map`", "1 arguments"),
        ("main_filter", "`main_filter`", ""),
        ("$x", "`$x`", "bind it"),
        ("[.a | map(range(3))]", "`range`", ""),
        ("{a: env}", "`env`", ""),
        ("\"\\(env)\"", "`env`", ""),
        (".[env]", "`env`", ""),
        (". as {(env): $x} | 1", "`env`", ""),
        ("reduce env as $x (0; 1)", "`env`", ""),
        ("if . then env else 1 end", "`env`", ""),
        ("try env", "`env`", ""),
        ("import \"a\" as a; 1", "", "cannot be read"),
        (".a |", "", "at byte 4"),
        ("", "", "at byte 0"),
        (".a[", "", "cannot be read"),
        ("\"abc", "", "cannot be read"),
    ] {
        let error = JqProgram::compile(text).unwrap_err();
        assert!(error.contains(word) && error.contains(advice), "{text}: {error}");
    }
    assert!(JqProgram::compile(&"(".repeat(10_000)).is_err());
    assert!(
        JqProgram::compile(&format!("1{}", " + 1".repeat(2_000)))
            .unwrap_err()
            .contains("longer than")
    );
}

#[test]
fn filters_that_grow_or_go_on_are_stopped() {
    let many = format!("[{}]", vec!["1"; 200].join(","));
    for text in [
        "reduce .[] as $x (\"ab\"; . + .) | length",
        "reduce .[] as $x ([1]; . + .) | length",
        "reduce .[] as $x (2; . * .)",
        "reduce .[] as $x ([]; [., .]) | tojson | length",
        "reduce .[] as $x ([]; [.]) | length",
        "reduce .[] as $x (\"a\"; \"\\(.)\\(.)\") | length",
        "\"ab\" * 1000000000 | length",
        "[.[] as $a | .[] as $b | .[] as $c | 1] | length",
        "[.[], .[]] | [.[], .[]] | [.[], .[]] | [.[], .[]] | [.[], .[]] | [.[], .[]] | [.[], .[]] | [.[], .[]] | [.[], .[]] | [.[], .[]] | [.[], .[]] | [.[], .[]] | [.[], .[]] | length",
        "try ([.[] as $a | .[] as $b | .[] as $c | 1] | length) catch 0",
        "([.[] as $a | .[] as $b | .[] as $c | 1] | length)? // 1",
    ] {
        assert_eq!(
            run(text, &many),
            Err("jq: the filter takes too many steps".to_owned()),
            "{text}"
        );
    }
    let error = run("[.[] | tostring * 2000]", &many).unwrap_err();
    assert_eq!(error, "jq: the filter's result is too large");
}

#[test]
fn records_that_are_too_large_or_too_deep_are_refused() {
    let many = format!("[{}1]", "1,".repeat(30_000));
    assert!(run(".", &many).unwrap_err().contains("too large"));
    let long = format!("\"{}\"", "x".repeat(200_000));
    assert!(run(".", &long).unwrap_err().contains("too large"));
}

#[test]
fn errors_do_not_tell_values() {
    for text in [
        ".secret.x",
        ".secret + 1",
        "error(.secret)",
        "{(.secret): nan}",
        ".secret | tonumber",
        "[1, 2][.secret]",
    ] {
        let error = match JqProgram::compile(text) {
            Ok(program) => match program.run(&json(r#"{"secret":"hunter2"}"#), 0) {
                Err(error) => error,
                Ok(_) => panic!("{text} gave a value"),
            },
            Err(error) => error,
        };
        assert!(!error.contains("hunter2"), "{text}: {error}");
    }
}

#[test]
fn a_result_is_coerced_to_the_fields_type() {
    let thing = |text: &str, to| {
        let mapping = Mapping::Jq { program: Arc::new(program(text)), to };
        let graph = graph(vec![shape("Thing", vec![slot("v", mapping)])]);
        let one = call(None, &[], Normalizer::Exact);
        let record = json(r#"{"a":"1.50","l":["x","y"],"n":2147483648}"#);
        rows(&graph, &map_answers(&graph, &one, FIRST, SlotSet::ALL, &[record], &[Key::unit()])[0])
    };
    let scalar = Leaf::Scalar;
    assert_eq!(thing(".a", scalar(Scalar::String)), r#"{v:"1.50"}"#);
    assert_eq!(thing(".a", scalar(Scalar::Decimal)), r#"{v:"1.50"}"#);
    assert_eq!(
        thing(".a", scalar(Scalar::Int)),
        "{v:!`.`: expected an integer of 32 bits, found text}"
    );
    assert_eq!(
        thing(".n", scalar(Scalar::Int)),
        "{v:!`.`: expected an integer of 32 bits, found another number}"
    );
    assert_eq!(thing(".a | tonumber | . * 2", scalar(Scalar::Float)), "{v:3.0}");
    assert_eq!(thing(".l", Leaf::List(Box::new(scalar(Scalar::String)))), r#"{v:["x" "y"]}"#);
    assert_eq!(thing(".missing", scalar(Scalar::Int)), "{v:null}");
    assert_eq!(thing(".l", scalar(Scalar::Any)), r#"{v:["x","y"]}"#);
    assert_eq!(thing(".a.b", scalar(Scalar::Any)), "{v:!jq: the filter ended with an error}");
    assert_eq!(
        thing("1 / 0", scalar(Scalar::Float)),
        "{v:!jq: the filter's result is not a finite number}"
    );
}

proptest! {
    #[test]
    fn no_text_makes_the_compiler_panic(text in "[.\\[\\]{}()|,:;\"$@a-f0-9 +*/?=<\\\\-]{0,24}", odd in ".{0,16}") {
        for text in [text, odd] {
            if let Ok(program) = JqProgram::compile(&text) {
                drop(program.run(&json(r#"{"a":[1,"x"],"b":null}"#), 0));
            }
        }
    }
}
