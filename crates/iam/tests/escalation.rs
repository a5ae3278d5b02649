//! Every way of the catalogues is found where it applies, and not where one permission is missing.

use std::collections::BTreeSet;

use bartizan_iam::{
    Account, AccountBuilder, Actions, Escalations, PrincipalKind, Rung, TECHNIQUES, Technique,
    TechniqueTarget, Tri, UserWith, escalations,
};
use serde_json::{Value, json};

use crate::managed::shared;

const ID: &str = "111122223333";

fn policy(statements: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn allow(actions: Value) -> Value {
    policy(json!([{"Effect": "Allow", "Action": actions, "Resource": "*"}]))
}

fn arn(what: &str) -> String {
    format!("arn:aws:iam::{ID}:{what}")
}

const ADMIN: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

fn managed(arn: &str, document: Value) -> Value {
    json!({"Arn": arn, "PolicyVersionList": [{"Document": document, "VersionId": "v1", "IsDefaultVersion": true}]})
}

/// A smallest account in which a way applies, and what is changed in it.
struct Small {
    details: Value,
    facts: Vec<(&'static str, String, Value)>,
    holder: Option<&'static str>,
    scp: Option<Value>,
}

impl Small {
    fn of(row: &Technique) -> Self {
        let attacker_is_role = matches!(row.target, TechniqueTarget::OwnRole);
        let strong_trust = match row.target {
            TechniqueTarget::PassedRole(services) if services[0].starts_with("cognito") => {
                json!({"Federated": services[0]})
            }
            TechniqueTarget::PassedRole(services) => json!({"Service": services[0]}),
            TechniqueTarget::TrustingRole | TechniqueTarget::UnboundTrustingRole => {
                json!({"AWS": arn("root")})
            }
            _ => json!({"Service": "nobody.amazonaws.com"}),
        };
        let trust = |principal: Value| {
            policy(json!([{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]))
        };
        let attached = |names: &[String]| {
            names
                .iter()
                .map(|n| json!({"PolicyArn": n, "PolicyName": "p"}))
                .collect::<Vec<_>>()
        };
        let role = |name: &str, policies: &[String], trusts: Value| {
            json!({"RoleName": name, "Arn": arn(&format!("role/{name}")), "AttachedManagedPolicies": attached(policies),
                   "AssumeRolePolicyDocument": trust(trusts)})
        };
        let user = |name: &str, policies: &[String]| json!({"UserName": name, "Arn": arn(&format!("user/{name}")), "AttachedManagedPolicies": attached(policies)});
        let (own, weak) = (arn("policy/own"), arn("policy/weak"));
        let mut attacker = if attacker_is_role {
            role(
                "mallory",
                std::slice::from_ref(&own),
                json!({"Service": "nobody.amazonaws.com"}),
            )
        } else {
            user("mallory", std::slice::from_ref(&own))
        };
        let mut strong = role("strong", &[ADMIN.to_owned()], strong_trust);
        let weak_trust = if row.target == TechniqueTarget::GrantedTrustingRole {
            json!({"AWS": arn("root")})
        } else {
            json!({"Service": "nobody.amazonaws.com"})
        };
        let weak_role = role("weak", std::slice::from_ref(&weak), weak_trust);
        let mut users = vec![user("weakling", &[])];
        let mut groups = vec![
            json!({"GroupName": "team", "Arn": arn("group/team"), "AttachedManagedPolicies": [], "GroupPolicyList": []}),
        ];
        let mut policies = vec![
            managed(ADMIN, allow(json!("*"))),
            managed(&own, allow(json!(row.needs))),
            managed(&weak, allow(json!("s3:GetObject"))),
        ];
        let mut facts = Vec::new();
        match row.target {
            TechniqueTarget::OwnGroup => attacker["GroupList"] = json!(["team"]),
            TechniqueTarget::Group => groups.push(json!({"GroupName": "admins", "Arn": arn("group/admins"), "AttachedManagedPolicies": attached(&[ADMIN.to_owned()])})),
            TechniqueTarget::User(with) => {
                users.push(user("boss", &[ADMIN.to_owned()]));
                if with == UserWith::Login {
                    facts.push(("iam:loginprofile", "boss".to_owned(), json!({"UserName": "boss"})));
                }
            }
            TechniqueTarget::OwnPolicyVersion => {
                policies[1]["PolicyVersionList"].as_array_mut().unwrap().push(json!({"Document": allow(json!("*")), "VersionId": "v2", "IsDefaultVersion": false}));
            }
            TechniqueTarget::OwnBoundary | TechniqueTarget::UnboundTrustingRole => {
                let narrow = arn("policy/narrow");
                policies.push(managed(&narrow, allow(json!([row.needs[0], "s3:GetObject"]))));
                let bounded = if row.target == TechniqueTarget::OwnBoundary { &mut attacker } else { &mut strong };
                bounded["PermissionsBoundary"] = json!({"PermissionsBoundaryArn": narrow});
                if row.target == TechniqueTarget::OwnBoundary {
                    attacker["AttachedManagedPolicies"] = json!(attached(&[ADMIN.to_owned()]));
                }
            }
            _ => {}
        }
        let mut roles = vec![strong, weak_role];
        if attacker_is_role {
            roles.push(attacker)
        } else {
            users.push(attacker)
        }
        let holder = if let TechniqueTarget::RoleConsumer(kind) = row.target {
            Some(kind)
        } else {
            None
        };
        let details = json!({"UserDetailList": users, "GroupDetailList": groups, "RoleDetailList": roles, "Policies": policies});
        Self {
            details,
            facts,
            holder,
            scp: None,
        }
    }

    fn attacker(&mut self) -> &mut Value {
        let details = self.details.as_object_mut().unwrap();
        for (_, list) in details.iter_mut() {
            if list
                .as_array()
                .unwrap()
                .iter()
                .any(|p| p["Arn"].as_str().unwrap().ends_with("/mallory"))
            {
                return list
                    .as_array_mut()
                    .unwrap()
                    .iter_mut()
                    .find(|p| p["Arn"].as_str().unwrap().ends_with("/mallory"))
                    .unwrap();
            }
        }
        unreachable!()
    }

    fn build(&self) -> Account<'static> {
        let mut builder = AccountBuilder::new(ID, Actions::builtin());
        builder
            .authorization_details(&self.details.to_string())
            .unwrap();
        for kind in [
            "iam:accesskey",
            "iam:loginprofile",
            "lambda:function",
            "ec2:instance",
        ] {
            builder.read(kind, "global");
        }
        for (kind, id, document) in &self.facts {
            builder.fact(kind, "global", id, &document.to_string());
        }
        if let Some(kind) = self.holder {
            builder.role_consumer(kind, &holder_arn(kind), &arn("role/strong"));
        }
        if let Some(scp) = &self.scp {
            let (everything, own) = (allow(json!("*")).to_string(), scp.to_string());
            builder.scp_level(&[("FullAWSAccess", &everything), ("own", &own)]);
        }
        builder.build()
    }
}

fn holder_arn(kind: &str) -> String {
    let rest = match kind {
        "ec2" => "ec2:us-east-1:111122223333:instance/i-1",
        "lambda" => "lambda:us-east-1:111122223333:function:f",
        "codebuild" => "codebuild:us-east-1:111122223333:project/p",
        "cloudformation" => "cloudformation:us-east-1:111122223333:stack/s/1",
        other => return format!("arn:aws:{other}:us-east-1:{ID}:thing/1"),
    };
    format!("arn:aws:{rest}")
}

fn mallory<'e>(
    account: &Account<'_>,
    found: &'e Escalations,
) -> Option<&'e bartizan_iam::Escalation> {
    let number = account
        .principals
        .iter()
        .position(|p| p.name == "mallory")
        .unwrap();
    found.of(number as u32)
}

