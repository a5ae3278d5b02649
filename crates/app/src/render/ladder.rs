//! Alarms on the month's estimated charges, as what people create alarms with. Nothing is created
//! here.

use std::fmt::Write;

use anyhow::Result;
use bartizan_spend::{AlarmCheck, AlarmProposal, AlarmVerdict};
use serde::Serialize;

use super::words::counted;
use super::{Out, shell};
use crate::cli::LadderForm;

/// Seconds of a period: AWS updates the estimate about every six hours.
const PERIOD_SECONDS: u32 = 21_600;

/// Prints alarms in one form.
pub(crate) fn ladder(
    out: &mut Out,
    proposals: &[AlarmProposal],
    topic: &str,
    form: LadderForm,
) -> Result<()> {
    match form {
        LadderForm::Cli => {
            for proposal in proposals {
                out.line(&command(proposal, topic))?;
            }
        }
        LadderForm::Terraform => {
            out.raw(&terraform(proposals, topic))?;
        }
        LadderForm::Cloudformation => out.document(&cloudformation(proposals, topic))?,
    }
    Ok(())
}

/// Proposed alarms and what is there of them.
#[derive(Default, Serialize)]
pub(crate) struct LadderCheck {
    pub(crate) alarms: Vec<AlarmCheck>,
    pub(crate) budgets: usize,
    pub(crate) budget_notifications: usize,
    pub(crate) anomaly_monitors: usize,
    /// Kinds of facts that were not read whole, each with its account.
    pub(crate) unread: Vec<String>,
}

/// Prints which alarms exist, and those that do not in one form.
pub(crate) fn ladder_check(
    out: &mut Out,
    check: &LadderCheck,
    topic: &str,
    form: LadderForm,
) -> Result<()> {
    let count = |verdict| check.alarms.iter().filter(|a| a.verdict == verdict).count();
    let (there, silent) = (count(AlarmVerdict::There), count(AlarmVerdict::Silent));
    let missing = count(AlarmVerdict::Missing);
    let all = check.alarms.len();
    out.line(&match (check.unread.is_empty(), missing + silent) {
        (false, _) => format!("CANNOT TELL  {there} of {all} alarms found, but not all was read"),
        (true, 0) => format!("OK  all {all} alarms exist"),
        (true, _) => format!("MISSING  {missing} of {all} alarms; {silent} tell nobody"),
    })?;
    for alarm in &check.alarms {
        let (word, by) = match alarm.verdict {
            AlarmVerdict::There => ("there  ", alarm.by.as_deref().unwrap_or_default()),
            AlarmVerdict::Silent => ("silent ", alarm.by.as_deref().unwrap_or_default()),
            AlarmVerdict::Missing => ("missing", "–"),
        };
        let proposal = &alarm.proposal;
        let of = proposal.service.as_ref().or(proposal.account.as_ref());
        out.line(&format!(
            "  {word}  {:>10} {}  {:<24} {by}",
            proposal.threshold,
            proposal.currency,
            of.map_or("total", String::as_str)
        ))?;
    }
    let tell = match check.budget_notifications {
        0 if check.budgets > 0 => ", none tells anybody",
        _ => "",
    };
    out.line(&format!(
        "{}{tell} · {}",
        counted(check.budgets as u64, "budget", "budgets"),
        counted(
            check.anomaly_monitors as u64,
            "anomaly monitor",
            "anomaly monitors"
        )
    ))?;
    for unread in &check.unread {
        out.line(&format!("not read  {unread}"))?;
    }
    let wanted: Vec<AlarmProposal> = check
        .alarms
        .iter()
        .filter(|a| a.verdict != AlarmVerdict::There)
        .map(|a| a.proposal.clone())
        .collect();
    if !wanted.is_empty() {
        out.line("")?;
        out.line("to create them, for you to read and run:")?;
        ladder(out, &wanted, topic, form)?;
    }
    Ok(())
}

fn dimensions(proposal: &AlarmProposal) -> Vec<(&'static str, &str)> {
    let mut found = vec![("Currency", proposal.currency.as_str())];
    found.extend(proposal.service.as_deref().map(|s| ("ServiceName", s)));
    found.extend(proposal.account.as_deref().map(|a| ("LinkedAccount", a)));
    found
}

