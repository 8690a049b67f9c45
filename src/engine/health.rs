//! Whether data flows from a backend: one call of its own, past the cache, with an answer that must hold a record.

use tokio::time::Instant;

use super::Engine;
use crate::error::{BackendError, ErrorCode};
use crate::graph::{Backend, HealthCheck};
use crate::principal::Principal;
use crate::template::Inputs;
use crate::value::Key;

impl Engine {
    /// Asks a backend for the record that its check names.
    pub async fn check(&self, backend: &Backend, check: &HealthCheck) -> Result<(), ErrorCode> {
        let checked = self.call_for_health(check).await;
        checked.map_err(|error| {
            tracing::debug!(backend = %backend.role, code = error.code().as_str(), "a health check failed");
            error.code()
        })
    }

    async fn call_for_health(&self, check: &HealthCheck) -> Result<(), BackendError> {
        let call = self.graph.call(check.call);
        let keys: Vec<Key> = check.key.iter().map(|key| Key::new(key)).collect();
        let size = call.pages.as_ref().and_then(|pages| pages.size.as_ref());
        let inputs = Inputs {
            keys: &keys,
            arguments: &serde_json::Map::new(),
            fields: &[],
            page: None,
            page_size: size.map(|size| size.asked(Some(1))),
            principal: &Principal::anonymous(),
            known: None,
        };
        let deadline = Instant::now() + check.timeout;
        let page = self.loader.backends.call(call, inputs, deadline).await?;
        if page.payload.count_at(call.records.as_ref()) == 0 {
            return Err(BackendError::Decode { reason: "it holds no record".to_owned() });
        }
        Ok(())
    }
}
