//! PUB-04: a topic is public.

use bartizan_model::Severity;

use crate::check::{Check, Source};

pub(crate) const CHECK: Check = Check {
    id: "PUB-04",
    title: "A topic is public",
    severity: Severity::High,
    why: "Anybody can then subscribe to its messages or publish false ones.",
    judged: "Its policy lets in everybody without a fixed value in the condition, after denies.",
    fix: "aws sns set-topic-attributes --region {region} --topic-arn {resource} --attribute-name Policy --attribute-value file://policy.json",
    sources: &[Source::Talk, Source::Fsbp("SNS.4")],
    needs: &["sns:topic", "sns:topicpolicy"],
    judge: |view, verdicts| super::TOPIC.judge(view, verdicts),
};
