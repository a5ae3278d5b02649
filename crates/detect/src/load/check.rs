//! Checks of rule files before they are compiled.

use rsigma_parser::{LogSource, SigmaRule};

use bartizan_model::limits::{
    NESTING_MAX, PATTERN_BYTES_MAX, RULE_FILE_BYTES_MAX, YAML_ALIASES_MAX,
};

/// Rejects text that is not a rule file before parsing the YAML: aliases can expand a small file
/// without bound.
pub(super) fn sane(text: &str) -> Result<(), String> {
    if text.len() > RULE_FILE_BYTES_MAX {
        return Err(format!("larger than {} KiB", RULE_FILE_BYTES_MAX >> 10));
    }
    let mut deepest = 0usize;
    let mut depth = 0usize;
    let mut aliases = 0;
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        deepest = deepest.max(
            indent / 2
                + line
                    .trim_start()
                    .bytes()
                    .take_while(|b| *b == b'-' || *b == b' ')
                    .filter(|b| *b == b'-')
                    .count(),
        );
        for (n, b) in line.bytes().enumerate() {
            match b {
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth = depth.saturating_sub(1),
                b'*' if starts_name(line, n) => aliases += 1,
                _ => {}
            }
            deepest = deepest.max(depth);
        }
    }
    if aliases > YAML_ALIASES_MAX {
        return Err(format!(
            "{aliases} YAML aliases: no rule needs more than {YAML_ALIASES_MAX}"
        ));
    }
    if deepest > NESTING_MAX * 2 {
        return Err(format!("nested deeper than {NESTING_MAX}"));
    }
    Ok(())
}

/// Whether the `*` at `at` is a YAML alias: at the start of a value, with a name after it.
fn starts_name(line: &str, at: usize) -> bool {
    let bytes = line.as_bytes();
    let before = line[..at].trim_end().bytes().last();
    let named = bytes
        .get(at + 1)
        .is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    named && matches!(before, None | Some(b':' | b'-' | b'[' | b',' | b'{'))
}

/// A rule must be for CloudTrail, or for AWS without a more specific source.
pub(super) fn logsource(source: &LogSource) -> Result<(), String> {
    let is = |value: &Option<String>, wanted: &str| {
        value
            .as_deref()
            .is_none_or(|v| v.eq_ignore_ascii_case(wanted))
    };
    let somehow = source.product.is_some() || source.service.is_some();
    if somehow && is(&source.product, "aws") && is(&source.service, "cloudtrail") {
        return Ok(());
    }
    let text = [&source.product, &source.service, &source.category]
        .map(|v| v.as_deref().unwrap_or("-"))
        .join("/");
    Err(format!(
        "its logsource is {text}, not aws/cloudtrail: it is about other logs"
    ))
}

/// Rejects patterns that would take too much time or memory.
pub(super) fn patterns(rule: &SigmaRule) -> Result<(), String> {
    fn longest(detection: &rsigma_parser::Detection) -> usize {
        use rsigma_parser::{Detection as D, SigmaValue};
        let value = |v: &SigmaValue| match v {
            SigmaValue::String(s) => s.original.len(),
            _ => 0,
        };
        match detection {
            D::AllOf(items) => items
                .iter()
                .flat_map(|i| &i.values)
                .map(value)
                .max()
                .unwrap_or(0),
            D::Keywords(values) => values.iter().map(value).max().unwrap_or(0),
            D::AnyOf(inner) | D::And(inner) => inner.iter().map(longest).max().unwrap_or(0),
            D::ArrayMatch { body, .. } => longest(body),
            D::Conditional { named, .. } => named.values().map(longest).max().unwrap_or(0),
        }
    }
    let longest = rule
        .detection
        .named
        .values()
        .map(longest)
        .max()
        .unwrap_or(0);
    if longest > PATTERN_BYTES_MAX {
        return Err(format!(
            "a pattern of {longest} bytes: at most {PATTERN_BYTES_MAX}"
        ));
    }
    Ok(())
}
