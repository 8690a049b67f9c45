//! What names of members say about their values.

use super::stand_in::Kind;

const CREDENTIALS: &[&str] = &[
    "accesstoken",
    "apikey",
    "apisecret",
    "apitoken",
    "auth",
    "authorization",
    "authtoken",
    "bearer",
    "clientsecret",
    "consumerkey",
    "consumersecret",
    "cookie",
    "idtoken",
    "jwt",
    "passcode",
    "passwd",
    "password",
    "privatekey",
    "pwd",
    "refreshtoken",
    "secret",
    "secretkey",
    "sessionid",
    "sessiontoken",
    "setcookie",
    "sig",
    "signature",
    "subscriptionkey",
    "token",
    "tokensecret",
    "xapikey",
];

const NAMES: &[&str] = &[
    "contactname",
    "customername",
    "displayname",
    "familyname",
    "firstname",
    "fullname",
    "givenname",
    "lastname",
    "maidenname",
    "middlename",
    "nickname",
    "personname",
    "recipientname",
    "requestername",
    "surname",
];
const PHONES: &[&str] = &[
    "cell",
    "cellphone",
    "fax",
    "faxnumber",
    "homephone",
    "mobile",
    "mobilephone",
    "msisdn",
    "phone",
    "phonenumber",
    "phones",
    "tel",
    "telephone",
    "workphone",
];
const STREETS: &[&str] = &[
    "addr1",
    "addr2",
    "address1",
    "address2",
    "addressline1",
    "addressline2",
    "line1",
    "line2",
    "mailingstreet",
    "street",
    "street1",
    "street2",
    "streetaddress",
];
const CITIES: &[&str] = &["city", "mailingcity", "town"];
const CODES: &[&str] = &["mailingpostalcode", "postalcode", "postcode", "zip", "zipcode"];
const DATES: &[&str] = &["birthdate", "birthday", "dateofbirth", "dob"];
const OTHERS: &[&str] = &[
    "cardnumber",
    "iban",
    "ipaddress",
    "nationalid",
    "passport",
    "passportnumber",
    "socialsecuritynumber",
    "ssn",
    "taxid",
    "taxnumber",
    "vatid",
    "vatnumber",
];
const EMAILS: &[&str] = &["email", "emailaddress", "emails", "mail", "primaryemail"];

/// Whether a value under this name proves who somebody is. Names of pages (`page_token`) are none of these.
pub(in crate::contract) fn is_credential_name(name: &str) -> bool {
    CREDENTIALS.contains(&&*plain(name))
}

/// What a value under this name is, by the name alone.
pub(super) fn kind_of_member(name: &str) -> Option<Kind> {
    let name = &*plain(name);
    let tables = [
        (CREDENTIALS, Kind::Secret),
        (EMAILS, Kind::Email),
        (NAMES, Kind::Name),
        (PHONES, Kind::Phone),
        (STREETS, Kind::Street),
        (CITIES, Kind::City),
        (CODES, Kind::Code),
        (DATES, Kind::Date),
        (OTHERS, Kind::Text),
    ];
    tables.iter().find(|(names, _)| names.contains(&name)).map(|(_, kind)| *kind)
}

/// The same for a field that the schema calls sensitive: whatever ends so is a name.
pub(super) fn kind_of_sensitive(field: &str) -> Option<Kind> {
    kind_of_member(field).or(plain(field).ends_with("name").then_some(Kind::Name))
}

/// `First_Name`, `first-name` and `firstName` are one name.
fn plain(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect()
}
