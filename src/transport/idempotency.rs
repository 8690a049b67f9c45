//! The name of one write, by which a backend knows that it has come twice.

use crate::error::BackendError;

/// A key that nobody has used: a random UUID (version 4), as vendors ask for.
pub fn key() -> Result<Box<str>, BackendError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| super::refused(format!("no random idempotency key: {error}")))?;
    let number = u128::from_be_bytes(bytes);
    let number = number & !(0xf << 76) | (4 << 76);
    let number = number & !(0b11 << 62) | (0b10 << 62);
    let text = format!("{number:032x}");
    let group = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let groups = [group(0, 8), group(8, 12), group(12, 16), group(16, 20), group(20, 32)];
    Ok(groups.join("-").into())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_key_is_a_random_uuid() {
        let (one, other) = (super::key().unwrap(), super::key().unwrap());
        assert_ne!(one, other);
        let lengths: Vec<usize> = one.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(&one[14..15], "4");
        assert!("89ab".contains(&one[19..20]), "{one}");
    }
}
