//! Bodies: JSON, and forms.

use std::sync::Arc;

use serde_json::Value;

use super::{Expression, Read, Scope, push_pair, refused, unique};
use crate::error::BackendError;

#[derive(Clone, Debug)]
pub enum BodyTemplate {
    Json(Expression),
    Form(Vec<(Arc<str>, Expression)>),
}

/// A body that is ready to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    pub content_type: &'static str,
    pub bytes: Vec<u8>,
}

impl BodyTemplate {
    pub fn render(&self, scope: &Scope<'_>) -> Result<Body, BackendError> {
        match self {
            Self::Json(expression) => {
                let bytes = serde_json::to_vec(&expression.evaluate(scope)?)
                    .map_err(|_| refused("the body cannot be written as JSON"))?;
                Ok(Body { content_type: "application/json", bytes })
            }
            Self::Form(fields) => {
                let mut text = String::new();
                for (name, expression) in fields {
                    push_field(&mut text, name, &expression.evaluate(scope)?)?;
                }
                Ok(Body {
                    content_type: "application/x-www-form-urlencoded",
                    bytes: text.into_bytes(),
                })
            }
        }
    }

    pub fn reads(&self) -> Vec<Read> {
        match self {
            Self::Json(expression) => expression.reads(),
            Self::Form(fields) => {
                unique(fields.iter().flat_map(|(_, value)| value.reads()).collect())
            }
        }
    }
}

/// A form's field; members of an object and objects in a list are written as `name[member]` and `name[0][member]`.
fn push_field(text: &mut String, name: &str, value: &Value) -> Result<(), BackendError> {
    match value {
        Value::Object(members) => {
            for (member, value) in members {
                push_field(text, &format!("{name}[{member}]"), value)?;
            }
            Ok(())
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (index, item) in items.iter().enumerate() {
                push_field(text, &format!("{name}[{index}]"), item)?;
            }
            Ok(())
        }
        value => push_pair(text, name, value),
    }
}
