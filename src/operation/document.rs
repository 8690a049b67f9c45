//! From a guarded document's text to a valid document and the operation in it that is asked for.
//!
//! Takes: the schema, a document that the guard has let through, the operation's name if the request gives one.
//! Gives: the valid document and the operation, or errors with their places in the text.
//! Never: returns more errors than a person reads, or a message that is longer than one.

use apollo_compiler::diagnostic::{Diagnostic, ToCliReport};
use apollo_compiler::executable::Operation;
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::{DiagnosticData, DiagnosticList, Valid};
use apollo_compiler::{ExecutableDocument, Node, Schema, ast};

use super::position::Lines;
use super::syntax;
use crate::error::{ErrorCode, RequestError};
use crate::nearest::nearest;

/// Errors of one document that are told; the first by place.
pub(super) const ERRORS_MAX: usize = 20;
/// Characters of a message: names and values in it are the client's, of any length.
const MESSAGE_MAX: usize = 500;
/// Begins what was not asked for, in our messages and apollo-compiler's.
pub(super) const SUGGESTION: &str = " Did you mean \"";
/// Bytes of an unknown name for which a near one is looked for.
const NAME_MAX: usize = 64;
/// Brackets inside each other that the parser follows; the guard's limit is the one that counts.
const PARSER_RECURSION_MAX: usize = 256;

/// Parses and validates.
pub(super) fn parse(
    schema: &Valid<Schema>,
    text: &str,
    lines: &Lines<'_>,
) -> Result<Valid<ExecutableDocument>, Vec<RequestError>> {
    let parsed = syntax::read(text).map_err(|mistake| {
        let error = RequestError::new(ErrorCode::GraphqlParseFailed, shortened(mistake.message));
        vec![error.at(lines.location(mistake.at))]
    })?;
    let document = ast::Document::parser()
        .recursion_limit(PARSER_RECURSION_MAX)
        .parse_ast(parsed, "operation.graphql")
        .map_err(|failed| errors(schema, &failed.errors, lines, ErrorCode::GraphqlParseFailed))?;
    refuse_subscriptions(&document, lines)?;
    let valid = document.to_executable_validate(schema).or_else(|failed| {
        if failed.errors.iter().all(|diagnostic| is_ours(schema, &diagnostic)) {
            return Ok(Valid::assume_valid(failed.partial));
        }
        Err(errors(schema, &failed.errors, lines, ErrorCode::GraphqlValidationFailed))
    })?;
    if text.contains('@') {
        super::rules::check(&valid, lines)?;
    }
    Ok(valid)
}

/// Is this about a value of a custom scalar? What such a scalar takes `literal` decides, for every value of the document;
/// apollo-compiler takes the items of a list in its place for values of that place.
fn is_ours(schema: &Schema, diagnostic: &Diagnostic<'_, DiagnosticData>) -> bool {
    if diagnostic.error.unstable_error_name() != Some("UnsupportedValueType") {
        return false;
    }
    let message = diagnostic.error.unstable_compat_message().unwrap_or_default();
    let name = message.split(' ').next().unwrap_or_default();
    matches!(schema.types.get(name), Some(ExtendedType::Scalar(scalar)) if !scalar.is_built_in())
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

fn errors(
    schema: &Schema,
    diagnostics: &DiagnosticList,
    lines: &Lines<'_>,
    code: ErrorCode,
) -> Vec<RequestError> {
    let is = |diagnostic: &Diagnostic<'_, DiagnosticData>, name: &str| {
        diagnostic.error.unstable_error_name() == Some(name)
    };
    let mut unknown: Vec<usize> = diagnostics
        .iter()
        .filter(|diagnostic| is(diagnostic, "UndefinedField"))
        .filter_map(|diagnostic| Some(diagnostic.error.location()?.offset()))
        .collect();
    unknown.sort_unstable();
    // a selection set that lost all its fields because they are unknown is not missing
    let is_told_by_another = |diagnostic: &Diagnostic<'_, DiagnosticData>| {
        let place = diagnostic.error.location().filter(|_| is(diagnostic, "MissingSubselection"));
        place.is_some_and(|place| {
            let first = unknown.partition_point(|offset| *offset <= place.offset());
            unknown.get(first).is_some_and(|offset| *offset < place.end_offset())
        })
    };
    // thousands may be wrong, and a message may hold a value of any length: only those that are told are written
    let told = diagnostics
        .iter()
        .filter(|diagnostic| !is_ours(schema, diagnostic) && !is_told_by_another(diagnostic));
    let mut errors: Vec<RequestError> = told
        .take(ERRORS_MAX)
        .map(|diagnostic| {
            let error = diagnostic.error;
            let message = error.unstable_compat_message().unwrap_or_else(|| error.to_string());
            let message = in_signs(&message).unwrap_or(message);
            let nearest = nearest_field(schema, &message);
            located(RequestError::new(code, shortened(message + &nearest)), error.location(), lines)
        })
        .collect();
    // where several brackets are open at the end, each is missed
    errors.dedup_by(|one, other| one.message == other.message && one.locations == other.locations);
    errors
}

/// `syntax error: expected R_CURLY, got EOF` by the signs that people write.
fn in_signs(message: &str) -> Option<String> {
    const SIGNS: [(&str, char); 8] = [
        ("R_CURLY", '}'),
        ("L_CURLY", '{'),
        ("R_PAREN", ')'),
        ("L_PAREN", '('),
        ("R_BRACK", ']'),
        ("L_BRACK", '['),
        ("COLON", ':'),
        ("EQ", '='),
    ];
    let (expected, got) = message.strip_prefix("syntax error: expected ")?.split_once(", got ")?;
    let (_, sign) = SIGNS.into_iter().find(|(name, _)| *name == expected)?;
    let got = if got == "EOF" { "the end of the document" } else { got };
    Some(format!("syntax error: expected `{sign}`, got {got}"))
}

/// The field and the type of `Cannot query field "x" on type "Y".`
fn unknown_field(message: &str) -> Option<(&str, &str)> {
    let rest = message.strip_prefix("Cannot query field \"")?;
    rest.strip_suffix("\".")?.split_once("\" on type \"")
}

/// ` Did you mean "…"?` for an unknown field whose name is near one of its type.
fn nearest_field(schema: &Schema, message: &str) -> String {
    let nearest = unknown_field(message).and_then(|(field, ty)| {
        // long names are not misspelled, and comparing them would cost
        let fields = match schema.types.get(ty).filter(|_| field.len() <= NAME_MAX)? {
            ExtendedType::Object(ty) => &ty.fields,
            ExtendedType::Interface(ty) => &ty.fields,
            _ => return None,
        };
        nearest(field, fields.keys().map(apollo_compiler::Name::as_str))
    });
    nearest.map(|name| format!("{SUGGESTION}{name}\"?")).unwrap_or_default()
}

/// Puts the place of a node on an error.
pub(super) fn located(
    error: RequestError,
    span: Option<SourceSpan>,
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
