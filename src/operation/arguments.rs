//! A field's arguments with the variables put in (specification, section 6.4.1).

use serde_json::{Map, Value};

use super::{ArgumentValue, SelectedField, Variables};
use crate::error::{ErrorCode, RequestError};

/// A null where none may be.
pub(super) struct NullRefused;

pub(super) fn fill(
    field: &SelectedField,
    variables: &Variables,
) -> Result<Map<String, Value>, RequestError> {
    let mut filled = Map::new();
    for argument in &field.arguments {
        let value = value(&argument.value, variables).map_err(|NullRefused| {
            let message = format!(
                "Argument \"{}\" of \"{}\": expected a value, found null.",
                argument.name, field.response_key
            );
            RequestError::new(ErrorCode::BadUserInput, message).at(field.location)
        })?;
        if let Some(value) = value {
            filled.insert(argument.name.to_string(), value);
        }
    }
    Ok(filled)
}

/// `None`: not given, and no default.
pub(super) fn value(
    value: &ArgumentValue,
    variables: &Variables,
) -> Result<Option<Value>, NullRefused> {
    match value {
        ArgumentValue::Constant(constant) => Ok(Some(constant.clone())),
        ArgumentValue::Variable { id, default, refuses_null } => {
            let given = variables.0.get(usize::from(id.0)).and_then(Option::as_ref);
            match given.or(default.as_ref()) {
                None | Some(Value::Null) if *refuses_null => Err(NullRefused),
                value => Ok(value.cloned()),
            }
        }
        ArgumentValue::List(items) => {
            let items =
                items.iter().map(|item| Ok(self::value(item, variables)?.unwrap_or_default()));
            Ok(Some(Value::Array(items.collect::<Result<_, _>>()?)))
        }
        ArgumentValue::Object(entries) => {
            let mut object = Map::new();
            for (name, value) in entries {
                if let Some(value) = self::value(value, variables)? {
                    object.insert(name.to_string(), value);
                }
            }
            Ok(Some(Value::Object(object)))
        }
    }
}
