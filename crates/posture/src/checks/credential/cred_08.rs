//! CRED-08: a distribution takes URLs signed by root's CloudFront key pairs.

use bartizan_model::Severity;
use serde_json::Value;

use crate::check::{Check, Source};
use crate::missing::GLOBAL;
use crate::reading::FactView;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "CRED-08",
    title: "A distribution trusts the CloudFront key pairs of an account's root user",
    severity: Severity::High,
    why: "Such key pairs belong to root, appear in no list of credentials, and open private content.",
    judged: "Trusted signers in any cache behavior. Key groups are the way that AWS recommends, and pass.",
    fix: "aws cloudfront update-distribution --id {name}, with TrustedKeyGroups in place of TrustedSigners",
    sources: &[Source::Talk],
    needs: &["cloudfront:distribution"],
    judge,
};

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    let distributions = view.list("cloudfront:distribution");
    verdicts.list_read(&distributions);
    for distribution in distributions.facts {
        let arn = format!(
            "arn:aws:cloudfront::{}:distribution/{}",
            view.id, distribution.id
        );
        verdicts.judge(&arn, GLOBAL, [Ok(trusted(distribution))]);
    }
}

fn trusted(distribution: &FactView<'_>) -> Option<String> {
    let default = distribution.json().get("DefaultCacheBehavior");
    let others = distribution.list("/CacheBehaviors/Items").iter();
    let signers = |behavior: &Value| {
        let signers = &behavior["TrustedSigners"];
        let items = signers["Items"].as_array().map_or(0, Vec::len) as u64;
        let quantity = signers["Quantity"].as_u64().unwrap_or(0).max(items);
        let path = behavior["PathPattern"].as_str().unwrap_or("*").to_owned();
        (quantity > 0 && signers["Enabled"] != false).then_some(path)
    };
    default
        .into_iter()
        .chain(others)
        .find_map(signers)
        .map(|path| format!("trusted signers for {path}"))
}
