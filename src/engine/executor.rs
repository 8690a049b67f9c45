//! The engine as async-graphql knows one: for its WebSocket, and for those who mount it in their own server.

use std::sync::Arc;

use async_graphql::{Data, Executor, Request, Response, ServerError};
use futures_util::future::FutureExt;
use futures_util::stream::{BoxStream, StreamExt};

use crate::engine::Engine;
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

    fn execute_stream(
        &self,
        request: Request,
        session_data: Option<Arc<Data>>,
    ) -> BoxStream<'static, Response> {
        let engine = Arc::clone(&self.0);
        async move { answer(&engine, request, session_data).await }.into_stream().boxed()
    }
}

async fn answer(engine: &Engine, request: Request, session: Option<Arc<Data>>) -> Response {
    let principal = principal_of(&request.data)
        .or_else(|| session.as_deref().and_then(principal_of))
        .unwrap_or_else(Principal::anonymous);
    let variables = match serde_json::to_value(&request.variables) {
        Ok(serde_json::Value::Object(variables)) => variables,
        _ => serde_json::Map::new(),
    };
    let request = crate::engine::Request {
        query: request.query,
        operation_name: request.operation_name,
        variables,
        extensions: serde_json::Map::new(),
    };
    let response = engine.execute(request, &principal).await;
    serde_json::from_slice(&response.body).unwrap_or_else(|_| {
        tracing::error!("the engine's own answer is not a GraphQL response");
        Response::from_errors(vec![ServerError::new("internal error", None)])
    })
}

fn principal_of(data: &Data) -> Option<Principal> {
    data.get(&std::any::TypeId::of::<Principal>())?.downcast_ref::<Principal>().cloned()
}
