//! The token passport of `NetSuite`'s SOAP service: signed anew for every request, put into the envelope's header.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::super::refused;
use crate::error::BackendError;
use crate::graph::TokenPassport;
use crate::template::percent_encode;

/// The `tokenPassport` element for this moment.
pub(super) fn token_passport(passport: &TokenPassport) -> Result<String, BackendError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)
        .map_err(|_| refused("the system gives no random bytes for a nonce"))?;
    let nonce = format!("{:032x}", u128::from_be_bytes(random));
    element(passport, &nonce, jiff::Timestamp::now().as_second())
}

fn element(passport: &TokenPassport, nonce: &str, timestamp: i64) -> Result<String, BackendError> {
    let TokenPassport { version, account, consumer_key, token, .. } = passport;
    let signature = signature(passport, nonce, timestamp)?;
    let [version, account, consumer_key, token] =
        [version, account, consumer_key, token].map(|text| quick_xml::escape::escape(&**text));
    Ok(format!(
        "<m:tokenPassport xmlns:m=\"urn:messages_{version}.platform.webservices.netsuite.com\" \
         xmlns:c=\"urn:core_{version}.platform.webservices.netsuite.com\">\
         <c:account>{account}</c:account><c:consumerKey>{consumer_key}</c:consumerKey><c:token>{token}</c:token>\
         <c:nonce>{nonce}</c:nonce><c:timestamp>{timestamp}</c:timestamp>\
         <c:signature algorithm=\"HMAC-SHA256\">{signature}</c:signature></m:tokenPassport>"
    ))
}

/// Base64(HMAC-SHA256(consumer secret & token secret, account & consumer key & token & nonce & timestamp)).
fn signature(
    passport: &TokenPassport,
    nonce: &str,
    timestamp: i64,
) -> Result<String, BackendError> {
    let TokenPassport { account, consumer_key, consumer_secret, token, token_secret, .. } =
        passport;
    let timestamp = timestamp.to_string();
    let signed = [&**account, &**consumer_key, &**token, nonce, &timestamp].map(percent).join("&");
    let secret = [&**consumer_secret, &**token_secret].map(percent).join("&");
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map_err(|_| refused("the secrets of the token passport cannot be a key"))?;
    mac.update(signed.as_bytes());
    Ok(STANDARD.encode(mac.finalize().into_bytes()))
}

fn percent(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    percent_encode(text, &mut encoded);
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passport() -> TokenPassport {
        TokenPassport {
            version: "2017_2".into(),
            account: "1234567_SB1".into(),
            consumer_key: "key".into(),
            consumer_secret: "consumer secret".into(),
            token: "token".into(),
            token_secret: "token&secret".into(),
        }
    }

    #[test]
    fn a_passport_is_signed_as_its_documentation_says() {
        // printf '1234567_SB1&key&token&abc&1700000000' |
        //   openssl dgst -sha256 -hmac 'consumer%20secret&token%26secret' -binary | base64
        let signature = signature(&passport(), "abc", 1_700_000_000).unwrap();
        assert_eq!(signature, "h5DiRsfxSa4hwPiTWaoS/NuZybUJ+qcvubf9u/LfbZg=");
    }

    #[test]
    fn a_passport_never_repeats_its_nonce_and_hides_its_secrets() {
        let texts = [token_passport(&passport()).unwrap(), token_passport(&passport()).unwrap()];
        assert_ne!(texts[0], texts[1]);
        assert!(texts[0].starts_with(
            "<m:tokenPassport xmlns:m=\"urn:messages_2017_2.platform.webservices.netsuite.com\""
        ));
        assert!(!texts[0].contains("secret"), "{}", texts[0]);
    }
}
