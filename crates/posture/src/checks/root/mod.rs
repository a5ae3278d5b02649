//! Checks of the root user.

pub(crate) mod root_01;
pub(crate) mod root_02;
pub(crate) mod root_03;
pub(crate) mod root_04;

use crate::missing::{GLOBAL, MissingFact};

use crate::reading::FactView;
use crate::view::AccountView;

/// A number of the account summary, e.g. `AccountMFAEnabled`.
fn summary(view: &AccountView<'_>, field: &str) -> Result<i64, MissingFact> {
    const KIND: &str = "iam:accountsummary";
    let value = view.fact(KIND, GLOBAL, "account")?;
    let value = value.and_then(|f| f.json().get(field)?.as_i64());
    value.ok_or_else(|| view.missing(KIND, "account", field))
}

/// The row of the root user in the credential report.
fn report_row<'v, 'a>(view: &'v AccountView<'a>) -> Result<&'v FactView<'a>, MissingFact> {
    const KIND: &str = "iam:credentialreport";
    let row = view.fact(KIND, GLOBAL, "<root_account>")?;
    row.ok_or_else(|| view.missing(KIND, "<root_account>", "its row"))
}
