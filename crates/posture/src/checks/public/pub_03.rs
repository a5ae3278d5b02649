//! PUB-03: a queue is public.

use bartizan_model::Severity;

use crate::check::{Check, Source};

pub(crate) const CHECK: Check = Check {
    id: "PUB-03",
    title: "A queue is public",
    severity: Severity::Critical,
    why: "Anybody can then read, forge or purge its messages.",
    judged: "Its policy lets in everybody without a fixed value in the condition, after denies.",
    fix: "aws sqs set-queue-attributes --region {region} --queue-url URL --attributes file://policy.json",
    sources: &[Source::Talk, Source::Fsbp("SQS.3")],
    needs: &["sqs:queue", "sqs:queuepolicy"],
    judge: |view, verdicts| super::QUEUE.judge(view, verdicts),
};
