//! Requests that open, share, hide or leave something out.
