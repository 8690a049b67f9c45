//! Texts and nulls.

use super::{Done, Nulled, Owner, Writer, failure};
use crate::error::ErrorCode;
use crate::graph::Wrapper;

impl<'a> Writer<'a> {
    pub(super) fn string(&mut self, text: &str) {
        failure::push_json(&mut self.out, text);
    }

    /// Null where it may be, an error where it may not.
    pub(super) fn null(&mut self, wrappers: &[Wrapper], owner: Owner<'a>) -> Done {
        if wrappers.first().is_some_and(|wrapper| wrapper.non_null) {
            let message = format!("`{}` may not be null, and there is no value", owner.coordinate);
            self.error(owner, ErrorCode::NullForNonNull, message, None);
            return Err(Nulled);
        }
        self.out.extend_from_slice(b"null");
        Ok(())
    }
}
