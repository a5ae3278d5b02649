//! AGE-01: a machine is old.

use bartizan_model::Severity;
use bartizan_model::limits::INSTANCE_AGE_DAYS;

use super::{ec2_arn, is_running};
use crate::check::{Check, Source};
use crate::missing::Fault;
use crate::reading::FactView;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "AGE-01",
    title: "A machine has run for more than 90 days: rebuild it",
    severity: Severity::Low,
    why: "What is rebuilt often is patched, known, and rid of whoever got in. The talk rebuilds every day.",
    judged: "Running instances, by their launch time; 90 days.",
    fix: "Start a new instance from the newest image, then: aws ec2 terminate-instances --region {region} --instance-ids {name}",
    sources: &[Source::Talk],
    needs: &["ec2:instance"],
    judge,
};

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    let instances = view.list("ec2:instance");
    verdicts.list_read(&instances);
    for instance in instances.facts {
        let arn = ec2_arn(view, instance, "instance");
        verdicts.judge(&arn, instance.region, [fault(view, instance)]);
    }
}

fn fault(view: &AccountView<'_>, instance: &FactView<'_>) -> Fault {
    if !is_running(view, instance)? {
        return Ok(None);
    }
    let launched = instance.text("/LaunchTime").unwrap_or_default();
    let age_days = view.age_days(launched);
    let age_days =
        age_days.ok_or_else(|| view.missing(instance.kind, &instance.id, "LaunchTime"))?;
    let is_old = age_days > INSTANCE_AGE_DAYS;
    Ok(is_old.then(|| format!("launched {launched}, {age_days} days ago")))
}
