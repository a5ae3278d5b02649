//! NET-04: an instance answers requests for its credentials without a token (IMDSv1).

use bartizan_model::Severity;

use super::ec2_arn;
use crate::check::{Check, Source};
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "NET-04",
    title: "An instance gives out its credentials without a token (IMDSv1)",
    severity: Severity::Medium,
    why: "One request that a web application can be made to send (SSRF) then reads the keys of its role.",
    judged: "The metadata endpoint is on, and tokens are optional.",
    fix: "aws ec2 modify-instance-metadata-options --region {region} --instance-id {name} --http-tokens required",
    sources: &[Source::Fsbp("EC2.8"), Source::Cis("5.6")],
    needs: &["ec2:instance"],
    judge,
};

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    let instances = view.list("ec2:instance");
    verdicts.list_read(&instances);
    for instance in instances.facts {
        let option = |name: &str| instance.text(&format!("/MetadataOptions/{name}"));
        let fault = match (option("HttpTokens"), option("HttpEndpoint")) {
            (_, Some("disabled")) | (Some("required"), _) => Ok(None),
            (Some(_), _) => Ok(Some("HttpTokens is optional".to_owned())),
            (None, _) => Err(view.missing(instance.kind, &instance.id, "MetadataOptions")),
        };
        verdicts.judge(
            &ec2_arn(view, instance, "instance"),
            instance.region,
            [fault],
        );
    }
}
