//! How an attempt to send ended.

/// End of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SendOutcome {
    /// The receiver has it.
    Delivered,
    /// The receiver cannot take anything now: the sink waits.
    SinkFailed {
        why: String,
        retry_after_s: Option<u64>,
    },
    /// The receiver does not take this message: others go on.
    Refused { why: String },
}

impl SendOutcome {
    pub(super) fn failed(why: impl Into<String>) -> Self {
        Self::SinkFailed {
            why: why.into(),
            retry_after_s: None,
        }
    }

    pub(super) fn refused(why: impl Into<String>) -> Self {
        Self::Refused { why: why.into() }
    }
}
