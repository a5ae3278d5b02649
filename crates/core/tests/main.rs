//! Tests of the core from outside, in one binary.

mod diff;
mod evidence;
