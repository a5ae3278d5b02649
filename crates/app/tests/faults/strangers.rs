//! Grants to somebody from outside, and the conditions that are said to keep him out.
