//! Callers, calls and contexts that scan results share, so that a month of results does not hold
//! the same caller a thousand times.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use crate::call::{ActorContext, ApiCall, CallContext};
use bartizan_model::limits::SCAN_CACHE_MAX;
use bartizan_trail::CallerIdentity;

type Known<T> = HashMap<Arc<T>, (), foldhash::quality::RandomState>;

/// What earlier scan results had. Bounded: it starts anew when it is full.
#[derive(Default)]
pub struct ContextPool {
    identities: Known<CallerIdentity>,
    who: Known<ActorContext>,
    calls: Known<ApiCall>,
    contexts: Known<CallContext>,
    texts: HashMap<Arc<str>, (), foldhash::quality::RandomState>,
}

impl ContextPool {
    pub(super) fn identity(&mut self, one: CallerIdentity) -> Arc<CallerIdentity> {
        shared(&mut self.identities, one)
    }

    pub(super) fn who(&mut self, one: ActorContext) -> Arc<ActorContext> {
        shared(&mut self.who, one)
    }

    pub(super) fn call(&mut self, one: ApiCall) -> Arc<ApiCall> {
        shared(&mut self.calls, one)
    }

    pub(super) fn context(&mut self, one: CallContext) -> Arc<CallContext> {
        shared(&mut self.contexts, one)
    }

    pub(super) fn text(&mut self, text: &str) -> Arc<str> {
        if let Some((known, ())) = self.texts.get_key_value(text) {
            return known.clone();
        }
        if self.texts.len() >= SCAN_CACHE_MAX {
            self.texts.clear();
        }
        let text: Arc<str> = text.into();
        self.texts.insert(text.clone(), ());
        text
    }
}

fn shared<T: Hash + Eq>(known: &mut Known<T>, one: T) -> Arc<T> {
    if let Some((known, ())) = known.get_key_value(&one) {
        return known.clone();
    }
    if known.len() >= SCAN_CACHE_MAX {
        known.clear();
    }
    let one = Arc::new(one);
    known.insert(one.clone(), ());
    one
}
