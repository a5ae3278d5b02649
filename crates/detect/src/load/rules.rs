//! Rule files, and the compiled rules that they become.

use crate::condition::DetectionItems;
use crate::route::RouteCache;
use crate::rule::{Detection, DetectionSet, Rule};

/// Rule file.
#[derive(Debug, Clone)]
pub struct RuleFile {
    /// File name for messages.
    pub name: String,
    /// YAML text.
    pub text: String,
    /// Shipped with Bartizan.
    pub builtin: bool,
}

/// Error in a rule file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleProblem {
    /// File name.
    pub file: String,
    /// Name of the rule, if known.
    pub rule: Option<String>,
    /// Error and suggested fix.
    pub text: String,
    /// In a rule shipped with Bartizan.
    pub builtin: bool,
}

/// Compiled rules, ready to run.
#[derive(Default)]
pub struct Rules {
    /// Texts and conditions of all rules.
    pub rules: Vec<Rule>,
    /// Compiled detections.
    pub detections: Vec<Detection>,
    /// Items shared by the detections.
    pub items: DetectionItems,
    /// Errors in rule files.
    pub problems: Vec<RuleProblem>,
    /// SHA-256 of the texts of all rule files.
    pub(crate) text_hash: [u8; 32],
    /// Routes decided so far.
    pub(crate) decided: RouteCache,
}

impl Rules {
    /// Detections and items for deciding routes.
    pub(crate) fn set(&self) -> DetectionSet<'_> {
        DetectionSet {
            detections: &self.detections,
            items: &self.items,
        }
    }
}
