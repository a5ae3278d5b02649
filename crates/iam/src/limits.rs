//! Bounds of the crate on what hostile input can cost.

/// Roots, units and the account: AWS allows five units between.
pub(crate) const LEVELS_MAX: usize = 16;

/// Classes of resources that one question looks at.
pub(crate) const CLASSES_MAX: usize = 64;

/// Patterns that tell resources apart, in one question.
pub(crate) const PATTERNS_MAX: usize = 48;

/// Examples that are tried for one pattern.
pub(crate) const EXAMPLES_MAX: usize = 8;

/// Parts of a set that one question is asked of.
pub(crate) const PARTS_MAX: usize = 8_192;

/// Terms of resources and conditions that the layers of a principal come to, for one action.
pub(crate) const TERMS_MAX: usize = 1_024;