#[test]
fn our_table_is_the_catalogue() {
    let Some(file) = shared("iam/escalation-paths.json") else {
        return;
    };
    let list: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!((list.len(), TECHNIQUES.len()), (112, 112));
    for entry in &list {
        let row = TECHNIQUES
            .iter()
            .find(|r| r.id == entry["id"].as_str().unwrap())
            .unwrap_or_else(|| panic!("{entry}"));
        let needs: BTreeSet<&str> = entry["all_of"]
            .as_array()
            .unwrap()
            .iter()
            .map(|n| n.as_str().unwrap())
            .collect();
        assert_eq!(needs, row.needs.iter().copied().collect(), "{}", row.id);
    }
}

#[test]
fn our_table_agrees_with_pathfinding() {
    let Some(folder) = shared("iam/pathfinding/paths") else {
        return;
    };
    let mut files = 0;
    for service in std::fs::read_dir(folder).unwrap() {
        for file in std::fs::read_dir(service.unwrap().path()).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            let value: Value = yaml_serde::from_str(&text).unwrap();
            let id = value["id"].as_str().unwrap();
            let required = value["permissions"]["required"].as_array().unwrap();
            let required: BTreeSet<&str> = required
                .iter()
                .map(|p| p["permission"].as_str().unwrap())
                .collect();
            let row = TECHNIQUES
                .iter()
                .find(|r| r.id == id)
                .unwrap_or_else(|| panic!("{id} is not in the table"));
            assert_eq!(required, row.needs.iter().copied().collect(), "{id}");
            let rung = match value["category"].as_str().unwrap() {
                "self-escalation" => row.rung == Rung::C,
                "principal-access" => matches!(row.rung, Rung::D | Rung::F),
                "new-passrole" | "existing-passrole" | "credential-access" => row.rung == Rung::E,
                _ => false,
            };
            assert!(
                rung,
                "{id}: {} is not rung {:?}",
                value["category"], row.rung
            );
            files += 1;
        }
    }
    assert_eq!(files, 65);
}

