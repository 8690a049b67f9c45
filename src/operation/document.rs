//! From a guarded document's text to a valid document and the operation in it that is asked for.
//!
//! Takes: the schema, a document that the guard has let through, the operation's name if the request gives one.
//! Gives: the valid document and the operation, or errors with their places in the text.
//! Never: returns more errors than a person reads, or a message that is longer than one.

use apollo_compiler::diagnostic::ToCliReport;
use apollo_compiler::executable::Operation;
use apollo_compiler::validation::{DiagnosticList, Valid};
use apollo_compiler::{ExecutableDocument, Node, Schema, ast};

use super::position::Lines;
use crate::error::{ErrorCode, RequestError};

/// Errors of one document that are told; the first by place.
pub(super) const ERRORS_MAX: usize = 20;
/// Characters of a message: names and values in it are the client's, of any length.
const MESSAGE_MAX: usize = 500;
/// Brackets inside each other that the parser follows; the guard's limit is the one that counts.
const PARSER_RECURSION_MAX: usize = 256;

/// Parses and validates.
pub(super) fn parse(
    schema: &Valid<Schema>,
    text: &str,
    lines: &Lines<'_>,
) -> Result<Valid<ExecutableDocument>, Vec<RequestError>> {
    let document = ast::Document::parser()
        .recursion_limit(PARSER_RECURSION_MAX)
        .parse_ast(text, "operation.graphql")
        .map_err(|failed| errors(&failed.errors, lines, ErrorCode::GraphqlParseFailed))?;
    refuse_subscriptions(&document, lines)?;
    document
        .to_executable_validate(schema)
        .map_err(|failed| errors(&failed.errors, lines, ErrorCode::GraphqlValidationFailed))
}

fn refuse_subscriptions(
    document: &ast::Document,
    lines: &Lines<'_>,
) -> Result<(), Vec<RequestError>> {
    let subscriptions = document
        .definitions
        .iter()
        .filter_map(|definition| definition.as_operation_definition())
        .filter(|operation| operation.operation_type.is_subscription());
    let errors: Vec<_> = subscriptions
        .take(ERRORS_MAX)
        .map(|operation| {
            let message = "Subscriptions are not supported: the schema has no subscription type.";
            located(
                RequestError::new(ErrorCode::GraphqlValidationFailed, message),
                operation.location(),
                lines,
            )
        })
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn errors(diagnostics: &DiagnosticList, lines: &Lines<'_>, code: ErrorCode) -> Vec<RequestError> {
    diagnostics
        .iter()
        .take(ERRORS_MAX)
        .map(|diagnostic| {
            let message = diagnostic
                .error
                .unstable_compat_message()
                .unwrap_or_else(|| diagnostic.error.to_string());
            located(RequestError::new(code, shortened(message)), diagnostic.error.location(), lines)
        })
        .collect()
}

/// Puts the place of a node on an error.
pub(super) fn located(
    error: RequestError,
    span: Option<apollo_compiler::parser::SourceSpan>,
    lines: &Lines<'_>,
) -> RequestError {
    match span {
        Some(span) => error.at(lines.location(span.offset())),
        None => error,
    }
}

/// A message no longer than a person reads.
pub(super) fn shortened(mut message: String) -> String {
    if let Some((at, _)) = message.char_indices().nth(MESSAGE_MAX) {
        message.truncate(at);
        message.push('…');
    }
    message
}

/// Selects the operation (specification, section 6.1, `GetOperation`).
pub(super) fn select<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Result<&'a Node<Operation>, RequestError> {
    let operations = &document.operations;
    document.operations.get(name).map_err(|_| {
        let message = match name {
            Some(name) => format!("Unknown operation named \"{name}\"."),
            None if operations.is_empty() => "The document holds no operation.".to_owned(),
            None => "Must provide operation name if query contains multiple operations.".to_owned(),
        };
        RequestError::new(ErrorCode::OperationResolutionFailure, shortened(message))
    })
}
