//! The report.
use crate::command::watch::Watched;
pub(crate) fn report(_w: &Watched) -> String {
    String::new()
}