#[test]
fn each_way_is_found_where_it_applies_and_not_where_a_permission_is_denied() {
    let ways = |small: &Small| {
        let account = small.build();
        assert_eq!(account.unknown, Vec::<String>::new());
        let found = escalations(&account, 1);
        mallory(&account, &found)
            .map(|e| e.ways.clone())
            .unwrap_or_default()
    };
    for row in TECHNIQUES {
        let found = ways(&Small::of(row));
        // Where a service must be in use that no snapshot shows, it stays a perhaps.
        let wanted = if row.target == TechniqueTarget::Service {
            Tri::Maybe
        } else {
            Tri::Yes
        };
        assert_eq!(found.get(row.id), Some(&wanted), "{}: {found:?}", row.id);
        for need in row.needs {
            let mut denied = Small::of(row);
            let deny = policy(json!([{"Effect": "Deny", "Action": need, "Resource": "*"}]));
            let word = if denied.attacker().get("UserName").is_some() {
                "UserPolicyList"
            } else {
                "RolePolicyList"
            };
            denied.attacker()[word] = json!([{"PolicyName": "deny", "PolicyDocument": deny}]);
            assert_eq!(
                ways(&denied).get(row.id),
                None,
                "{} without {need}, denied by an identity policy",
                row.id
            );

            let mut bounded = Small::of(row);
            let boundary = arn("policy/boundary");
            let all_but = policy(json!([{"Effect": "Allow", "NotAction": need, "Resource": "*"}]));
            bounded.details["Policies"]
                .as_array_mut()
                .unwrap()
                .push(managed(&boundary, all_but));
            bounded.attacker()["PermissionsBoundary"] = json!({"PermissionsBoundaryArn": boundary});
            assert_eq!(
                ways(&bounded).get(row.id),
                None,
                "{} without {need}, not in the boundary",
                row.id
            );

            let mut controlled = Small::of(row);
            controlled.scp = Some(policy(
                json!([{"Effect": "Deny", "Action": need, "Resource": "*"}]),
            ));
            assert_eq!(
                ways(&controlled).get(row.id),
                None,
                "{} without {need}, denied by an SCP",
                row.id
            );
        }
    }
}

