//! Steps as AWS CLI commands, for people to read. Never run by us.

use super::model::{Escalation, EscalationStep};
use super::techniques::TECHNIQUES;
use crate::account::Account;

/// Arguments of the calls that matter. `{me}`, `{to}` are names, `{arn}` the ARN of whom it is
/// aimed at, `{through}` what it goes through.
const ARGUMENTS: &[(&str, &str)] = &[
    (
        "iam:AddUserToGroup",
        "--user-name {me} --group-name {through}",
    ),
    (
        "iam:AttachGroupPolicy",
        "--group-name {through} --policy-arn arn:aws:iam::aws:policy/AdministratorAccess",
    ),
    (
        "iam:AttachRolePolicy",
        "--role-name {to} --policy-arn arn:aws:iam::aws:policy/AdministratorAccess",
    ),
    (
        "iam:AttachUserPolicy",
        "--user-name {to} --policy-arn arn:aws:iam::aws:policy/AdministratorAccess",
    ),
    ("iam:CreateAccessKey", "--user-name {to}"),
    ("iam:CreateLoginProfile", "--user-name {to} --password …"),
    (
        "iam:CreatePolicyVersion",
        "--policy-arn {through} --policy-document file://everything.json --set-as-default",
    ),
    (
        "iam:CreateRole",
        "--role-name new --assume-role-policy-document file://trust-me.json",
    ),
    ("iam:DeleteAccessKey", "--user-name {to} --access-key-id …"),
    ("iam:DeleteRolePermissionsBoundary", "--role-name {to}"),
    ("iam:DeleteUserPermissionsBoundary", "--user-name {me}"),
    (
        "iam:PutGroupPolicy",
        "--group-name {through} --policy-name all --policy-document file://everything.json",
    ),
    (
        "iam:PutRolePolicy",
        "--role-name {to} --policy-name all --policy-document file://everything.json",
    ),
    (
        "iam:PutUserPolicy",
        "--user-name {to} --policy-name all --policy-document file://everything.json",
    ),
    (
        "iam:SetDefaultPolicyVersion",
        "--policy-arn {through} --version-id …",
    ),
    (
        "iam:UpdateAssumeRolePolicy",
        "--role-name {to} --policy-document file://trust-me.json",
    ),
    ("iam:UpdateLoginProfile", "--user-name {to} --password …"),
    ("sts:AssumeRole", "--role-arn {arn} --role-session-name x"),
    (
        "ec2:RunInstances",
        "--iam-instance-profile Name={to} --image-id … --user-data file://commands.sh",
    ),
    (
        "ec2:AssociateIamInstanceProfile",
        "--instance-id … --iam-instance-profile Name={to}",
    ),
    (
        "lambda:CreateFunction",
        "--function-name x --role {arn} --runtime python3.12 --handler x.x --zip-file fileb://code.zip",
    ),
    ("lambda:InvokeFunction", "--function-name x out.json"),
    (
        "lambda:UpdateFunctionCode",
        "--function-name {through} --zip-file fileb://code.zip",
    ),
    (
        "cloudformation:CreateStack",
        "--stack-name x --role-arn {arn} --template-body file://grant.yaml --capabilities CAPABILITY_NAMED_IAM",
    ),
    (
        "glue:CreateDevEndpoint",
        "--endpoint-name x --role-arn {arn} --public-key file://key.pub",
    ),
    ("ssm:StartSession", "--target {through}"),
    (
        "ssm:SendCommand",
        "--instance-ids {through} --document-name AWS-RunShellScript --parameters commands=…",
    ),
];

/// Prefixes of actions that the command line spells otherwise.
const SERVICES: &[(&str, &str)] = &[
    ("elasticmapreduce", "emr"),
    ("sso", "sso-admin"),
    ("states", "stepfunctions"),
];

/// The commands of all steps, in order.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, commands, escalations};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob",
///         "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///             "Action": "iam:PutUserPolicy", "Resource": "*"}}}]}]}"#,
/// )?;
/// let account = builder.build();
/// let found = escalations(&account, 1);
/// let list = commands(&account, &found.found[0]);
/// assert!(list[0].starts_with("aws iam put-user-policy"));
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn commands(account: &Account<'_>, escalation: &Escalation) -> Vec<String> {
    let mut me = escalation.principal as usize;
    let mut all = Vec::new();
    for step in &escalation.steps {
        all.extend(of_step(account, me, step));
        me = step.to.map_or(me, |to| to as usize);
    }
    all
}

fn of_step(account: &Account<'_>, me: usize, step: &EscalationStep) -> Vec<String> {
    let Some(row) = TECHNIQUES.iter().find(|r| r.id == step.row) else {
        return Vec::new();
    };
    let me = &account.principals[me];
    let to = step.to.map_or(me, |to| &account.principals[to as usize]);
    let through = step
        .through
        .as_deref()
        .map_or("…", |t| t.rsplit([':', '/']).next().unwrap_or(t));
    let mut needs: Vec<&str> = row.needs.to_vec();
    // PassRole is no call of its own: it is asked for by the call that takes the role.
    needs.retain(|n| *n != "iam:PassRole");
    let line = |need: &str| {
        let (service, name) = need.split_once(':').unwrap_or((need, ""));
        let service = SERVICES
            .iter()
            .find(|(s, _)| *s == service)
            .map_or(service, |(_, cli)| cli);
        let arguments = ARGUMENTS
            .iter()
            .find(|(n, _)| *n == need)
            .map_or("…", |(_, a)| a);
        let arguments = arguments
            .replace("{me}", &me.name)
            .replace("{to}", &to.name)
            .replace("{arn}", &to.arn)
            .replace("{through}", through);
        format!("aws {service} {} {arguments}", kebab(name))
    };
    needs.into_iter().map(line).collect()
}

/// `CreateDBInstance` as `create-db-instance`.
fn kebab(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (n, letter) in letters.iter().enumerate() {
        let starts = letter.is_uppercase()
            && n > 0
            && (!letters[n - 1].is_uppercase()
                || letters.get(n + 1).is_some_and(|next| next.is_lowercase()));
        if starts {
            out.push('-');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_spelled_as_the_command_line_does() {
        for (name, wanted) in [
            ("PutUserPolicy", "put-user-policy"),
            ("SendSSHPublicKey", "send-ssh-public-key"),
            ("CreateDBInstance", "create-db-instance"),
        ] {
            assert_eq!(super::kebab(name), wanted);
        }
    }
}
