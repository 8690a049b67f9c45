//! Pages of a load, told as they come, before the load has landed.
//!
//! Takes: each page of a chunk, mapped by itself.
//! Gives: the same, in the order in which they came, to the one operation that asked to be told.
//! Never: is told by a flight that another operation began, or keeps a page that was taken.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::value::{Answer, Key};

/// What was told and not yet taken.
#[derive(Debug, Default)]
pub struct Early {
    pages: Mutex<Vec<EarlyPage>>,
    news: Notify,
}

/// What one page gave each key of a chunk.
#[derive(Debug)]
pub struct EarlyPage {
    /// Whose load it is, as its owner numbers them.
    pub load: u32,
    pub keys: Vec<Key>,
    pub answers: Vec<Arc<Answer>>,
}

/// Whom a load tells of its pages.
#[derive(Clone, Debug)]
pub struct Told {
    pub early: Arc<Early>,
    pub load: u32,
}

impl Told {
    pub(super) fn tell(&self, keys: &[Key], answers: Vec<Answer>) {
        let answers = answers.into_iter().map(Arc::new).collect();
        let page = EarlyPage { load: self.load, keys: keys.to_vec(), answers };
        self.early.pages.lock().unwrap_or_else(PoisonError::into_inner).push(page);
        self.early.news.notify_one();
    }
}

impl Early {
    /// Waits until something was told since this was last waited for.
    pub(crate) async fn news(&self) {
        self.news.notified().await;
    }

    pub(crate) fn take(&self) -> Vec<EarlyPage> {
        std::mem::take(&mut *self.pages.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
