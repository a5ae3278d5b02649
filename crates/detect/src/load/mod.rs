//! Loads rule files. A file that cannot be used is reported with the reason; the others still run.

mod check;
mod compiled;
mod correlate;
mod head;
mod loader;
mod rules;
mod single;

use rsigma_parser::{SigmaCollection, parse_sigma_yaml};
use sha2::{Digest, Sha256};

use check::sane;
use loader::Loader;

pub use rules::{RuleFile, RuleProblem, Rules};

impl Rules {
    /// Loads all files. Ids are resolved across files, so that a correlation may refer to a rule in
    /// another file.
    pub fn load(files: &[RuleFile]) -> Self {
        let mut loader = Loader::default();
        for (file, parsed) in files.iter().zip(parse_all(files)) {
            loader.file(file, parsed);
        }
        let mut rules = loader.finish();
        let mut hash = Sha256::new();
        for file in files {
            hash.update((file.text.len() as u64).to_le_bytes());
            hash.update(&file.text);
        }
        rules.text_hash = hash.finalize().into();
        rules
    }
}

/// Parses the YAML of all files on all available threads, because in a short run this takes longer
/// than everything else.
fn parse_all(files: &[RuleFile]) -> Vec<Result<SigmaCollection, String>> {
    let parse = |file: &RuleFile| {
        sane(&file.text)?;
        parse_sigma_yaml(&file.text).map_err(|e| e.to_string())
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = files.len().div_ceil(threads).max(FILES_A_THREAD_MIN);
    let Some((first, others)) = files
        .split_at_checked(share)
        .filter(|(_, others)| !others.is_empty())
    else {
        return files.iter().map(parse).collect();
    };
    std::thread::scope(|scope| {
        let start = |part: &'_ [RuleFile]| part.iter().map(parse).collect::<Vec<_>>();
        let running: Vec<_> = others
            .chunks(share)
            .map(|part| scope.spawn(move || start(part)))
            .collect();
        let mut parsed = start(first);
        for one in running {
            parsed.extend(
                one.join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            );
        }
        parsed
    })
}

/// Minimum number of files per thread; for fewer, starting a thread takes longer than parsing.
const FILES_A_THREAD_MIN: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use bartizan_model::Severity;

    fn load(text: &str) -> Rules {
        Rules::load(&[RuleFile {
            name: "test.yml".to_owned(),
            text: text.to_owned(),
            builtin: false,
        }])
    }

    const RULE: &str = "title: A bucket was deleted
id: 11111111-2222-4333-8444-555555555555
logsource: {product: aws, service: cloudtrail}
detection:
    call: {eventSource: s3.amazonaws.com, eventName: DeleteBucket}
    condition: call
level: high
";

    #[test]
    fn a_rule_is_read_with_its_detection() {
        let rules = load(RULE);
        assert_eq!(rules.problems.len(), 0, "{:?}", rules.problems[0].text);
        assert_eq!(rules.rules[0].title, "A bucket was deleted");
        assert_eq!(rules.rules[0].severity, Severity::High);
        assert_eq!(rules.detections.len(), 1);
    }

    #[test]
    fn a_file_that_is_no_rule_is_a_problem_and_costs_no_other_file() {
        let rules = load("title: [");
        assert_eq!((rules.rules.len(), rules.problems.len()), (0, 1));
        assert_eq!(rules.problems[0].file, "test.yml");
    }
}