/// An account whose one user has one policy; beside it a strong role for each service, and a strong
/// user.
fn with_policies(policies: &[Value]) -> (Account<'static>, Escalations) {
    let trust = |principal: Value| {
        policy(json!([{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]))
    };
    let services: BTreeSet<&str> = TECHNIQUES
        .iter()
        .filter_map(|r| {
            if let TechniqueTarget::PassedRole(s) = r.target {
                Some(s)
            } else {
                None
            }
        })
        .flatten()
        .copied()
        .collect();
    let strong = |n: usize, service: &str| {
        json!({"RoleName": format!("strong{n}"), "Arn": arn(&format!("role/strong{n}")), "AttachedManagedPolicies": [{"PolicyArn": ADMIN}],
               "AssumeRolePolicyDocument": trust(json!({"Service": service}))})
    };
    let mut roles: Vec<Value> = services
        .iter()
        .enumerate()
        .map(|(n, s)| strong(n, s))
        .collect();
    let own: Vec<Value> = (0..policies.len())
        .map(|n| json!({"PolicyArn": arn(&format!("policy/fn2-{n}"))}))
        .collect();
    // The starting principals of iam-vulnerable are roles; a user of the same policies is in a
    // group.
    roles.push(
        json!({"RoleName": "mallory", "Arn": arn("role/mallory"), "AttachedManagedPolicies": own,
                      "AssumeRolePolicyDocument": trust(json!({"AWS": arn("root")}))}),
    );
    let users = json!([
        {"UserName": "malloryuser", "Arn": arn("user/malloryuser"),
            "AttachedManagedPolicies": own, "GroupList": ["team"]},
        {"UserName": "boss", "Arn": arn("user/boss"), "AttachedManagedPolicies":
            [{"PolicyArn": ADMIN}]},
    ]);
    let mut all = vec![managed(ADMIN, allow(json!("*")))];
    all.extend(
        policies
            .iter()
            .enumerate()
            .map(|(n, p)| managed(&arn(&format!("policy/fn2-{n}")), p.clone())),
    );
    let groups = json!([{"GroupName": "team", "Arn": arn("group/team")}, {"GroupName": "admins", "Arn": arn("group/admins"), "AttachedManagedPolicies": [{"PolicyArn": ADMIN}]}]);
    let details = json!({"UserDetailList": users, "GroupDetailList": groups, "RoleDetailList": roles, "Policies": all});
    let mut builder = AccountBuilder::new(ID, Actions::builtin());
    builder.authorization_details(&details.to_string()).unwrap();
    let account = builder.build();
    let found = escalations(&account, 2);
    (account, found)
}

/// Rung and verdict of the role and of the user that hold these policies.
fn rungs(policies: &[Value]) -> [Option<(Rung, Tri)>; 2] {
    let (account, found) = with_policies(policies);
    ["mallory", "malloryuser"].map(|name| {
        let number = account
            .principals
            .iter()
            .position(|p| p.name == name)
            .unwrap();
        found
            .of(number as u32)
            .inspect(|e| println!("{name}: {:?}", e.ways))
            .map(|e| (e.rung, e.verdict))
    })
}

#[test]
fn the_slides_policies_are_all_everything() {
    let one = |statement: Value| policy(json!([statement]));
    for (document, rung) in [
        (
            one(json!({"Effect": "Allow", "Action": ["s3:*", "*"], "Resource": "*"})),
            Rung::A,
        ),
        (
            one(json!({"Effect": "Allow", "Action": "*", "Resource": "*"})),
            Rung::A,
        ),
        (
            one(json!({"Effect": "Allow", "Action": "*:*", "Resource": ["arn:aws:s3:::b", "*"]})),
            Rung::A,
        ),
        (
            one(json!({"Effect": "Allow", "NotAction": "s3:DeleteBucket", "Resource": "*"})),
            Rung::B,
        ),
        (
            one(json!({"Effect": "Allow", "NotAction": "no such action", "Resource": "*"})),
            Rung::B,
        ),
        (
            one(
                json!({"Effect": "Allow", "NotAction": ["iam:Update*", "iam:Create*", "iam:Attach*"], "Resource": "*"}),
            ),
            Rung::B,
        ),
        (
            one(
                json!({"Effect": "Allow", "Action": ["iam:PutUserPolicy", "iam:PutRolePolicy"], "Resource": "*"}),
            ),
            Rung::C,
        ),
        (
            one(json!({"Effect": "Allow", "Action": ["s3:GetObject", "iam:*"], "Resource": "*"})),
            Rung::C,
        ),
        (
            one(json!({"Effect": "Allow", "Action": "iam:CreateAccessKey", "Resource": "*"})),
            Rung::D,
        ),
        (
            one(
                json!({"Effect": "Allow", "Action": ["iam:PassRole", "ec2:RunInstances"], "Resource": "*"}),
            ),
            Rung::E,
        ),
        (
            one(
                json!({"Effect": "Allow", "Action": ["iam:PassRole", "lambda:*"], "Resource": "*"}),
            ),
            Rung::E,
        ),
    ] {
        assert_eq!(
            rungs(std::slice::from_ref(&document)),
            [Some((rung, Tri::Yes)); 2],
            "{document}"
        );
    }
    for document in [
        one(json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "arn:aws:s3:::b"})),
        one(json!({"Effect": "Allow", "Action": ["s3:*", "sqs:*"], "Resource": "*"})),
        one(json!({"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"})),
        one(
            json!({"Effect": "Allow", "Action": "iam:PutUserPolicy", "Resource": "arn:aws:iam::111122223333:user/other"}),
        ),
    ] {
        assert_eq!(
            rungs(std::slice::from_ref(&document)),
            [None; 2],
            "{document}"
        );
    }
    // Whether there is an instance with a strong role was not read here.
    let instances = one(json!({"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}));
    assert_eq!(rungs(&[instances]), [Some((Rung::E, Tri::Maybe)); 2]);
    let mfa = one(
        json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}),
    );
    assert_eq!(rungs(&[mfa]), [Some((Rung::A, Tri::Maybe)); 2]);
}

