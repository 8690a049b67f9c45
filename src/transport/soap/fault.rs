//! Faults of both versions.

use super::super::answer::{self, Words};
use super::envelope::Envelope;
use crate::error::BackendError;
use crate::graph::Call;

/// A SOAP fault: every code that it could be known by, the most telling first.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) codes: Vec<Box<str>>,
    message: Option<Box<str>>,
}

impl Fault {
    /// What the vendor file declares of any of its codes goes before the first of them.
    pub(super) fn into_error(self, status: u16, call: &Call) -> BackendError {
        let Self { codes, message } = self;
        if let Some(error) = answer::declared(call, status, &codes, message.as_deref()) {
            return error;
        }
        let code = codes.into_iter().next().unwrap_or_else(|| "Fault".into());
        BackendError::Fault { status, code, message }
    }
}

/// The codes in this order: the typed detail's own code (`WS_CONCUR_SESSION_DISALLWD` of `NetSuite`), the typed detail's element
/// (`exceededRequestLimitFault`), the innermost subcode of 1.2, the fault code.
pub(super) fn read(envelope: &Envelope<'_>, fault: usize) -> Fault {
    let mut codes = Vec::new();
    let mut push = |text: &str| {
        let local = text.rsplit(':').next().unwrap_or(text);
        codes.extend(Words::code(local));
    };
    let child = |at: usize, name: &str| envelope.child(at, name);
    let detail = child(fault, "detail").or_else(|| child(fault, "Detail"));
    let typed = detail
        .and_then(|detail| envelope.children(detail).find(|element| is_typed(envelope, *element)));
    if let Some(typed) = typed {
        for name in ["code", "Code", "errorCode", "ErrorCode", "faultCode", "exceptionCode"] {
            if let Some(code) =
                child(typed, name).map(|code| envelope.text(code)).filter(|code| !code.is_empty())
            {
                push(code);
                break;
            }
        }
        push(envelope.name(typed));
    }
    if let Some(code) = child(fault, "Code") {
        let mut inner = Vec::new();
        let mut at = Some(code);
        while let Some(code) = at {
            inner.extend(child(code, "Value").map(|value| envelope.text(value)));
            at = child(code, "Subcode");
        }
        inner.into_iter().rev().for_each(&mut push);
    }
    if let Some(code) = child(fault, "faultcode") {
        push(envelope.text(code));
    }
    let reason = child(fault, "faultstring").or_else(|| child(child(fault, "Reason")?, "Text"));
    Fault { codes, message: reason.and_then(|reason| Words::message(envelope.text(reason))) }
}

/// A detail that says what went wrong, and not only where (host names, stack traces).
fn is_typed(envelope: &Envelope<'_>, element: usize) -> bool {
    let name = envelope.name(element);
    envelope.children(element).next().is_some()
        || ["Fault", "Exception", "Error"].iter().any(|end| name.ends_with(end))
}
