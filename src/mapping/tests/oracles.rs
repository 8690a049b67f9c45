//! Forms held against other ways to reckon the same.

use proptest::prelude::*;

use super::forms::*;
use super::*;

proptest! {
    #[test]
    fn decimals_agree_with_an_oracle_of_integers(
        digits in any::<i64>(),
        point in 0_usize..6,
        exponent in -8_i32..8,
        shift in 0_u32..5,
    ) {
        let plain = format!("{:0>width$}", digits.unsigned_abs(), width = point + 1);
        let (whole, fraction) = plain.split_at(plain.len() - point);
        let sign = if digits < 0 { "-" } else { "" };
        let dot = if point > 0 { "." } else { "" };
        let mut written = String::new();
        super::super::decimal::write(&format!("{sign}{whole}{dot}{fraction}e{exponent}"), shift, &mut written).unwrap();
        // both sides as integers of 10^-20
        let scale = |text: &str| {
            let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
            format!("{whole}{fraction:0<20}").parse::<i128>()
        };
        let power = 20 - i32::try_from(point).unwrap() + exponent - i32::try_from(shift).unwrap();
        if let (Ok(scaled), Some(expected)) = (
            scale(&written),
            10_i128.checked_pow(power.unsigned_abs()).and_then(|power| i128::from(digits).checked_mul(power)),
        ) {
            prop_assert_eq!(scaled, expected, "{}", written);
        }
        prop_assert!(!written.starts_with("00") && !written.starts_with("-00") && !written.ends_with('.'), "{}", written);
    }

    #[test]
    fn minor_units_agree_with_an_oracle_of_integers(
        amount in any::<i64>(),
        (currency, digits) in prop_oneof![
            Just(("JPY", 0)), Just(("KRW", 0)), Just(("EUR", 2)), Just(("USD", 2)),
            Just(("KWD", 3)), Just(("TND", 3)), Just(("CLF", 4)),
        ],
    ) {
        let printed = eval_money(&format!(r#"{{"a":{amount},"c":"{currency}"}}"#), true);
        let magnitude = i128::from(amount).unsigned_abs();
        let power = 10_u128.pow(digits);
        let sign = if amount < 0 { "-" } else { "" };
        let expected = match digits {
            0 => format!("{sign}{magnitude}"),
            _ => format!("{sign}{}.{:0>width$}", magnitude / power, magnitude % power, width = digits as usize),
        };
        prop_assert_eq!(printed, format!(r#"{{amount:"{expected}" currency:"{currency}"}}"#));
    }

    #[test]
    fn unix_times_agree_with_the_calendar(millis in -62_000_000_000_000_i64..250_000_000_000_000) {
        prop_assume!(millis != 0);
        let printed = eval(&format!(r#"{{"v":{millis}}}"#), time(TimeForm::UnixMillis, false)(path(".v")));
        let parsed: jiff::Timestamp = printed.trim_matches('"').parse().unwrap();
        prop_assert_eq!(parsed.as_millisecond(), millis);
    }

    #[test]
    fn unix_seconds_agree_with_the_calendar(seconds in 0_i64..5_000_000_000) {
        let printed = eval(&format!(r#"{{"v":{seconds}}}"#), time(TimeForm::UnixSeconds, false)(path(".v")));
        prop_assert_eq!(printed, format!("\"{}\"", jiff::Timestamp::from_second(seconds).unwrap()));
    }

    #[test]
    fn no_value_makes_a_mapping_panic(text in ".{0,12}", number in "-?[0-9.eE+-]{0,8}") {
        for value in [serde_json::to_string(&text).unwrap(), serde_json::to_string(&number).unwrap()] {
            for to in [Scalar::Int, Scalar::Float, Scalar::Decimal, Scalar::DateTime, Scalar::Date, Scalar::CurrencyCode] {
                eval(&format!("{{\"v\":{value}}}"), Mapping::Number { path: path(".v"), shift: 0, to: Leaf::Scalar(to) });
                eval(&format!("{{\"v\":{value}}}"), scalar(to)(path(".v")));
            }
            eval(&format!("{{\"v\":{value}}}"), time(TimeForm::UnixSeconds, false)(path(".v")));
        }
    }
}