fn command(proposal: &AlarmProposal, topic: &str) -> String {
    let dimensions: Vec<String> = dimensions(proposal)
        .into_iter()
        .map(|(name, value)| shell(&format!("Name={name},Value={value}")))
        .collect();
    format!(
        "aws cloudwatch put-metric-alarm --region us-east-1 --alarm-name {} --namespace \
         AWS/Billing --metric-name EstimatedCharges --dimensions {} --statistic Maximum --period \
         {PERIOD_SECONDS} --evaluation-periods 1 --comparison-operator \
         GreaterThanOrEqualToThreshold --threshold {} --alarm-actions {}",
        shell(&proposal.name),
        dimensions.join(" "),
        proposal.threshold,
        shell(topic),
    )
}

/// Text in a string of Terraform, where `${` and `%{` begin expressions.
fn quoted(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect();
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", text.replace("${", "$${").replace("%{", "%%{"))
}

fn terraform(proposals: &[AlarmProposal], topic: &str) -> String {
    let mut text =
        String::from("provider \"aws\" {\n  alias  = \"billing\"\n  region = \"us-east-1\"\n}\n");
    for proposal in proposals {
        let dimensions: String = dimensions(proposal)
            .into_iter()
            .map(|(name, value)| format!("    {name} = {}\n", quoted(value)))
            .collect();
        let name = quoted(&proposal.name);
        let _ = writeln!(text, "\nresource \"aws_cloudwatch_metric_alarm\" {name} {{");
        for (argument, value) in [
            ("provider", "aws.billing".to_owned()),
            ("alarm_name", name),
            ("namespace", quoted("AWS/Billing")),
            ("metric_name", quoted("EstimatedCharges")),
            ("statistic", quoted("Maximum")),
            ("period", PERIOD_SECONDS.to_string()),
            ("evaluation_periods", "1".to_owned()),
            (
                "comparison_operator",
                quoted("GreaterThanOrEqualToThreshold"),
            ),
            ("threshold", proposal.threshold.to_string()),
            ("alarm_actions", format!("[{}]", quoted(topic))),
        ] {
            let _ = writeln!(text, "  {argument:<19} = {value}");
        }
        let _ = writeln!(text, "  dimensions = {{\n{dimensions}  }}\n}}");
    }
    text
}

fn cloudformation(proposals: &[AlarmProposal], topic: &str) -> serde_json::Value {
    let resources: serde_json::Map<String, serde_json::Value> = proposals
        .iter()
        .map(|proposal| {
            let id: String = proposal
                .name
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .collect();
            let dimensions: Vec<serde_json::Value> = dimensions(proposal)
                .into_iter()
                .map(|(name, value)| serde_json::json!({"Name": name, "Value": value}))
                .collect();
            let alarm = serde_json::json!({
                "Type": "AWS::CloudWatch::Alarm",
                "Properties": {
                    "AlarmName": proposal.name,
                    "Namespace": "AWS/Billing",
                    "MetricName": "EstimatedCharges",
                    "Dimensions": dimensions,
                    "Statistic": "Maximum",
                    "Period": PERIOD_SECONDS,
                    "EvaluationPeriods": 1,
                    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
                    "Threshold": proposal.threshold,
                    "AlarmActions": [topic],
                },
            });
            (id, alarm)
        })
        .collect();
    serde_json::json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Billing alarms: create the stack in us-east-1",
        "Resources": resources,
    })
}

#[cfg(test)]
mod tests {
    use super::{cloudformation, command, terraform};
    use bartizan_spend::AlarmProposal;

    fn proposal() -> AlarmProposal {
        AlarmProposal {
            name: "bartizan-bill-AmazonEC2-350".to_owned(),
            service: Some("AmazonEC2 ${x}".to_owned()),
            account: None,
            currency: "USD".to_owned(),
            threshold: 350,
        }
    }

    #[test]
    fn names_are_quoted_in_every_form() {
        let topic = "arn:aws:sns:us-east-1:111122223333:billing";
        let typed = command(&proposal(), topic);
        assert!(
            typed.contains("'Name=ServiceName,Value=AmazonEC2 ${x}' "),
            "{typed}"
        );
        assert!(terraform(&[proposal()], topic).contains("ServiceName = \"AmazonEC2 $${x}\""));
        let template = cloudformation(&[proposal()], topic);
        let alarm = &template["Resources"]["bartizanbillAmazonEC2350"]["Properties"];
        assert_eq!(alarm["Threshold"], 350);
        assert_eq!(alarm["Period"], 21_600);
        assert_eq!(alarm["Dimensions"][1]["Value"], "AmazonEC2 ${x}");
    }
}