#[test]
fn iam_vulnerable_is_seen_through() {
    let Some(file) = shared("iam/iam-vulnerable.json") else {
        return;
    };
    let list: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let (mut paths, mut traps) = (0, BTreeSet::new());
    let policies = |wanted: &dyn Fn(&str) -> bool| -> Vec<(String, Value)> {
        let of = |e: &&Value| e["type"] == "aws_iam_policy" && wanted(e["file"].as_str().unwrap());
        list.iter()
            .filter(of)
            .map(|e| (e["name"].as_str().unwrap().to_owned(), e["policy"].clone()))
            .collect()
    };
    for (name, document) in policies(&|file| file.contains("privesc-paths")) {
        // What the compute of the exercise holds, not what the attacker does.
        if name.contains("high-priv") || document.to_string().contains("sre") {
            continue;
        }
        let found = rungs(std::slice::from_ref(&document));
        assert!(found.iter().any(Option::is_some), "{name}: {document}");
        paths += 1;
    }
    for trap in ["fn1", "fn2", "fn4", "fp1", "fp2", "fp3", "fp4"] {
        let documents: Vec<Value> = policies(&|file| file.contains(&format!("/{trap}-")))
            .into_iter()
            .map(|(_, d)| d)
            .collect();
        assert!(!documents.is_empty(), "{trap}");
        let found = rungs(&documents);
        if trap.starts_with("fn") {
            assert!(found.iter().any(Option::is_some), "{trap}: {documents:?}");
        } else {
            assert!(
                !found
                    .iter()
                    .flatten()
                    .any(|(_, verdict)| *verdict == Tri::Yes),
                "{trap}: {found:?}"
            );
        }
        traps.insert(trap);
    }
    // Two traps whose policies the data lacks, as they stand in that repository: a condition that
    // always holds today, and one that never does. Neither can be known before the request.
    for (trap, operator) in [("fn3", "DateGreaterThan"), ("fp5", "DateLessThan")] {
        let condition = json!({operator: {"aws:TokenIssueTime": "2020-01-01T00:00:01Z"}});
        let statement = json!({"Effect": "Allow", "Action": "iam:CreatePolicyVersion", "Resource": "*", "Condition": condition});
        let found = rungs(&[policy(json!([statement]))]);
        assert_eq!(found, [Some((Rung::C, Tri::Maybe)); 2], "{trap}");
        traps.insert(trap);
    }
    println!("{paths} paths, {} traps", traps.len());
    assert!(paths >= 25, "{paths}");
}

