//! Engine: the evaluator that programs use. Policies are compiled once, then each request costs a
//! few bit tests.
//!
//! Everything that can be worked out before a request is known is: actions become bits, patterns
//! tokens, operators and values numbers and networks. It decides as [`crate::evaluate`] does, which
//! tests compare.
//!
//! | file | |
//! |---|---|
//! | `compile` | from a parsed policy to a compiled one |
//! | `statement` | compiled statements |
//! | `resource` | patterns over ARNs, with variables |
//! | `condition` | compiled conditions |
//! | `evaluation` | a request with what statements ask of it |
//! | `evaluate` | explicit denies, ceilings, grants |
//! | `principal` | how a principal element names the caller |

mod compile;
mod condition;
mod evaluate;
mod evaluation;
mod principal;
mod resource;
mod statement;

pub use compile::Compiler;
pub(crate) use condition::{CompiledCondition, WantedValue};
pub(crate) use evaluation::Evaluation;
pub(crate) use resource::{FilledTemplate, ResourcePattern, filled, widened};
pub use statement::Compiled;
pub(crate) use statement::{CompiledStatement, StatementEffect};
