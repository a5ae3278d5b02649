//! AGE-01: a machine is old.

use bartizan_model::Severity;

use super::{ec2_arn, is_running};
use crate::check::{Check, Source};
use crate::missing::{Fault, MissingFact};
use crate::reading::FactView;
use crate::rebuild::image_family;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "AGE-01",
    title: "A machine has run for more than 90 days: rebuild it",
    severity: Severity::Low,
    why: "What is rebuilt often is patched, known, and rid of whoever got in. The talk rebuilds every day.",
    judged: "Running instances, by their launch time; 90 days, or the target of [rebuild] in bartizan.toml. With a target also own images, default versions of launch templates and the code of functions, and a machine fails once its image has a successor (the same name with a later version or date).",
    fix: "Start a new instance from the newest image, then: aws ec2 terminate-instances --region {region} --instance-ids {name}",
    sources: &[Source::Talk],
    needs: &["ec2:instance"],
    judge,
};

const IMAGE: &str = "ec2:image";

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    let instances = view.list("ec2:instance");
    verdicts.list_read(&instances);
    for instance in instances.facts {
        let arn = ec2_arn(view, instance, "instance");
        verdicts.judge(&arn, instance.region, [instance_fault(view, instance)]);
    }
    for class in &CLASSES {
        let Some(target_days) = (class.target_days)(view) else {
            continue;
        };
        let list = view.list(class.kind);
        verdicts.list_read(&list);
        for fact in list.facts.into_iter().filter(|f| (class.counts)(f)) {
            let arn = (class.arn)(view, fact);
            let fault = class.fault(view, fact, target_days);
            verdicts.judge(&arn, fact.region, [fault]);
        }
    }
}

/// A class of things with a target age of its own.
struct RebuiltClass {
    kind: &'static str,
    target_days: fn(&AccountView<'_>) -> Option<i64>,
    counts: fn(&FactView<'_>) -> bool,
    arn: fn(&AccountView<'_>, &FactView<'_>) -> String,
    /// Field with the time when it was built.
    built: &'static str,
}

const CLASSES: [RebuiltClass; 3] = [
    RebuiltClass {
        kind: IMAGE,
        target_days: |view| view.rebuild.image_days,
        counts: |_| true,
        arn: |view, image| ec2_arn(view, image, "image"),
        built: "CreationDate",
    },
    RebuiltClass {
        kind: "ec2:launchtemplateversion",
        target_days: |view| view.rebuild.template_days,
        counts: |version| version.is("/DefaultVersion"),
        arn: |view, version| {
            let (region, account, id) = (version.region, view.id, version.owner());
            format!("arn:aws:ec2:{region}:{account}:launch-template/{id}")
        },
        built: "CreateTime",
    },
    RebuiltClass {
        kind: "lambda:function",
        target_days: |view| view.rebuild.function_days,
        counts: |_| true,
        arn: |view, function| {
            let (region, account, id) = (function.region, view.id, &function.id);
            format!("arn:aws:lambda:{region}:{account}:function:{id}")
        },
        built: "LastModified",
    },
];

impl RebuiltClass {
    fn fault(&self, view: &AccountView<'_>, fact: &FactView<'_>, target_days: i64) -> Fault {
        let built = fact.volatile(self.built).unwrap_or_default();
        let age_days = view.age_days(built);
        let age_days = age_days.ok_or_else(|| view.missing(fact.kind, &fact.id, self.built))?;
        let is_old = age_days > target_days;
        Ok(is_old.then(|| format!("built {built}, {age_days} days ago")))
    }
}

fn instance_fault(view: &AccountView<'_>, instance: &FactView<'_>) -> Fault {
    if !is_running(view, instance)? {
        return Ok(None);
    }
    let launched = instance.text("/LaunchTime").unwrap_or_default();
    let age_days = view.age_days(launched);
    let age_days =
        age_days.ok_or_else(|| view.missing(instance.kind, &instance.id, "LaunchTime"))?;
    let is_old = age_days > view.rebuild.instance_days;
    let old = format!("launched {launched}, {age_days} days ago");
    match (successor(view, instance, launched), is_old) {
        (Ok(Some(successor)), true) => Ok(Some(format!("{old}; {successor}"))),
        (Ok(Some(successor)), false) if view.rebuild.successors => Ok(Some(successor)),
        (_, true) => Ok(Some(old)),
        (Err(unread), false) if view.rebuild.successors => Err(unread),
        (_, false) => Ok(None),
    }
}

/// The newest image of the family of an instance's image that was built after it was launched.
fn successor(
    view: &AccountView<'_>,
    instance: &FactView<'_>,
    launched: &str,
) -> Result<Option<String>, MissingFact> {
    let id = instance.text("/ImageId").unwrap_or_default();
    // Images of others are not read, so that nobody knows what follows them.
    let Some(image) = view.fact(IMAGE, instance.region, id)? else {
        return Ok(None);
    };
    let name = |image: &FactView<'_>| image.text("/Name").unwrap_or_default().to_owned();
    let age_ms = |image: &FactView<'_>| image.text("/CreationDate").and_then(|t| view.age_ms(t));
    let (own_name, launched_ms) = (name(image), view.age_ms(launched));
    let family = image_family(&own_name).to_owned();
    let images = view.all(IMAGE, instance.region)?.into_iter();
    let later = images.filter(|other| {
        other.id != image.id
            && image_family(&name(other)) == family
            && age_ms(other).zip(age_ms(image)).is_some_and(|(a, b)| a < b)
            && age_ms(other).zip(launched_ms).is_some_and(|(a, b)| a < b)
    });
    let newest = later.min_by_key(|other| (age_ms(other), other.id.clone()));
    Ok(newest.map(|other| {
        let (own_id, id, built) = (&image.id, &other.id, other.text("/CreationDate"));
        let built = built.unwrap_or_default();
        format!(
            "its image {own_id} ({own_name}) has a successor, {id} ({}), built {built}",
            name(other)
        )
    }))
}
