//! PUB-09: an object is public by its own ACL.

use bartizan_model::Severity;

use super::acl_fault;
use crate::check::{Check, Source};
use crate::missing::GLOBAL;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "PUB-09",
    title: "An object is public by its own ACL",
    severity: Severity::High,
    why: "An anonymous object stands in a bucket that looks closed; no list of buckets shows it.",
    judged: "ACLs of objects that were looked at, in buckets whose ACLs count. What was not looked at is unknown.",
    fix: "aws s3api put-object-acl --bucket BUCKET --key KEY --acl private",
    sources: &[Source::Talk],
    needs: &[
        "s3:objectacl",
        "s3:bucketpublicaccessblock",
        "s3:accountpublicaccessblock",
        "s3:bucketownershipcontrols",
    ],
    judge,
};

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    let acls = view.list("s3:objectacl");
    verdicts.list_read(&acls);
    for acl in acls.facts {
        let fault = acl_fault(view, acl, acl.owner());
        verdicts.judge(&format!("arn:aws:s3:::{}", acl.id), GLOBAL, [fault]);
    }
}
