//! The engine as async-graphql knows one: for its WebSocket, and for those who mount it in their own server.

use std::sync::Arc;

use async_graphql::{
    self as stock, BatchRequest, BatchResponse, Data, Executor, Request, Response, ServerError,
    Value as StockValue,
};
use futures_util::future::FutureExt;
use futures_util::stream::{BoxStream, StreamExt};
use serde_json::{Map, Value};

use crate::engine::Engine;
use crate::error::ErrorCode;
use crate::principal::Principal;

/// A handle that async-graphql's transports can hold.
///
/// The caller is taken from the request's data (`Principal`), then from the connection's; without one it is anonymous.
/// Its text is never given to async-graphql's own parser.
#[derive(Clone, Debug)]
pub struct EngineExecutor(pub Arc<Engine>);

impl Executor for EngineExecutor {
    fn execute(&self, request: Request) -> impl Future<Output = Response> + Send {
        let engine = Arc::clone(&self.0);
        async move { answer(&engine, request, None).await }
    }

    /// Batches would pass the limits of one operation, many times.
    async fn execute_batch(&self, batch: BatchRequest) -> BatchResponse {
        BatchResponse::Single(match batch {
            BatchRequest::Single(request) => self.execute(request).await,
            BatchRequest::Batch(_) => refusal("batches are not served here", ErrorCode::BadRequest),
        })
    }

    fn execute_stream(
        &self,
        request: Request,
        session_data: Option<Arc<Data>>,
    ) -> BoxStream<'static, Response> {
        let engine = Arc::clone(&self.0);
        async move { answer(&engine, request, session_data).await }.into_stream().boxed()
    }
}

async fn answer(engine: &Arc<Engine>, request: Request, session: Option<Arc<Data>>) -> Response {
    let principal = principal_of(&request.data)
        .or_else(|| session.as_deref().and_then(principal_of))
        .unwrap_or_else(Principal::anonymous);
    let request = crate::engine::Request {
        query: request.query,
        operation_name: request.operation_name,
        variables: members(&request.variables),
        extensions: members(&request.extensions),
        ..crate::engine::Request::default()
    };
    let response = engine.execute(request, &principal).await;
    if let Ok(Value::Object(answer)) = serde_json::from_slice(&response.body) {
        return to_response(answer);
    }
    tracing::error!("the engine's own answer is not a GraphQL response");
    refusal("internal error", ErrorCode::Internal)
}

fn principal_of(data: &Data) -> Option<Principal> {
    data.get(&std::any::TypeId::of::<Principal>())?.downcast_ref::<Principal>().cloned()
}

/// The members of what a client sent. By way of its text: numbers of any length reach async-graphql's tree in a form of
/// `serde_json`'s own, which only `serde_json` reads back.
fn members(sent: &impl serde::Serialize) -> Map<String, Value> {
    let text = serde_json::to_string(sent).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

fn to_response(mut answer: Map<String, Value>) -> stock::Response {
    let mut response = stock::Response::default();
    if let Some(data) = answer.remove("data") {
        response.data = to_stock(data);
    }
    if let Some(Value::Array(errors)) = answer.remove("errors") {
        response.errors = errors.iter().map(to_error).collect();
    }
    if let Some(Value::Object(extensions)) = answer.remove("extensions") {
        response.extensions =
            extensions.into_iter().map(|(name, value)| (name, to_stock(value))).collect();
    }
    response
}

fn to_error(error: &Value) -> ServerError {
    let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
    let list = |name: &str| {
        error.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    };
    let number = |place: &Value, name: &str| {
        place
            .get(name)
            .and_then(Value::as_u64)
            .and_then(|number| usize::try_from(number).ok())
            .unwrap_or_default()
    };
    let mut server_error = ServerError::new(text("message"), None);
    server_error.locations = list("locations")
        .iter()
        .map(|place| stock::Pos { line: number(place, "line"), column: number(place, "column") })
        .collect();
    server_error.path = list("path").iter().filter_map(to_segment).collect();
    if let Some(Value::Object(extensions)) = error.get("extensions") {
        let values = server_error.extensions.get_or_insert_default();
        for (name, value) in extensions {
            values.set(name, to_stock(value.clone()));
        }
    }
    server_error
}

fn to_segment(segment: &Value) -> Option<stock::PathSegment> {
    match segment {
        Value::String(field) => Some(stock::PathSegment::Field(field.clone())),
        index => usize::try_from(index.as_u64()?).ok().map(stock::PathSegment::Index),
    }
}

fn to_stock(value: Value) -> StockValue {
    match value {
        Value::Null => StockValue::Null,
        Value::Bool(boolean) => StockValue::Boolean(boolean),
        Value::Number(number) => StockValue::Number(number),
        Value::String(text) => StockValue::String(text),
        Value::Array(items) => StockValue::List(items.into_iter().map(to_stock).collect()),
        Value::Object(members) => StockValue::Object(
            members
                .into_iter()
                .map(|(name, value)| (stock::Name::new(name), to_stock(value)))
                .collect(),
        ),
    }
}

fn refusal(message: &str, code: ErrorCode) -> stock::Response {
    let mut error = ServerError::new(message, None);
    error.extensions.get_or_insert_default().set("code", code.as_str());
    stock::Response::from_errors(vec![error])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_length_pass_both_ways_exactly() {
        let request: stock::Request = serde_json::from_str(
            r#"{"query":"{ a }","variables":{"a":[12345678901234567890.10],"b":7}}"#,
        )
        .unwrap();
        let variables = members(&request.variables);
        assert_eq!(Value::from(variables).to_string(), r#"{"a":[12345678901234567890.10],"b":7}"#);
        let Ok(Value::Object(answer)) =
            serde_json::from_str(r#"{"data":{"total":0.1000000000000000000001}}"#)
        else {
            panic!("not an object")
        };
        let response = serde_json::to_string(&to_response(answer)).unwrap();
        assert_eq!(response, r#"{"data":{"total":0.1000000000000000000001}}"#);
    }

    #[test]
    fn an_error_keeps_its_path_places_and_extensions() {
        let error = serde_json::json!({
            "message": "no", "locations": [{ "line": 2, "column": 3 }], "path": ["a", 0, "b"],
            "extensions": { "code": "BACKEND_TIMEOUT" }
        });
        assert_eq!(serde_json::to_value(to_error(&error)).unwrap(), error);
    }
}
