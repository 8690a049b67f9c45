//! Opaque ids: type, role and remote key as one word that says nothing to clients.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// What an opaque id holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteKey {
    pub ty: String,
    pub role: String,
    pub key: String,
}

/// The id that clients see: type, role and remote key, as one opaque word.
pub fn opaque_id(ty: &str, role: &str, key: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{ty}:{role}:{key}"))
}

/// Appends the opaque id of `readable`, which is `type:role:key`.
pub fn write_opaque_id(readable: &str, out: &mut String) {
    let mut short = [0; 128];
    let id = URL_SAFE_NO_PAD.encode_slice(readable, &mut short).ok();
    let id = id.and_then(|length| std::str::from_utf8(short.get(..length)?).ok());
    match id {
        Some(id) => out.push_str(id),
        None => URL_SAFE_NO_PAD.encode_string(readable, out),
    }
}

/// What an opaque id names, if it is one.
pub fn remote_key(id: &str) -> Option<RemoteKey> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(id).ok()?).ok()?;
    let mut parts = text.splitn(3, ':').map(str::to_owned);
    let (ty, role, key) = (parts.next()?, parts.next()?, parts.next()?);
    if key.is_empty() { None } else { Some(RemoteKey { ty, role, key }) }
}

/// What `read` makes of the remote key of an opaque id, if it is one.
pub fn with_remote_key<T>(id: &str, read: impl FnOnce(&str) -> T) -> Option<T> {
    let mut short = [0; 192];
    let Ok(length) = URL_SAFE_NO_PAD.decode_slice(id, &mut short) else {
        // no base64, or long
        return remote_key(id).map(|remote| read(&remote.key));
    };
    let text = std::str::from_utf8(short.get(..length)?).ok()?;
    text.splitn(3, ':').nth(2).filter(|key| !key.is_empty()).map(read)
}
