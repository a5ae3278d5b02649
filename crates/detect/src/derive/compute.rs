//! Calls with the credentials of a machine rather than a person.

use super::caller::instance;
use bartizan_trail::{CallerIdentity, Event, Field};

/// Signs of compute in a user agent (`exec-env/` of the AWS SDKs). The caller controls it, so it
/// proves nothing, and nothing is allowed because of it.
const AGENTS: &[(&str, &str)] = &[
    ("exec-env/AWS_Lambda", "lambda"),
    ("exec-env/AWS_ECS", "container"),
    ("exec-env/CloudShell", "cloudshell"),
    ("exec-env/EC2", "instance"),
    ("exec-env/AppRunner", "container"),
];

/// Names that services give to the sessions of roles that they run code with.
const SESSIONS: &[(&str, &str)] = &[
    ("eks-", "pod"),
    ("AWSCodeBuild-", "build"),
    ("GlueJobRunnerSession", "job"),
    ("SageMaker", "notebook"),
    ("botocore-session-", "pod"),
];

/// Kind of compute that the caller's credentials belong to: `instance`, `lambda`, `container`,
/// `pod`, `build`, `job`, `notebook`, `cloudshell`.
pub(super) fn compute(event: &Event<'_>, actor: &CallerIdentity) -> Option<&'static str> {
    if instance(actor).is_some() {
        return Some("instance");
    }
    // Issuer of the role session in newer records ("userIdentity element", inScopeOf).
    let issuer = event
        .field(Field::UserIdentity)
        .and_then(|u| u.get("inScopeOf")?.get("issuerType")?.text());
    match issuer.as_deref() {
        Some("AWS::Lambda::Function") => return Some("lambda"),
        Some("AWS::EC2::Instance") => return Some("instance"),
        Some(other) if other.starts_with("AWS::ECS") => return Some("container"),
        Some(other) if other.starts_with("AWS::CodeBuild") => return Some("build"),
        _ => {}
    }
    let session = actor
        .session
        .as_deref()
        .filter(|_| actor.kind == "AssumedRole")
        .unwrap_or_default();
    let named = || {
        SESSIONS
            .iter()
            .find(|(begin, _)| session.starts_with(begin))
            .map(|(_, kind)| *kind)
    };
    let agent = event.text(Field::UserAgent).unwrap_or_default();
    named().or_else(|| {
        AGENTS
            .iter()
            .find(|(sign, _)| agent.contains(sign))
            .map(|(_, kind)| *kind)
    })
}
