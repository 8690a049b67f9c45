//! What stands before a value in the answer.
//!
//! Takes: a response key.
//! Gives: `,"key":`, in a form that is fast to write.
//! Never: escapes anything: GraphQL names need none.

/// Most prefixes fit: of these a fixed number of bytes is written, which is faster than a call that counts.
const SHORT: usize = 24;

/// `,"key":`, ready to copy. An object's first member has the comma too: it is written over by the brace.
#[derive(Clone, Debug)]
pub struct Prefix {
    short: [u8; SHORT],
    length: u8,
    long: Box<[u8]>,
}

impl Prefix {
    pub fn new(response_key: &str) -> Self {
        let text = format!(",\"{response_key}\":");
        let mut short = [0; SHORT];
        match (short.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(text.as_bytes());
                Self { short, length, long: Box::default() }
            }
            _ => Self { short, length: 0, long: text.into_bytes().into_boxed_slice() },
        }
    }

    #[inline]
    pub fn write(&self, out: &mut Vec<u8>) {
        let end = out.len() + usize::from(self.length);
        out.extend_from_slice(&self.short);
        out.truncate(end);
        if !self.long.is_empty() {
            out.extend_from_slice(&self.long);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Prefix;

    #[test]
    fn a_prefix_of_any_length_is_written_whole_and_alone() {
        for length in 1..80 {
            let key = "k".repeat(length);
            let mut out = b"{".to_vec();
            Prefix::new(&key).write(&mut out);
            assert_eq!(String::from_utf8(out).as_deref(), Ok(format!("{{,\"{key}\":").as_str()));
        }
    }
}
