//! What was not read: an answer that hangs on it is no answer.