#[test]
fn threads_change_nothing() {
    let (account, one) = with_policies(&[allow(json!(["iam:PassRole", "lambda:*", "ec2:*"]))]);
    for threads in [2, 3, 16] {
        let other = escalations(&account, threads);
        assert_eq!((&one.found, &one.limited), (&other.found, &other.limited));
    }
    assert!(
        account
            .principals
            .iter()
            .any(|p| p.kind == PrincipalKind::Role)
    );
}

/// One policy after another is replaced; what is kept up must be what a fresh look finds.
#[test]
fn what_is_kept_up_is_what_a_fresh_look_finds() {
    let trust = |principal: Value| {
        policy(json!([{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]))
    };
    let documents = [
        allow(json!("s3:GetObject")),
        allow(json!("*")),
        allow(json!(["iam:PassRole", "lambda:*"])),
        allow(json!("sts:AssumeRole")),
        allow(json!(["iam:CreateAccessKey", "iam:PutUserPolicy"])),
        policy(json!([{"Effect": "Deny", "Action": "*", "Resource": "*"}])),
        allow(json!("iam:AttachRolePolicy")),
    ];
    let build = |texts: &[(String, Value)]| {
        let of = |name: &str| texts.iter().find(|(n, _)| n == name).unwrap().1.clone();
        let inline = |name: &str| json!([{"PolicyName": "p", "PolicyDocument": of(name)}]);
        let users: Vec<Value> = (0..6).map(|n| json!({"UserName": format!("u{n}"), "Arn": arn(&format!("user/u{n}")), "UserPolicyList": inline(&format!("user/u{n}/p")), "GroupList": if n == 5 { json!(["g"]) } else { json!([]) }})).collect();
        let roles: Vec<Value> = (0..4)
            .map(|n| {
                let trusts = [json!({"Service": "lambda.amazonaws.com"}), json!({"AWS": arn("root")}), json!({"AWS": arn("user/u1")}), json!({"AWS": arn("role/r0")})];
                json!({"RoleName": format!("r{n}"), "Arn": arn(&format!("role/r{n}")), "RolePolicyList": inline(&format!("role/r{n}/p")), "AssumeRolePolicyDocument": trust(trusts[n].clone())})
            })
            .collect();
        let groups = json!([{"GroupName": "g", "Arn": arn("group/g"), "GroupPolicyList": inline("group/g/p")}]);
        let details =
            json!({"UserDetailList": users, "RoleDetailList": roles, "GroupDetailList": groups});
        let mut builder = AccountBuilder::new(ID, Actions::builtin());
        builder.authorization_details(&details.to_string()).unwrap();
        builder.build()
    };
    let mut texts: Vec<(String, Value)> = (0..6)
        .map(|n| format!("user/u{n}/p"))
        .chain((0..4).map(|n| format!("role/r{n}/p")))
        .chain(["group/g/p".to_owned()])
        .map(|n| (n, documents[0].clone()))
        .collect();
    let mut standing = bartizan_iam::IncrementalEscalations::new(build(&texts), 2);
    let mut state = 88_172_645_463_325_252u64;
    let (mut changes, mut reached) = (0, 0);
    for _ in 0..120 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let (at, which) = (
            (state >> 8) as usize % texts.len(),
            (state >> 40) as usize % documents.len(),
        );
        texts[at].1 = documents[which].clone();
        let before = standing.escalations();
        let changed = standing
            .replace(
                standing.document(&texts[at].0).unwrap(),
                &documents[which].to_string(),
            )
            .unwrap();
        let fresh = build(&texts);
        let wanted = escalations(&fresh, 1);
        assert_eq!(
            (
                &standing.escalations().found,
                &standing.escalations().limited
            ),
            (&wanted.found, &wanted.limited)
        );
        // Whose path changed is told.
        for n in 0..fresh.principals.len() as u32 {
            let verdict = |e: &Escalations| e.of(n).map(|e| (e.rung, e.verdict));
            assert!(
                changed.contains(&n) || verdict(&before) == verdict(&wanted),
                "{n}"
            );
        }
        changes += changed.len();
        reached += wanted.found.len();
    }
    assert!(changes > 50 && reached > 200, "{changes} {reached}");
}
