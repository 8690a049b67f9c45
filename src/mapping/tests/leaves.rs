use super::forms::*;
use super::*;

#[test]
fn integers_have_32_bits() {
    check(
        scalar(Scalar::Int),
        &[
            ("5", "5"),
            ("-2147483648", "-2147483648"),
            ("2147483647", "2147483647"),
            ("2147483648", "!`.v`: expected an integer of 32 bits, found another number"),
            ("5.0", "5"),
            ("50e-1", "5"),
            ("-0", "0"),
            ("5.5", "!`.v`: expected an integer of 32 bits, found another number"),
            ("1e9", "1000000000"),
            ("1e99999999999", "!`.v`: expected an integer of 32 bits, found another number"),
            ("\"5\"", "!`.v`: expected an integer of 32 bits, found text"),
            ("true", "!`.v`: expected an integer of 32 bits, found a boolean"),
            ("null", "null"),
            ("[1]", "!`.v`: expected an integer of 32 bits, found a list"),
            ("{}", "!`.v`: expected an integer of 32 bits, found an object"),
        ],
    );
}

#[test]
fn floats_are_finite_and_keep_their_digits() {
    check(
        scalar(Scalar::Float),
        &[
            ("1.10", "1.10"),
            ("1E5", "1E5"),
            ("7", "7"),
            ("1e400", "!`.v`: expected a finite number, found another number"),
            ("\"1\"", "!`.v`: expected a finite number, found text"),
        ],
    );
}

