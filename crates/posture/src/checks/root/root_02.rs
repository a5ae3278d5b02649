//! ROOT-02: the root user has an access key or a signing certificate.

use bartizan_model::Severity;

use super::{report_row, summary};
use crate::check::{Check, Source};
use crate::missing::{Fault, GLOBAL};
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "ROOT-02",
    title: "The root user has an access key or a signing certificate",
    severity: Severity::Critical,
    why: "A long-term credential of root has every permission, and no policy of the account limits it.",
    judged: "Fails with any access key, inactive ones too, or any signing certificate of the root user.",
    fix: "Sign in as root, and delete them: https://console.aws.amazon.com/iam/home#/security_credentials",
    sources: &[Source::Talk, Source::Cis("1.4"), Source::Fsbp("IAM.4")],
    needs: &["iam:accountsummary", "iam:credentialreport"],
    judge,
};

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    let counted = |field: &str, what: &str| -> Fault {
        let count = summary(view, field)?;
        Ok((count > 0).then(|| format!("root has {what}: {field} is {count}")))
    };
    verdicts.judge(
        view.id,
        GLOBAL,
        [
            counted("AccountAccessKeysPresent", "an access key"),
            counted("AccountSigningCertificatesPresent", "a signing certificate"),
            reported(view),
        ],
    );
}

/// Credentials of root that the credential report shows. The summary suffices where there is no
/// report.
fn reported(view: &AccountView<'_>) -> Fault {
    let row = match report_row(view) {
        Ok(row) => row,
        Err(unread) => {
            return summary(view, "AccountAccessKeysPresent")
                .map(|_| None)
                .map_err(|_| unread);
        }
    };
    let has = |field: &&&str| {
        let value = row.text(&format!("/{field}"));
        value.is_some_and(|v| !matches!(v, "" | "N/A" | "not_supported" | "false"))
    };
    let fields = [
        "access_key_1_active",
        "access_key_1_last_rotated",
        "access_key_2_active",
        "access_key_2_last_rotated",
        "cert_1_active",
        "cert_2_active",
    ];
    let found = fields.iter().find(has);
    Ok(found.map(|field| format!("{field} of the credential report")))
}
