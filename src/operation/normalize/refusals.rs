//! What is told of fields that cannot be merged.

use apollo_compiler::Node as Shared;
use apollo_compiler::executable::Field;

use super::Normalizer;
use crate::error::{ErrorCode, RequestError};
use crate::operation::condition::TERMS_MAX;
use crate::operation::document::shortened;

impl Normalizer<'_> {
    pub(super) fn conflict(&self, first: &Shared<Field>, other: &Shared<Field>) -> RequestError {
        let why = if first.name == other.name {
            "they have differing arguments".to_owned()
        } else {
            format!("\"{}\" and \"{}\" are different fields", first.name, other.name)
        };
        let message = format!(
            "Fields \"{}\" conflict because {why}. Use different aliases on the fields to fetch both if this was \
             intentional.",
            first.response_key()
        );
        self.conflicting(message, first, other)
    }

    pub(super) fn conflicting(
        &self,
        message: String,
        first: &Shared<Field>,
        other: &Shared<Field>,
    ) -> RequestError {
        RequestError::new(ErrorCode::GraphqlValidationFailed, shortened(message))
            .at(self.location(first))
            .at(self.location(other))
    }

    pub(super) fn too_many_circumstances(&self, field: &Shared<Field>) -> RequestError {
        let message = format!(
            "The field \"{}\" stands under more than {TERMS_MAX} different combinations of @skip and @include.",
            field.response_key()
        );
        RequestError::new(ErrorCode::ConditionsLimit, shortened(message)).at(self.location(field))
    }
}
