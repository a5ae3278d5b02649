//! Colors of severities and stages.

use anstyle::{AnsiColor, Style};
use bartizan_model::{Severity, Stage};

pub(super) fn painted(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

pub(super) fn severity_style(severity: Severity) -> Style {
    match severity {
        Severity::Critical => AnsiColor::Red.on_default().bold(),
        Severity::High => AnsiColor::Red.on_default(),
        Severity::Medium => AnsiColor::Yellow.on_default(),
        Severity::Low | Severity::Info => Style::new(),
    }
}

pub(super) fn stage_style(stage: Stage) -> Style {
    match stage {
        Stage::Gain => AnsiColor::Yellow.on_default(),
        Stage::Maintain => AnsiColor::Magenta.on_default(),
        Stage::Steal => AnsiColor::Red.on_default(),
        Stage::Blind => AnsiColor::Cyan.on_default(),
        Stage::Hygiene => Style::new(),
    }
}
