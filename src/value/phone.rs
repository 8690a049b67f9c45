//! Telephone numbers as E.164 spells them: a plus, the country's code, the number.
//!
//! A number without a country's code says nothing as long as nobody says where it is: then it is no key.

/// How numbers are dialed in one country.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Country {
    /// ISO 3166-1, two letters.
    pub iso: &'static str,
    calling: &'static str,
    /// What stands before a national number and is not part of it.
    trunk: &'static str,
    /// What is dialed instead of the plus.
    international: &'static str,
}

const fn of(
    iso: &'static str,
    calling: &'static str,
    trunk: &'static str,
    international: &'static str,
) -> Country {
    Country { iso, calling, trunk, international }
}

/// A country by ISO 3166-1, in any case.
pub fn country(iso: &str) -> Option<&'static Country> {
    COUNTRIES.iter().find(|country| country.iso.eq_ignore_ascii_case(iso))
}

pub fn country_names() -> impl Iterator<Item = &'static str> {
    COUNTRIES.iter().map(|country| country.iso)
}

/// The fewest and the most digits of a whole number.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// `None` for what is no number, and for a national number of no known country.
pub(super) fn e164(text: &str, country: Option<&Country>) -> Option<String> {
    let text = text.strip_prefix("tel:").unwrap_or(text).trim();
    let text = without_extension(text);
    let text = text.strip_prefix('(').filter(|rest| rest.starts_with('+')).unwrap_or(text);
    let (text, is_plus) = text.strip_prefix('+').map_or((text, false), |rest| (rest, true));
    // the trunk prefix that some write for those who dial from inside the country: +43 (0) 660
    let whole = if is_plus { text.replacen("(0)", "", 1) } else { text.to_owned() };
    let digits = digits(&whole)?;
    let international = country.map_or("00", |country| country.international);
    let number = match digits.strip_prefix(international) {
        _ if is_plus => digits,
        Some(rest) => rest.to_owned(),
        None => national(&digits, country?)?,
    };
    DIGITS.contains(&number.len()).then(|| format!("+{number}"))
}

fn national(digits: &str, country: &Country) -> Option<String> {
    let Country { calling, trunk, .. } = country;
    let is_north_american = *calling == "1";
    let rest = match digits.strip_prefix(trunk) {
        Some(rest) if !is_north_american || digits.len() == 11 => rest,
        _ => digits,
    };
    (!is_north_american || rest.len() == 10).then(|| format!("{calling}{rest}"))
}

/// The part before what is dialed after somebody has answered.
fn without_extension(text: &str) -> &str {
    let lower = text.to_ascii_lowercase();
    let end = ["ext", "x", ";", ",", "#"].iter().filter_map(|word| lower.find(word)).min();
    text.get(..end.unwrap_or(text.len())).unwrap_or(text).trim()
}

/// `None` if there is anything but digits and what people put between them.
fn digits(text: &str) -> Option<String> {
    let mut digits = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '0'..='9' => digits.push(letter),
            '-' | '.' | '/' | '(' | ')' | '\u{2010}'..='\u{2015}' => {}
            _ if letter.is_whitespace() => {}
            _ => return None,
        }
    }
    Some(digits)
}

