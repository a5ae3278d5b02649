//! How often things are to be rebuilt.

use bartizan_model::limits::INSTANCE_AGE_DAYS;

/// Target ages of AGE-01, in days; a class without one is not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RebuildTargets {
    pub instance_days: i64,
    /// Own machine images.
    pub image_days: Option<i64>,
    /// Default versions of launch templates.
    pub template_days: Option<i64>,
    /// Code of functions, from a package or a container image.
    pub function_days: Option<i64>,
    /// Whether a machine also fails as soon as its image has a successor.
    pub successors: bool,
}

impl Default for RebuildTargets {
    /// Instances, 90 days.
    fn default() -> Self {
        Self {
            instance_days: INSTANCE_AGE_DAYS,
            image_days: None,
            template_days: None,
            function_days: None,
            successors: false,
        }
    }
}

/// The name of an image without its version or date at the end: `web` of `web-2026-05-01T10-00` and
/// of `web-v12`. Images of one family replace one another.
pub(crate) fn image_family(name: &str) -> &str {
    const SEPARATORS: [char; 5] = ['-', '_', '.', ' ', ':'];
    let mut family = name;
    while let Some(at) = family.rfind(SEPARATORS) {
        let last = family[at + 1..].trim_start_matches(['v', 'V']);
        let is_date = |c: char| c.is_ascii_digit() || matches!(c, 'T' | 'Z');
        if !last.chars().all(is_date) {
            break;
        }
        family = &family[..at];
    }
    family
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_dates_are_no_part_of_a_family() {
        for name in [
            "web-2026-05-01T10-00",
            "web-v12",
            "web_20260501",
            "web",
            "web-1.4.2",
        ] {
            assert_eq!(image_family(name), "web", "{name}");
        }
        assert_eq!(image_family("app1-2026-01"), "app1");
        assert_ne!(image_family("app1-2026-01"), image_family("app2-2026-03"));
        assert_eq!(image_family("2026"), "2026");
    }
}