#[test]
fn text_is_copied_with_its_escapes() {
    check(
        scalar(Scalar::String),
        &[
            (r#""a\"\u00e9\/ö""#, r#""a\"\u00e9\/ö""#),
            (r#""""#, r#""""#),
            (r#""\ud800""#, "\"\u{fffd}\""),
            ("1", "!`.v`: expected text, found a number"),
            ("false", "!`.v`: expected text, found a boolean"),
        ],
    );
}

#[test]
fn booleans_are_booleans() {
    check(
        scalar(Scalar::Boolean),
        &[
            ("true", "true"),
            ("false", "false"),
            ("1", "!`.v`: expected a boolean, found a number"),
            ("\"true\"", "!`.v`: expected a boolean, found text"),
        ],
    );
}

#[test]
fn ids_are_text_or_integers() {
    check(
        scalar(Scalar::Id),
        &[
            ("\"x-1\"", "\"x-1\""),
            ("12345678901234567890", "\"12345678901234567890\""),
            ("1e3", "\"1000\""),
            ("\"\"", "null"),
            ("1.5", "!`.v`: expected text or an integer, found another number"),
            ("true", "!`.v`: expected text or an integer, found a boolean"),
        ],
    );
}

#[test]
fn decimals_keep_every_digit() {
    check(
        scalar(Scalar::Decimal),
        &[
            ("12.50", "\"12.50\""),
            ("0.1", "\"0.1\""),
            (
                "123456789012345678901234567890.123456789",
                "\"123456789012345678901234567890.123456789\"",
            ),
            ("1.5e3", "\"1500\""),
            ("1.5E-3", "\"0.0015\""),
            ("1.50e+1", "\"15.0\""),
            ("-0.00", "\"0.00\""),
            ("-7e0", "\"-7\""),
            ("\"007.10\"", "\"7.10\""),
            ("\"+.5\"", "\"0.5\""),
            ("\"5.\"", "\"5\""),
            ("\" 5 \"", "\"5\""),
            ("\"\"", "null"),
            ("\"1,000\"", "!`.v`: expected a decimal number, found other text"),
            ("\"abc\"", "!`.v`: expected a decimal number, found other text"),
            ("\".\"", "!`.v`: expected a decimal number, found other text"),
            ("1e1000000000", "!`.v`: expected a decimal number, found another number"),
            ("1e-99999999999999999999", "!`.v`: expected a decimal number, found another number"),
            ("{}", "!`.v`: expected a decimal number, found an object"),
        ],
    );
}

#[test]
fn times_are_written_as_rfc_3339() {
    check(
        scalar(Scalar::DateTime),
        &[
            ("\"2024-01-02T03:04:05Z\"", "\"2024-01-02T03:04:05Z\""),
            ("\"2024-01-02T03:04:05.000+0000\"", "\"2024-01-02T03:04:05Z\""),
            ("\"2024-01-02 03:04:05.120+02:00\"", "\"2024-01-02T03:04:05.12+02:00\""),
            ("\"2024-01-02t03:04:05-07\"", "\"2024-01-02T03:04:05-07:00\""),
            ("\"Tue, 02 Jan 2024 03:04:05 -0500\"", "\"2024-01-02T03:04:05-05:00\""),
            (
                "\"2024-01-02T03:04:05\"",
                "!`.v`: expected a date and time with an offset, found other text",
            ),
            (
                "\"2024-13-02T03:04:05Z\"",
                "!`.v`: expected a date and time with an offset, found other text",
            ),
            ("1700000000", "!`.v`: expected a date and time with an offset, found a number"),
            ("\"\"", "null"),
        ],
    );
    check(
        scalar(Scalar::Date),
        &[
            ("\"2024-01-02\"", "\"2024-01-02\""),
            ("\"2024-01-02T23:04:05-11:00\"", "\"2024-01-02\""),
            ("\"02.01.2024\"", "!`.v`: expected a date, found other text"),
        ],
    );
}

#[test]
fn currencies_are_three_capital_letters() {
    check(
        scalar(Scalar::CurrencyCode),
        &[
            ("\"eur\"", "\"EUR\""),
            ("\"EURO\"", "!`.v`: expected a currency of three letters, found other text"),
            ("978", "!`.v`: expected a currency of three letters, found a number"),
        ],
    );
}

#[test]
fn lists_of_leaves_are_opened() {
    let ints = |path| Mapping::Path { path, to: Leaf::List(Box::new(Leaf::Scalar(Scalar::Int))) };
    check(
        ints,
        &[
            ("[1,null,3]", "[1 null 3]"),
            ("[]", "[]"),
            ("null", "null"),
            ("[1,\"x\"]", "[1 !`.v`: expected an integer of 32 bits, found text]"),
            ("7", "!`.v`: expected a list, found a number"),
        ],
    );
    assert_eq!(eval(r#"{"a":[{"b":1},{"b":2},{}]}"#, ints(path(".a[].b"))), "[1 2]");
    assert_eq!(eval(r#"{"a":[{"b":[1,2]},{"b":[3]}]}"#, ints(path(".a[].b"))), "[1 2 3]");
    assert_eq!(eval("{}", ints(path(".a[].b"))), "[]");
    assert_eq!(eval("{}", ints(path(".a"))), "null");
    assert_eq!(eval(r#"{"a":"x"}"#, ints(path(".a[].b"))), "!expected a list at `.a`, found text");
    let matrix = Leaf::List(Box::new(Leaf::List(Box::new(Leaf::Scalar(Scalar::Int)))));
    let mapping = |text| Mapping::Path { path: path(text), to: matrix.clone() };
    assert_eq!(eval("[[1,2],[],null]", mapping(".")), "[[1 2] [] null]");
    assert_eq!(eval("[[1,2],[3]]", mapping(".[]")), "[[1 2] [3]]");
}

#[test]
fn a_path_through_something_else_says_where() {
    let mapping = |text| Mapping::Path { path: path(text), to: Leaf::Scalar(Scalar::String) };
    assert_eq!(eval(r#"{"a":"x"}"#, mapping(".a.b")), "!expected an object at `.a`, found text");
    assert_eq!(eval(r#"{"a":null}"#, mapping(".a.b")), "null");
    assert_eq!(eval("{}", mapping(".a.b")), "null");
    assert_eq!(eval(r#"{"a":["p","q"]}"#, mapping(".a[-1]")), "\"q\"");
    assert_eq!(eval(r#"{"a":["p","q"]}"#, mapping(".a[]")), "\"p\"");
}
