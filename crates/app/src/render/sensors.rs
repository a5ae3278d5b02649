//! Parts of other systems' findings that were not read, in words.

use bartizan_sensors::{SensorProblemKind, SensorReport};

use super::clean;

/// Problems that are named.
const PROBLEMS_SHOWN: usize = 5;

/// Parts of files of other systems that were not read or not understood.
pub(crate) fn sensor_holes(report: &SensorReport) -> Vec<String> {
    let mut holes: Vec<String> = Vec::new();
    for problem in report.problems.iter().take(PROBLEMS_SHOWN) {
        let why = match problem.kind {
            SensorProblemKind::NotJson => "is not JSON",
            SensorProblemKind::TooLarge => "is too large, the rest was not read",
            SensorProblemKind::NoRow => "has another number of cells than the table has columns",
            SensorProblemKind::UnknownShape => "is no finding of a system that Bartizan knows",
            SensorProblemKind::NoId => "is a finding without an id",
            SensorProblemKind::NoTime => "is a finding without a time that can be read",
            SensorProblemKind::Unread => "cannot be read",
        };
        let line = match problem.line {
            0 => String::new(),
            line => format!(", line {line},"),
        };
        holes.push(format!(
            "other systems: {}{line} {why}",
            clean(&problem.place)
        ));
    }
    let named = report.problems.len().min(PROBLEMS_SHOWN) as u64;
    if report.problem_count > named {
        let more = report.problem_count - named;
        holes.push(format!("other systems: {more} more such parts"));
    }
    if report.left_out_count > 0 {
        let n = report.left_out_count;
        holes.push(format!("other systems: {n} findings beyond the bound"));
    }
    holes
}
