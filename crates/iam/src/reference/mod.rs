//! Reference evaluator: the rules of AWS written down a second time, slow, short and without any
//! shared judgement.
//!
//! [`crate::Compiled`] must decide every request as [`evaluate`] does; the differential test and
//! the fuzzer compare them. That finds a fault in either only as long as neither borrows from the
//! other. So these files know the parsed policy, the request and the table of actions, which are
//! data, and read operators, values, principals and service rules themselves. Keep it that way: no
//! `use` of the engine, of `service`, `value`, `pattern` or `arn` in this folder (a test checks
//! it).
//!
//! Sources, all of the IAM user guide: "Policy evaluation logic"
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>)
//! and its pages on denying and allowing, single and cross account; "Permissions boundaries"; "AWS
//! JSON policy elements".
//!
//! | file | reads |
//! |---|---|
//! | `truth` | yes, no and not known |
//! | `values` | wildcards, ARNs, variables, numbers, dates, networks |
//! | `operators` | condition operators on keys with one value and with several |
//! | `principals` | callers, and how a principal element names them |
//! | `keys` | condition keys that every request has |
//! | `services` | service rules beside policies |
//! | `decide` | explicit denies, then ceilings, then grants |

mod decide;
mod keys;
mod operators;
mod principals;
mod services;
mod statements;
mod truth;
mod values;

pub use decide::evaluate;