const COUNTRIES: &[Country] = &[
    of("AD", "376", "", "00"),
    of("AE", "971", "0", "00"),
    of("AF", "93", "0", "00"),
    of("AL", "355", "0", "00"),
    of("AM", "374", "0", "00"),
    of("AR", "54", "0", "00"),
    of("AT", "43", "0", "00"),
    of("AU", "61", "0", "0011"),
    of("AZ", "994", "0", "00"),
    of("BA", "387", "0", "00"),
    of("BD", "880", "0", "00"),
    of("BE", "32", "0", "00"),
    of("BG", "359", "0", "00"),
    of("BH", "973", "", "00"),
    of("BO", "591", "0", "00"),
    of("BR", "55", "0", "00"),
    of("BY", "375", "8", "810"),
    of("CA", "1", "1", "011"),
    of("CH", "41", "0", "00"),
    of("CL", "56", "", "00"),
    of("CN", "86", "0", "00"),
    of("CO", "57", "", "00"),
    of("CR", "506", "", "00"),
    of("CY", "357", "", "00"),
    of("CZ", "420", "", "00"),
    of("DE", "49", "0", "00"),
    of("DK", "45", "", "00"),
    of("DO", "1", "1", "011"),
    of("DZ", "213", "0", "00"),
    of("EC", "593", "0", "00"),
    of("EE", "372", "", "00"),
    of("EG", "20", "0", "00"),
    of("ES", "34", "", "00"),
    of("ET", "251", "0", "00"),
    of("FI", "358", "0", "00"),
    of("FR", "33", "0", "00"),
    of("GB", "44", "0", "00"),
    of("GE", "995", "0", "00"),
    of("GH", "233", "0", "00"),
    of("GI", "350", "", "00"),
    of("GR", "30", "", "00"),
    of("GT", "502", "", "00"),
    of("HK", "852", "", "001"),
    of("HN", "504", "", "00"),
    of("HR", "385", "0", "00"),
    of("HU", "36", "06", "00"),
    of("ID", "62", "0", "00"),
    of("IE", "353", "0", "00"),
    of("IL", "972", "0", "00"),
    of("IN", "91", "0", "00"),
    of("IS", "354", "", "00"),
    of("IT", "39", "", "00"),
    of("JM", "1", "1", "011"),
    of("JO", "962", "0", "00"),
    of("JP", "81", "0", "010"),
    of("KE", "254", "0", "000"),
    of("KR", "82", "0", "00"),
    of("KW", "965", "", "00"),
    of("KZ", "7", "8", "810"),
    of("LB", "961", "0", "00"),
    of("LI", "423", "", "00"),
    of("LK", "94", "0", "00"),
    of("LT", "370", "0", "00"),
    of("LU", "352", "", "00"),
    of("LV", "371", "", "00"),
    of("MA", "212", "0", "00"),
    of("MC", "377", "", "00"),
    of("MD", "373", "0", "00"),
    of("ME", "382", "0", "00"),
    of("MK", "389", "0", "00"),
    of("MT", "356", "", "00"),
    of("MX", "52", "", "00"),
    of("MY", "60", "0", "00"),
    of("NG", "234", "0", "009"),
    of("NI", "505", "", "00"),
    of("NL", "31", "0", "00"),
    of("NO", "47", "", "00"),
    of("NP", "977", "0", "00"),
    of("NZ", "64", "0", "00"),
    of("OM", "968", "", "00"),
    of("PA", "507", "", "00"),
    of("PE", "51", "0", "00"),
    of("PH", "63", "0", "00"),
    of("PK", "92", "0", "00"),
    of("PL", "48", "", "00"),
    of("PR", "1", "1", "011"),
    of("PT", "351", "", "00"),
    of("PY", "595", "0", "00"),
    of("QA", "974", "", "00"),
    of("RO", "40", "0", "00"),
    of("RS", "381", "0", "00"),
    of("RU", "7", "8", "810"),
    of("SA", "966", "0", "00"),
    of("SE", "46", "0", "00"),
    of("SG", "65", "", "000"),
    of("SI", "386", "0", "00"),
    of("SK", "421", "0", "00"),
    of("SV", "503", "", "00"),
    of("TH", "66", "0", "001"),
    of("TN", "216", "", "00"),
    of("TR", "90", "0", "00"),
    of("TW", "886", "0", "002"),
    of("TZ", "255", "0", "000"),
    of("UA", "380", "0", "00"),
    of("UG", "256", "0", "000"),
    of("US", "1", "1", "011"),
    of("UY", "598", "0", "00"),
    of("VE", "58", "0", "00"),
    of("VN", "84", "0", "00"),
    of("ZA", "27", "0", "00"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str, iso: Option<&str>) -> String {
        e164(text, iso.and_then(country)).unwrap_or_default()
    }

    #[test]
    fn one_number_in_many_spellings_is_one_key() {
        let same = [
            "+43 660 1234567",
            "+43 (0) 660 / 123 45 67",
            "+43(0)660-1234567",
            "0043 660 1234567",
            "0660 1234567",
            "(0660) 123.45.67",
            "660 1234567",
            "tel:+43-660-1234567",
            "0660 1234567 ext. 12",
            "+436601234567;ext=12",
            "(+43) 660 1234567",
        ];
        for text in same {
            assert_eq!(number(text, Some("at")), "+436601234567", "{text}");
        }
    }

    #[test]
    fn countries_have_their_own_ways() {
        for (text, iso, expected) in [
            ("(415) 555-2671", "US", "+14155552671"),
            ("1 415 555 2671", "US", "+14155552671"),
            ("011 43 660 1234567", "US", "+436601234567"),
            ("06 1 234 5678", "HU", "+3612345678"),
            ("02 1234 5678", "IT", "+390212345678"),
            ("8 (495) 123-45-67", "RU", "+74951234567"),
            ("12 34 56 78", "DK", "+4512345678"),
        ] {
            assert_eq!(number(text, Some(iso)), expected, "{text}");
        }
    }

    #[test]
    fn a_national_number_of_no_known_country_is_no_key() {
        assert_eq!(number("0660 1234567", None), "");
        assert_eq!(number("00 43 660 1234567", None), "+436601234567");
        assert_eq!(number("+43 660 1234567", None), "+436601234567");
    }

    #[test]
    fn what_is_no_number_is_no_key() {
        for text in ["", "n/a", "unknown", "+", "123", "1-800-FLOWERS", "+1234567890123456"] {
            assert_eq!(number(text, Some("AT")), "", "{text}");
        }
        assert_eq!(number("555 2671", Some("US")), "", "too short for its country");
    }
}
