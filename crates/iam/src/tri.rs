//! Three-valued logic.

/// Verdict: whether something holds, as far as it is known.
///
/// ```
/// use bartizan_iam::Tri;
/// assert_eq!(Tri::Yes.and(Tri::Maybe), Tri::Maybe);
/// assert_eq!(Tri::Yes.or(Tri::Maybe), Tri::Yes);
/// assert_eq!(Tri::Maybe.not(), Tri::Maybe);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tri {
    /// It does not.
    No,
    /// It may: it depends on something that is not known.
    Maybe,
    /// It does.
    Yes,
}

impl Tri {
    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.min(other)
    }

    /// Either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.max(other)
    }

    /// The opposite.
    #[must_use]
    #[expect(
        clippy::should_implement_trait,
        reason = "there is no operator for three values"
    )]
    pub fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Maybe => Self::Maybe,
            Self::Yes => Self::No,
        }
    }
}

impl From<bool> for Tri {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}
