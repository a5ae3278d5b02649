//! Ways between accounts, one test for each kind of edge with its near misses, and random estates
//! against a plain fixpoint.

mod reference;

use bartizan_iam::{
    Account, AccountBuilder, Actions, Controls, Crossing, CrossingDoubt, CrossingMeans,
    CrossingNode, Estate, Tri, UnreadFact, UnreadOfOrganization, UnreadReason, WorkforceSubject,
    estate_escalations,
};
use serde_json::{Value, json};

const A: &str = "111122223333";
const B: &str = "444455556666";
const C: &str = "777788889999";

fn policy(statements: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn allow(actions: Value) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": "*"})
}

fn trust(principal: Value) -> Value {
    json!({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})
}

/// An account that is put together from users and roles.
struct Made {
    id: String,
    users: Vec<Value>,
    roles: Vec<Value>,
}

impl Made {
    fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            users: Vec::new(),
            roles: Vec::new(),
        }
    }

    fn user(mut self, name: &str, statements: Value) -> Self {
        self.users.push(
            json!({"UserName": name, "UserId": format!("AIDA{}{name}", self.id),
            "Arn": format!("arn:aws:iam::{}:user/{name}", self.id), "Tags": [],
            "UserPolicyList": [{"PolicyName": "p", "PolicyDocument": policy(statements)}]}),
        );
        self
    }

    fn role(self, name: &str, statements: Value, trust: Value) -> Self {
        self.role_in("", name, statements, trust)
    }

    fn role_in(mut self, path: &str, name: &str, statements: Value, trust: Value) -> Self {
        self.roles.push(
            json!({"RoleName": name, "RoleId": format!("AROA{}{name}", self.id),
            "Arn": format!("arn:aws:iam::{}:role/{path}{name}", self.id), "Tags": [],
            "AssumeRolePolicyDocument": policy(trust),
            "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": policy(statements)}]}),
        );
        self
    }

    fn build(self) -> Account<'static> {
        self.with(|_| {})
    }

    fn with(self, more: impl FnOnce(&mut AccountBuilder<'_>)) -> Account<'static> {
        let mut builder = AccountBuilder::new(&self.id, Actions::builtin());
        let details = json!({"UserDetailList": self.users, "RoleDetailList": self.roles});
        builder.authorization_details(&details.to_string()).unwrap();
        more(&mut builder);
        builder.build()
    }
}

/// Ways of a principal, or of administrators of an account.
fn ways(accounts: &[Account<'_>], who: &str) -> Vec<Crossing> {
    let estate = Estate::new(accounts);
    let found = estate_escalations(&estate, 2);
    match estate.principal(who) {
        Ok(id) => found.of(&estate, id),
        Err(_) => {
            let from = CrossingNode::Administrator(who.to_owned());
            let own = found.crossings.into_iter().filter(|c| c.from == from);
            own.collect()
        }
    }
}

/// Accounts and verdicts of these ways.
fn reached(accounts: &[Account<'_>], who: &str) -> Vec<(String, Tri)> {
    let ways = ways(accounts, who).into_iter();
    ways.map(|way| (way.to, way.verdict)).collect()
}

fn one(account: &str, verdict: Tri) -> Vec<(String, Tri)> {
    vec![(account.to_owned(), verdict)]
}

fn none() -> Value {
    json!([])
}

#[test]
fn a_role_of_another_account_is_taken_where_both_sides_allow() {
    let reached = |own: Value, trusted: Value| {
        let a = Made::new(A).user("ann", own).build();
        let b = Made::new(B).role("ops", allow(json!("*")), trusted).build();
        reached(&[a, b], "ann")
    };
    let assume = || allow(json!("sts:AssumeRole"));
    let ann = json!({"AWS": format!("arn:aws:iam::{A}:user/ann")});
    let to_a = || trust(json!({"AWS": A}));
    assert_eq!(reached(assume(), to_a()), one(B, Tri::Yes));
    assert_eq!(reached(assume(), trust(ann.clone())), one(B, Tri::Yes));
    assert_eq!(reached(assume(), trust(json!("*"))), one(B, Tri::Yes));
    // Near misses: one side only, somebody else, a deny on either side.
    assert_eq!(reached(allow(json!("s3:*")), trust(ann)), []);
    assert_eq!(reached(assume(), trust(json!({"AWS": C}))), []);
    let other = json!({"AWS": format!("arn:aws:iam::{A}:user/bob")});
    assert_eq!(reached(assume(), trust(other)), []);
    let deny = json!({"Effect": "Deny", "Action": "sts:AssumeRole",
        "Resource": format!("arn:aws:iam::{B}:role/*")});
    assert_eq!(reached(json!([assume(), deny]), to_a()), []);
    let deny = json!({"Effect": "Deny", "Principal": {"AWS": A}, "Action": "sts:AssumeRole"});
    assert_eq!(reached(assume(), json!([to_a(), deny])), []);
    // What only the request knows.
    let mut external = to_a();
    external["Condition"] = json!({"StringEquals": {"sts:ExternalId": "secret"}});
    assert_eq!(reached(assume(), external), one(B, Tri::Maybe));
    let mut organization = to_a();
    organization["Condition"] = json!({"StringEquals": {"aws:PrincipalAccount": B}});
    assert_eq!(reached(assume(), organization), []);
}

#[test]
fn a_role_that_may_little_gives_no_account_until_it_can_go_on() {
    let reached = |statements: Value| {
        let a = Made::new(A)
            .user("ann", allow(json!("sts:AssumeRole")))
            .build();
        let b = Made::new(B)
            .role("ops", statements, trust(json!({"AWS": A})))
            .build();
        ways(&[a, b], "ann")
    };
    assert_eq!(reached(allow(json!("s3:GetObject"))), []);
    let found = reached(allow(json!("iam:PutRolePolicy")));
    let means: Vec<&CrossingMeans> = found[0].steps.iter().map(|s| &s.means).collect();
    assert_eq!(means[0], &CrossingMeans::Trust);
    let is_grant = |m: &CrossingMeans| matches!(m, CrossingMeans::Technique { row: "iam-005", .. });
    assert!(is_grant(means[1]) && means.len() == 2, "{means:?}");
    let last = &found[0].steps[1].to;
    assert_eq!(last, &CrossingNode::Administrator(B.to_owned()));
}

#[test]
fn an_administrator_takes_whomever_another_account_trusts() {
    let a = || {
        Made::new(A)
            .user("root2", allow(json!("*")))
            .user("ann", allow(json!("s3:GetObject")))
            .user("carl", allow(json!("iam:PutUserPolicy")))
    };
    let ann = json!({"AWS": format!("arn:aws:iam::{A}:user/ann")});
    let b = |trusted: Value| Made::new(B).role("ops", allow(json!("*")), trusted).build();
    // Ann may not assume it, and whoever administers her account can let her.
    let accounts = [a().build(), b(trust(ann.clone()))];
    assert_eq!(reached(&accounts, "ann"), []);
    assert_eq!(reached(&accounts, A), one(B, Tri::Yes));
    assert_eq!(reached(&accounts, "root2"), one(B, Tri::Yes));
    let carl = ways(&accounts, "carl");
    assert_eq!(carl[0].steps.len(), 2, "{carl:?}");
    assert_eq!(carl[0].verdict, Tri::Yes);
    // Those who go on as administrators are no rows of their own.
    let estate = Estate::new(&accounts);
    let found = estate_escalations(&estate, 1);
    assert_eq!(found.crossings.len(), 1, "{:?}", found.crossings);
    // A service control policy keeps the whole account from it.
    let full = policy(allow(json!("*"))).to_string();
    let limit = policy(
        json!([allow(json!("*")), {"Effect": "Deny", "Action": "sts:AssumeRole",
        "Resource": "*"}]),
    )
    .to_string();
    for (text, wanted) in [(&full, one(B, Tri::Yes)), (&limit, Vec::new())] {
        let limited = a().with(|builder| builder.scp_level(&[("p", text)]));
        assert_eq!(reached(&[limited, b(trust(ann.clone()))], A), wanted);
    }
    // By a name that an administrator can give.
    let mut like = trust(json!("*"));
    like["Condition"] =
        json!({"ArnLike": {"aws:PrincipalArn": format!("arn:aws:iam::{A}:user/r*")}});
    assert_eq!(reached(&[a().build(), b(like)], A), one(B, Tri::Yes));
}

#[test]
fn a_path_may_lead_through_several_accounts_and_back() {
    let assume = || allow(json!("sts:AssumeRole"));
    let a = Made::new(A)
        .user("ann", assume())
        .role("own", allow(json!("*")), trust(json!({"AWS": C})))
        .build();
    let b = Made::new(B)
        .role("hop", assume(), trust(json!({"AWS": A})))
        .build();
    let c = Made::new(C)
        .role("ops", allow(json!("*")), trust(json!({"AWS": B})))
        .build();
    let accounts = [a, b, c];
    let found = ways(&accounts, "ann");
    let to: Vec<&str> = found.iter().map(|way| way.to.as_str()).collect();
    // Her own account as well, through both others.
    assert_eq!(to, [A, C]);
    assert_eq!(found[1].steps.len(), 2, "{found:?}");
    assert_eq!(found[0].steps.len(), 3, "{found:?}");
}

#[test]
fn code_of_a_function_is_changed_where_its_policy_lets_another_account() {
    let function = format!("arn:aws:lambda:us-east-1:{B}:function:f");
    let reached = |action: &str, role: Value| {
        let a = Made::new(A).user("ann", allow(json!("lambda:*"))).build();
        let services = trust(json!({"Service": "lambda.amazonaws.com"}));
        let b = Made::new(B).role("runs", role, services).with(|builder| {
            builder.role_consumer("lambda", &function, &format!("arn:aws:iam::{B}:role/runs"));
            let statement = json!({"Effect": "Allow", "Principal": {"AWS": A}, "Action": action,
                "Resource": function});
            let text = policy(statement).to_string();
            builder.resource("lambda:functionpolicy", &function, &text);
        });
        reached(&[a, b], "ann")
    };
    let all = || allow(json!("*"));
    assert_eq!(
        reached("lambda:UpdateFunctionCode", all()),
        one(B, Tri::Yes)
    );
    assert_eq!(reached("lambda:InvokeFunction", all()), []);
    assert_eq!(
        reached("lambda:UpdateFunctionCode", allow(json!("s3:*"))),
        []
    );
}

#[test]
fn a_shared_key_and_shared_data_make_nobody_administrator() {
    let a = Made::new(A).user("ann", allow(json!("*"))).build();
    let b = Made::new(B)
        .user("boss", allow(json!("*")))
        .with(|builder| {
            let to_a = json!({"Effect": "Allow", "Principal": {"AWS": A}, "Action": "*",
            "Resource": "*"});
            let text = policy(to_a).to_string();
            let key = format!("arn:aws:kms:us-east-1:{B}:key/k");
            builder.resource("kms:keypolicy", &key, &text);
            let secret = format!("arn:aws:secretsmanager:us-east-1:{B}:secret:s-abcdef");
            builder.resource("secretsmanager:resourcepolicy", &secret, &text);
        });
    assert_eq!(reached(&[a, b], "ann"), []);
}

/// What the management account shows of its organization.
struct Central {
    members: Vec<&'static str>,
    services: Vec<&'static str>,
    delegated: Vec<(&'static str, &'static str)>,
    facts: Vec<(&'static str, String, Value)>,
}

const STACK_SETS: &str = "member.org.stacksets.cloudformation.amazonaws.com";

impl Central {
    fn new() -> Self {
        Self {
            members: vec![A, B, C],
            services: Vec::new(),
            delegated: Vec::new(),
            facts: Vec::new(),
        }
    }

    /// An instance of Identity Center with a permission set.
    fn identity_center(mut self) -> Self {
        self.facts.push(("sso:instance", "i".to_owned(), json!({})));
        let set = "arn:aws:sso:::permissionSet/ssoins-1/ps-1".to_owned();
        self.facts
            .push(("sso:permissionset", set, json!({"Name": "Admins"})));
        self
    }

    fn assigned(mut self, account: &str, subject: &str) -> Self {
        let id = format!("arn:aws:sso:::permissionSet/ssoins-1/ps-1/{account}/USER/{subject}");
        self.facts.push(("sso:accountassignment", id, json!({})));
        self
    }

    /// As the account `A`, which is the management account, shows it.
    fn show(&self, builder: &mut AccountBuilder<'_>) {
        member(builder);
        for id in &self.members {
            let account = json!({"Id": id, "Name": id}).to_string();
            builder.fact("organizations:account", "global", id, &account);
        }
        for service in &self.services {
            builder.fact("organizations:serviceaccess", "global", service, "{}");
        }
        for (account, service) in &self.delegated {
            let id = format!("{account}/{service}");
            builder.fact("organizations:delegatedservice", "global", &id, "{}");
        }
        for (kind, id, document) in &self.facts {
            builder.fact(kind, "global", id, &document.to_string());
        }
    }
}

/// A member of the organization that `A` manages.
fn member(builder: &mut AccountBuilder<'_>) {
    let organization = json!({"Id": "o-1", "MasterAccountId": A}).to_string();
    builder.fact(
        "organizations:organization",
        "global",
        "organization",
        &organization,
    );
}

#[test]
fn the_organizations_role_gives_the_management_account_its_members() {
    let role = |name: &str| Made::new(B).role(name, allow(json!("*")), trust(json!({"AWS": A})));
    let a = |own: Value| {
        let made = Made::new(A).user("ann", own);
        made.with(|builder| Central::new().show(builder))
    };
    let assume = || allow(json!("sts:AssumeRole"));
    let found = ways(
        &[a(assume()), role("OrganizationAccountAccessRole").build()],
        "ann",
    );
    // C was not read: the role may be there.
    let all: Vec<_> = found.iter().map(|w| (w.to.as_str(), w.verdict)).collect();
    assert_eq!(all, [(B, Tri::Yes), (C, Tri::Maybe)]);
    assert_eq!(found[1].steps[0].means, CrossingMeans::OrganizationRole);
    let estate_of = [a(assume()), role("OrganizationAccountAccessRole").build()];
    let estate = Estate::new(&estate_of);
    let said = estate.answer_of_step(&found[1].steps[0]).unwrap();
    assert!(
        said.unread[0].contains("account 777788889999 was not read"),
        "{said:?}"
    );
    // Of an account that was read, only what it trusts counts.
    let gone = Made::new(B).user("bob", allow(json!("*"))).build();
    let found = reached(&[a(assume()), gone], "ann");
    assert_eq!(found, one(C, Tri::Maybe));
    let named = json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Resource": format!("arn:aws:iam::{B}:role/*")});
    let found = reached(
        &[a(named), role("OrganizationAccountAccessRole").build()],
        "ann",
    );
    assert_eq!(found, one(B, Tri::Yes));
}

#[test]
fn stack_sets_reach_all_members_but_the_management_account() {
    let stacks = || {
        allow(json!([
            "cloudformation:CreateStackSet",
            "cloudformation:CreateStackInstances"
        ]))
    };
    let reached = |central: Central, who: &str, own: Value| {
        let a = Made::new(A).user("ann", own.clone());
        let a = a.with(|builder| central.show(builder));
        let b = Made::new(B).user("bob", own).with(member);
        let c = Made::new(C).user("eve", allow(json!("s3:*"))).with(member);
        reached(&[a, b, c], who)
    };
    let trusted = || Central {
        services: vec![STACK_SETS],
        ..Central::new()
    };
    let both = vec![(B.to_owned(), Tri::Yes), (C.to_owned(), Tri::Yes)];
    assert_eq!(reached(trusted(), "ann", stacks()), both);
    // Without trusted access, or with half of the actions, it is no way.
    assert_eq!(reached(Central::new(), "ann", stacks()), []);
    let half = allow(json!("cloudformation:CreateStackSet"));
    assert_eq!(reached(trusted(), "ann", half), []);
    // A member has no say, unless it is a delegated administrator, and then not in the management
    // account.
    assert_eq!(reached(trusted(), "bob", stacks()), []);
    let delegated = || Central {
        delegated: vec![(B, STACK_SETS)],
        ..trusted()
    };
    assert_eq!(reached(delegated(), "bob", stacks()), one(C, Tri::Yes));
    let elsewhere = Central {
        delegated: vec![(B, "guardduty.amazonaws.com")],
        ..trusted()
    };
    assert_eq!(reached(elsewhere, "bob", stacks()), []);
    // Administrators can activate trusted access.
    let all = || allow(json!("*"));
    assert_eq!(reached(Central::new(), A, all()), both);
    assert_eq!(reached(Central::new(), B, all()), []);
    // There must be a stack set to change.
    let change = allow(json!("cloudformation:UpdateStackSet"));
    let may = vec![(B.to_owned(), Tri::Maybe), (C.to_owned(), Tri::Maybe)];
    assert_eq!(reached(trusted(), "ann", change), may);
}

#[test]
fn what_the_organization_denies_an_account_no_stack_gives() {
    let reached = |limit: &str| {
        let own = allow(json!("cloudformation:*"));
        let central = Central {
            members: vec![A, B],
            services: vec![STACK_SETS],
            ..Central::new()
        };
        let a = Made::new(A).user("ann", own).with(|b| central.show(b));
        let b = Made::new(B).user("bob", none()).with(|builder| {
            member(builder);
            builder.scp_level(&[("p", &policy(allow(json!(limit))).to_string())]);
        });
        reached(&[a, b], "ann")
    };
    assert_eq!(reached("*"), one(B, Tri::Yes));
    assert_eq!(reached("s3:*"), []);
}

#[test]
fn a_service_that_was_not_read_is_a_may_and_said() {
    let mut builder = AccountBuilder::of_snapshot(A, Actions::builtin());
    let own = allow(json!(["cloudformation:*", "sso:*"]));
    let ann = json!({"UserName": "ann", "Arn": format!("arn:aws:iam::{A}:user/ann"),
        "UserPolicyList": [{"PolicyName": "p", "PolicyDocument": policy(own)}]});
    let details = json!({"UserDetailList": [ann]}).to_string();
    builder.authorization_details(&details).unwrap();
    builder.read("organizations:organization", "global");
    builder.read("organizations:account", "global");
    Central::new().show(&mut builder);
    builder.unread(UnreadFact {
        kind: "organizations:serviceaccess".to_owned(),
        region: "global".to_owned(),
        id: String::new(),
        call: "organizations:ListAWSServiceAccessForOrganization".to_owned(),
        why: UnreadReason::Failed("denied".to_owned()),
    });
    builder.controls(Controls::Read);
    let accounts = [
        builder.build(),
        Made::new(B).user("bob", none()).with(member),
    ];
    let found = ways(&accounts, "ann");
    let over = |w: &Crossing| match w.steps[0].means {
        CrossingMeans::OverOrganization { row, doubt } => (row, doubt),
        _ => panic!("{w:?}"),
    };
    assert_eq!(found[0].to, B);
    assert_eq!(
        over(&found[0]),
        ("org-stacksets-001", Some(CrossingDoubt::TrustedAccess))
    );
    assert!(found.iter().all(|way| way.verdict == Tri::Maybe));
    let estate = Estate::new(&accounts);
    let unread = estate_escalations(&estate, 1).unread;
    let organization = || "o-1".to_owned();
    assert!(unread.contains(&UnreadOfOrganization::Delegation(organization())));
    assert!(unread.contains(&UnreadOfOrganization::Assignments(organization())));
    assert!(!unread.contains(&UnreadOfOrganization::Accounts(organization())));
}

const ASSIGN: [&str; 3] = [
    "sso:CreatePermissionSet",
    "sso:AttachManagedPolicyToPermissionSet",
    "sso:CreateAccountAssignment",
];

#[test]
fn whoever_assigns_permission_sets_may_become_administrator_of_members() {
    let reached = |central: Central, who: &str, own: Value| {
        let a = Made::new(A).user("ann", own.clone());
        let a = a.with(|builder| central.show(builder));
        let b = Made::new(B).user("bob", own).with(member);
        let c = Made::new(C).user("eve", none()).with(member);
        reached(&[a, b, c], who)
    };
    let assign = || allow(json!(ASSIGN));
    let center = || Central::new().identity_center();
    // Whether Ann has a user of Identity Center, nobody knows.
    let may = vec![(B.to_owned(), Tri::Maybe), (C.to_owned(), Tri::Maybe)];
    assert_eq!(reached(center(), "ann", assign()), may);
    assert_eq!(reached(Central::new(), "ann", assign()), []);
    assert_eq!(reached(center(), "bob", assign()), []);
    let delegated = || Central {
        delegated: vec![(B, "sso.amazonaws.com")],
        ..center()
    };
    assert_eq!(reached(delegated(), "bob", assign()), one(C, Tri::Maybe));
    assert_eq!(reached(delegated(), B, allow(json!("*"))), one(C, Tri::Yes));
    // With a set that is there, in one account only.
    let mut only = allow(json!("sso:CreateAccountAssignment"));
    only["Resource"] = json!([
        "arn:aws:sso:::instance/*",
        "arn:aws:sso:::permissionSet/*",
        format!("arn:aws:sso:::account/{C}")
    ]);
    let mut there = center();
    let set = "arn:aws:sso:::permissionSet/ssoins-1/ps-1";
    assert_eq!(reached(center(), "ann", only.clone()), []);
    let id = format!("{set}/arn:aws:iam::aws:policy/AdministratorAccess");
    there
        .facts
        .push(("sso:permissionsetmanagedpolicy", id, json!({})));
    assert_eq!(reached(there, "ann", only), one(C, Tri::Maybe));
}

const RESERVED: &str = "aws-reserved/sso.amazonaws.com/";
const ADMINS: &str = "AWSReservedSSO_Admins_0123456789abcdef";

fn federated() -> Value {
    json!({"Effect": "Allow", "Action": "sts:AssumeRoleWithSAML",
        "Principal": {"Federated": "arn:aws:iam::111122223333:saml-provider/s"}})
}

#[test]
fn people_have_the_roles_of_their_permission_sets() {
    let person = |id: &str| {
        let subject = WorkforceSubject {
            is_group: false,
            id: id.to_owned(),
        };
        CrossingNode::Workforce(subject)
    };
    let rows = |central: &Central, here: Value, there: Value| -> Vec<(CrossingNode, String, Tri)> {
        let a = Made::new(A).role_in(RESERVED, ADMINS, here, federated());
        let a = a.with(|builder| central.show(builder));
        let b = Made::new(B).role_in(RESERVED, ADMINS, there, federated());
        let accounts = [a, b.with(member)];
        let found = estate_escalations(&Estate::new(&accounts), 1);
        let rows = found.crossings.into_iter();
        rows.map(|row| (row.from, row.to, row.verdict)).collect()
    };
    let assigned = Central::new().identity_center().assigned(B, "u-1");
    let found = rows(&assigned, none(), allow(json!("*")));
    assert!(
        found.contains(&(person("u-1"), B.to_owned(), Tri::Yes)),
        "{found:?}"
    );
    assert!(
        !found
            .iter()
            .any(|(who, to, _)| *who == person("u-1") && to != B)
    );
    // A role that reads only makes nobody administrator, and nobody can rewrite it.
    let found = rows(
        &assigned,
        none(),
        allow(json!(["s3:*", "iam:PutRolePolicy"])),
    );
    let by_person = |(who, ..): &&(CrossingNode, String, Tri)| *who == person("u-1");
    assert_eq!(found.iter().filter(by_person).count(), 0, "{found:?}");
    // Who has a permission set in two accounts and may change it in the one, has the other.
    let change = allow(json!([
        "sso:PutInlinePolicyToPermissionSet",
        "sso:ProvisionPermissionSet"
    ]));
    let both = Central::new()
        .identity_center()
        .assigned(A, "u-1")
        .assigned(B, "u-1");
    let found = rows(&both, change.clone(), none());
    assert!(
        found.contains(&(person("u-1"), B.to_owned(), Tri::Yes)),
        "{found:?}"
    );
    // Somebody else's set is no help to its own people only.
    let apart = Central::new()
        .identity_center()
        .assigned(A, "u-1")
        .assigned(B, "u-2");
    let found = rows(&apart, change, none());
    assert!(
        found.contains(&(person("u-1"), B.to_owned(), Tri::Maybe)),
        "{found:?}"
    );
    assert!(
        !found.iter().any(|(who, ..)| *who == person("u-2")),
        "{found:?}"
    );
}

#[test]
fn threads_and_the_order_of_accounts_change_nothing() {
    let account = |id: &'static str, next: &str| {
        let mut made = Made::new(id);
        for n in 0..5 {
            let trusted = trust(json!({"AWS": next}));
            let own = allow(json!(if n == 0 { "*" } else { "sts:AssumeRole" }));
            made = made.role(&format!("r{n}"), own, trusted);
        }
        move || made.build()
    };
    let build = [account(A, B), account(B, C), account(C, A)];
    let [a, b, c] = build;
    let accounts = [a(), b(), c()];
    let estate = Estate::new(&accounts);
    let first = estate_escalations(&estate, 1);
    assert!(first.crossings.len() > 6, "{}", first.crossings.len());
    for threads in [2, 7] {
        let other = estate_escalations(&estate, threads);
        assert_eq!(first.crossings, other.crossings);
    }
}
