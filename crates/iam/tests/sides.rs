//! Rules of AWS on questions between accounts, one test a rule. `docs/iam-rules.md` has the list
//! with the pages.

use bartizan_iam::{
    AccessAnswer, AccessQuestion, Account, AccountBuilder, Actions, Controls, Estate,
    KnownAccounts, Membership, OpenReason, Organization, RequestCaller, Tri, UnreadFact,
    external_access,
};
use serde_json::{Value, json};

const A: &str = "111122223333";
const B: &str = "444455556666";
const QUEUE: &str = "arn:aws:sqs:us-east-1:444455556666:orders";

fn policy(statements: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn allow(action: &str) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": "*"})
}

/// User `ann` and role `app` of an account, with one policy each, and more facts.
fn account(id: &str, own: &Value, more: impl FnOnce(&mut AccountBuilder<'_>)) -> Account<'static> {
    let mut builder = AccountBuilder::new(id, Actions::builtin());
    let inline = json!([{"PolicyName": "p", "PolicyDocument": policy(own.clone())}]);
    let trust = policy(json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "ec2.amazonaws.com"}}));
    let details = json!({
        "UserDetailList": [{"UserName": "ann", "UserId": "AIDAANN", "Tags": [],
            "Arn": format!("arn:aws:iam::{id}:user/ann"), "UserPolicyList": inline}],
        "RoleDetailList": [{"RoleName": "app", "RoleId": "AROAAPP",
            "Tags": [{"Key": "team", "Value": "blue"}],
            "Arn": format!("arn:aws:iam::{id}:role/app"), "RolePolicyList": inline,
            "AssumeRolePolicyDocument": trust}],
    });
    builder.authorization_details(&details.to_string()).unwrap();
    builder.read("s3:bucket", "global");
    more(&mut builder);
    builder.build()
}

fn queue(builder: &mut AccountBuilder<'_>, statements: Value) {
    builder.resource("sqs:queuepolicy", QUEUE, &policy(statements).to_string());
}

fn to(principal: &str) -> Value {
    json!({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sqs:*",
        "Resource": "*"})
}

fn ask(accounts: &[Account<'_>], who: &str, action: &str, resource: &str) -> AccessAnswer {
    let estate = Estate::new(accounts);
    let caller = match estate.principal(who) {
        Ok(id) => id.into(),
        Err(_) => RequestCaller::Aws(who.to_owned()).into(),
    };
    estate.ask(&AccessQuestion::new(caller, action, resource))
}

fn send(accounts: &[Account<'_>]) -> AccessAnswer {
    ask(
        accounts,
        "arn:aws:iam::111122223333:user/ann",
        "sqs:SendMessage",
        QUEUE,
    )
}

fn none() -> Value {
    json!([])
}

fn nothing(_: &mut AccountBuilder<'_>) {}

#[test]
fn across_accounts_both_sides_must_allow() {
    let verdict = |own: Value, theirs: Value| {
        let b = account(B, &none(), |b| queue(b, theirs));
        send(&[account(A, &own, nothing), b]).verdict
    };
    assert_eq!(verdict(allow("sqs:*"), to(A)), Tri::Yes);
    assert_eq!(verdict(none(), to(A)), Tri::No);
    assert_eq!(
        verdict(none(), to("arn:aws:iam::111122223333:user/ann")),
        Tri::No
    );
    assert_eq!(verdict(allow("sqs:*"), none()), Tri::No);
    assert_eq!(
        verdict(allow("sqs:*"), to("arn:aws:iam::111122223333:role/app")),
        Tri::No
    );
    let denied = json!([to(A), {"Effect": "Deny", "Principal": {"AWS": A}, "Action": "*",
        "Resource": "*"}]);
    assert_eq!(verdict(allow("sqs:*"), denied), Tri::No);
}

#[test]
fn a_resource_without_a_policy_lets_in_no_other_account() {
    let accounts = [
        account(A, &allow("*"), nothing),
        account(B, &none(), nothing),
    ];
    let said = send(&accounts);
    assert_eq!(said.verdict, Tri::No);
    // There is no resource policy that could have said no.
    assert_eq!(
        said.because,
        ["service: there is no policy of the resource that allows it"]
    );
    let other = "arn:aws:iam::444455556666:role/app";
    let who = "arn:aws:iam::111122223333:user/ann";
    assert_eq!(ask(&accounts, who, "iam:PassRole", other).verdict, Tri::No);
}

#[test]
fn a_side_that_was_not_read_leaves_a_may_with_its_account() {
    let caller_only = send(&[account(A, &allow("*"), nothing)]);
    assert_eq!(
        (caller_only.verdict, &caller_only.open[..]),
        (Tri::Maybe, &[OpenReason::Unread][..])
    );
    assert!(caller_only.unread[0].contains("account 444455556666 was not read"));
    assert!(caller_only.unread[0].contains(&format!("the policy of {QUEUE} was not read")));
    // What the own side does not allow, nobody else can.
    assert_eq!(send(&[account(A, &none(), nothing)]).verdict, Tri::No);
    let owner_only = send(&[account(B, &none(), |b| queue(b, to(A)))]);
    assert_eq!(owner_only.verdict, Tri::Maybe);
    assert!(owner_only.unread[0].contains("account 111122223333 was not read"));
    assert_eq!(
        send(&[account(B, &none(), |b| queue(b, none()))]).verdict,
        Tri::No
    );
}

#[test]
fn a_bucket_is_of_the_account_whose_list_has_it() {
    let bucket = "arn:aws:s3:::reports/x";
    let open = policy(
        json!({"Effect": "Allow", "Principal": {"AWS": A}, "Action": "s3:*",
        "Resource": "*"}),
    );
    let holder = |b: &mut AccountBuilder<'_>| {
        b.fact("s3:bucket", "us-east-1", "reports", "{}");
        b.resource("s3:bucketpolicy", "arn:aws:s3:::reports", &open.to_string());
    };
    let a = || account(A, &allow("s3:*"), nothing);
    let who = "arn:aws:iam::111122223333:user/ann";
    let both = [a(), account(B, &none(), holder)];
    assert_eq!(ask(&both, who, "s3:GetObject", bucket).verdict, Tri::Yes);
    // In either order of the accounts.
    let turned = [account(B, &none(), holder), a()];
    assert_eq!(ask(&turned, who, "s3:GetObject", bucket).verdict, Tri::Yes);
    // In no complete list: it is of somebody else, who must allow it as well.
    let alone = ask(&[a()], who, "s3:GetObject", bucket);
    assert_eq!(
        (alone.verdict, alone.open),
        (Tri::Maybe, vec![OpenReason::Unread])
    );
    assert_eq!(
        ask(&[account(A, &none(), nothing)], who, "s3:GetObject", bucket).verdict,
        Tri::No
    );
}

/// An organization with one policy beside the one that allows all, at one of its nodes.
fn organization(id: &str, member: &str, node: &str, own: &Value) -> Organization {
    let mut organization = Organization::default();
    let document = json!({"Id": id, "MasterAccountId": "999900001111"}).to_string();
    organization.fact("organizations:organization", "organization", || {
        Some(document)
    });
    let is_rcp = own.get("Principal").is_some();
    let mut all = allow("*");
    if is_rcp {
        all["Principal"] = json!("*");
    }
    let all = || Some(policy(all.clone()).to_string());
    organization.fact("organizations:policy", "p-all", all);
    organization.fact("organizations:policy", "p-own", || {
        Some(policy(own.clone()).to_string())
    });
    let only = own["Effect"] == "Allow";
    for one in ["r-1", "ou-1", member] {
        let p = if only && one == node {
            "p-own"
        } else {
            "p-all"
        };
        organization.fact("organizations:policytarget", &format!("{p}/{one}"), || None);
    }
    if !only {
        organization.fact(
            "organizations:policytarget",
            &format!("p-own/{node}"),
            || None,
        );
    }
    for (parent, child) in [("r-1", "ou-1"), ("ou-1", member)] {
        organization.fact("organizations:member", &format!("{parent}/{child}"), || {
            None
        });
    }
    organization
}

fn sending(a: &Organization, b: &Organization) -> AccessAnswer {
    let bound = |organization: &Organization, id: &str, builder: &mut AccountBuilder<'_>| {
        assert!(organization.bind(id, builder));
    };
    send(&[
        account(A, &allow("sqs:*"), |builder| bound(a, A, builder)),
        account(B, &none(), |builder| {
            queue(builder, to(A));
            bound(b, B, builder);
        }),
    ])
}

#[test]
fn service_control_policies_bind_callers_and_resource_control_policies_resources() {
    let scp = json!({"Effect": "Deny", "Action": "sqs:*", "Resource": "*"});
    let mut rcp = scp.clone();
    rcp["Principal"] = json!("*");
    let nothing_else = json!({"Effect": "Deny", "Action": "glacier:*", "Resource": "*"});
    let of = |id: &str, member: &str, own: &Value| organization(id, member, "ou-1", own);
    let free = |id: &str, member: &str| of(id, member, &nothing_else);
    assert_eq!(sending(&free("o-1", A), &free("o-2", B)).verdict, Tri::Yes);
    // Of the caller: bound by SCPs, not by RCPs. Of the resource: the other way around.
    assert_eq!(
        sending(&of("o-1", A, &scp), &free("o-2", B)).verdict,
        Tri::No
    );
    assert_eq!(
        sending(&of("o-1", A, &rcp), &free("o-2", B)).verdict,
        Tri::Yes
    );
    assert_eq!(
        sending(&free("o-1", A), &of("o-2", B, &scp)).verdict,
        Tri::Yes
    );
    assert_eq!(
        sending(&free("o-1", A), &of("o-2", B, &rcp)).verdict,
        Tri::No
    );
}

#[test]
fn an_answer_names_the_level_and_the_policy_that_does_not_allow() {
    let own = json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"});
    let free = json!({"Effect": "Deny", "Action": "glacier:*", "Resource": "*"});
    let said = sending(
        &organization("o-1", A, "ou-1", &own),
        &organization("o-2", B, "ou-1", &free),
    );
    assert_eq!(said.verdict, Tri::No);
    assert_eq!(
        said.because,
        ["service control policy of ou-1 (p-own): does not allow it"]
    );
}

#[test]
fn policies_of_the_organization_that_were_not_read_leave_a_may() {
    let unread = |builder: &mut AccountBuilder<'_>| {
        builder.controls(Controls::Unread("denied".to_owned()));
    };
    let b = || account(B, &none(), |b| queue(b, to(A)));
    assert_eq!(
        send(&[account(A, &allow("sqs:*"), unread), b()]).verdict,
        Tri::Maybe
    );
    let b = account(B, &none(), |b| {
        queue(b, to(A));
        unread(b);
    });
    let said = send(&[account(A, &allow("sqs:*"), nothing), b]);
    assert!(
        said.verdict == Tri::Maybe && said.unread[0].contains(B),
        "{said:?}"
    );
}

/// Verdict of ann and app of one account on a queue of the other, under one condition.
fn under(operator: &str, key: &str, value: &str) -> [Tri; 2] {
    let mut grant = to(A);
    grant["Condition"] = json!({operator: {key: value}});
    let member = |organization: &str, path: &str| Membership::Member {
        organization: organization.to_owned(),
        path: Some(path.to_owned()),
    };
    let accounts = [
        account(A, &allow("sqs:*"), |a| {
            a.membership(member("o-1", "o-1/r-1/ou-1/"))
        }),
        account(B, &none(), |b| {
            queue(b, grant);
            b.membership(member("o-2", "o-2/r-2/"));
        }),
    ];
    ["user/ann", "role/app"].map(|who| {
        let who = format!("arn:aws:iam::{A}:{who}");
        ask(&accounts, &who, "sqs:SendMessage", QUEUE).verdict
    })
}

#[test]
fn keys_that_follow_from_what_was_read_are_known() {
    use Tri::{Maybe, No, Yes};
    let equal = |key: &str, value: &str| under("StringEquals", key, value);
    assert_eq!(equal("aws:PrincipalOrgID", "o-1"), [Yes, Yes]);
    assert_eq!(equal("aws:PrincipalOrgID", "o-2"), [No, No]);
    assert_eq!(equal("aws:principalorgid", "o-1"), [Yes, Yes]);
    let any = "ForAnyValue:StringLike";
    assert_eq!(
        under(any, "aws:PrincipalOrgPaths", "o-1/r-1/ou-1/*"),
        [Yes, Yes]
    );
    assert_eq!(
        under(any, "aws:PrincipalOrgPaths", "o-1/r-1/ou-2/*"),
        [No, No]
    );
    assert_eq!(equal("aws:ResourceOrgID", "o-2"), [Yes, Yes]);
    assert_eq!(equal("aws:ResourceAccount", B), [Yes, Yes]);
    assert_eq!(equal("aws:ResourceAccount", A), [No, No]);
    assert_eq!(equal("aws:PrincipalTag/team", "blue"), [No, Yes]);
    assert_eq!(equal("aws:PrincipalTag/other", "blue"), [No, No]);
    assert_eq!(equal("aws:userid", "AIDAANN"), [Yes, No]);
    assert_eq!(under("StringLike", "aws:userid", "AROAAPP:*"), [No, Yes]);
    assert_eq!(
        under("StringLike", "aws:userid", "AROAAPP:i-*"),
        [No, Maybe]
    );
    assert_eq!(equal("aws:username", "ann"), [Yes, No]);
    assert_eq!(equal("kms:CallerAccount", A), [Yes, Yes]);
    assert_eq!(under("Bool", "aws:PrincipalIsAWSService", "true"), [No, No]);
    // Callers of accounts have no source: closed, not open.
    assert_eq!(equal("aws:SourceAccount", A), [No, No]);
    assert_eq!(
        under("ArnLike", "aws:SourceArn", "arn:aws:s3:::*"),
        [No, No]
    );
    assert_eq!(
        equal("aws:PrincipalServiceName", "sns.amazonaws.com"),
        [No, No]
    );
    // Principal ARNs compare by exact case.
    let ann = "arn:aws:iam::111122223333:user/ann";
    assert_eq!(under("ArnEquals", "aws:PrincipalArn", ann), [Yes, No]);
    assert_eq!(
        under("ArnEquals", "aws:PrincipalArn", &ann.replace("ann", "Ann")),
        [No, No]
    );
    // What only the request knows is open.
    assert_eq!(
        equal("kms:ViaService", "s3.us-east-1.amazonaws.com"),
        [Maybe, Maybe]
    );
    assert_eq!(equal("s3:prefix", "home/"), [Maybe, Maybe]);
}

#[test]
fn tags_of_a_role_are_known_only_where_no_session_can_have_others() {
    let verdict = |trusted: &str| {
        let mut builder = AccountBuilder::new(A, Actions::builtin());
        let own = policy(
            json!({"Effect": "Allow", "Action": "sqs:*", "Resource": "*",
            "Condition": {"StringEquals": {"aws:PrincipalTag/team": "blue"}}}),
        );
        let trust = policy(json!({"Effect": "Allow", "Action": trusted,
            "Principal": {"AWS": A}}));
        let details = json!({"RoleDetailList": [{"RoleName": "app",
            "Arn": format!("arn:aws:iam::{A}:role/app"),
            "Tags": [{"Key": "team", "Value": "blue"}], "AssumeRolePolicyDocument": trust,
            "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": own}]}]});
        builder.authorization_details(&details.to_string()).unwrap();
        let queue = format!("arn:aws:sqs:us-east-1:{A}:own");
        builder.build().may(0, "sqs:SendMessage", &queue).verdict
    };
    assert_eq!(verdict("sts:AssumeRole"), Tri::Yes);
    assert_eq!(verdict("sts:*"), Tri::Maybe);
    assert_eq!(verdict("sts:TagSession"), Tri::Maybe);
}

#[test]
fn tags_of_a_bucket_count_where_it_has_attribute_based_access_control() {
    let verdict = |abac: Option<&str>| {
        let own = json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*",
            "Condition": {"StringEquals": {"aws:ResourceTag/team": "blue"}}});
        let tagged = account(A, &own, |b| {
            b.fact("s3:bucket", "us-east-1", "reports", "{}");
            let tags = r#"{"TagSet": [{"Key": "team", "Value": "blue"}]}"#;
            b.fact("s3:buckettagging", "us-east-1", "reports", tags);
            if let Some(status) = abac {
                let document = json!(status).to_string();
                b.fact("s3:bucketabac", "us-east-1", "reports", &document);
            }
        });
        let who = "arn:aws:iam::111122223333:user/ann";
        ask(&[tagged], who, "s3:ListBucket", "arn:aws:s3:::reports").verdict
    };
    assert_eq!(verdict(Some("Enabled")), Tri::Yes);
    assert_eq!(verdict(Some("Disabled")), Tri::No);
    assert_eq!(verdict(None), Tri::Maybe);
}

#[test]
fn a_session_in_a_resource_policy_is_a_may_for_the_role() {
    let session = "arn:aws:sts::111122223333:assumed-role/app/s1";
    let accounts = [
        account(A, &allow("sqs:*"), nothing),
        account(B, &none(), |b| queue(b, to(session))),
    ];
    let asked = |who: &str| ask(&accounts, who, "sqs:SendMessage", QUEUE);
    let role = asked("arn:aws:iam::111122223333:role/app");
    assert_eq!(
        (role.verdict, role.open),
        (Tri::Maybe, vec![OpenReason::SessionName])
    );
    assert_eq!(asked(session).verdict, Tri::Yes);
    assert_eq!(
        asked("arn:aws:sts::111122223333:assumed-role/app/s2").verdict,
        Tri::No
    );
    assert_eq!(asked("arn:aws:iam::111122223333:user/ann").verdict, Tri::No);
}

#[test]
fn roles_are_assumed_with_a_token_by_federated_principals_only() {
    let role = "arn:aws:iam::111122223333:role/r";
    let mut builder = AccountBuilder::new(A, Actions::builtin());
    let trust = policy(json!({"Effect": "Allow", "Action": "sts:*",
        "Principal": {"AWS": "*", "Federated": "accounts.google.com"}}));
    let details = json!({"RoleDetailList": [{"RoleName": "r", "Arn": role,
        "AssumeRolePolicyDocument": trust}]});
    builder.authorization_details(&details.to_string()).unwrap();
    let accounts = [builder.build()];
    let estate = Estate::new(&accounts);
    let verdict = |caller: RequestCaller, action: &str| {
        estate
            .ask(&AccessQuestion::new(caller.into(), action, role))
            .verdict
    };
    let token = || RequestCaller::Federated("accounts.google.com".to_owned());
    let own = || RequestCaller::Aws("arn:aws:iam::111122223333:root".to_owned());
    assert_eq!(verdict(token(), "sts:AssumeRoleWithWebIdentity"), Tri::Yes);
    assert_eq!(verdict(token(), "sts:AssumeRole"), Tri::No);
    assert_eq!(verdict(own(), "sts:AssumeRoleWithWebIdentity"), Tri::No);
    assert_eq!(verdict(own(), "sts:AssumeRoleWithSAML"), Tri::No);
    assert_eq!(verdict(own(), "sts:AssumeRole"), Tri::Yes);
    // No call of STS on a role goes without a signature or a token.
    assert_eq!(verdict(RequestCaller::Anonymous, "sts:AssumeRole"), Tri::No);
}

fn holders(accounts: &[Account<'_>], action: &str, resource: &str) -> Vec<(String, Tri)> {
    let holders = Estate::new(accounts).who_can(action, resource);
    holders
        .into_iter()
        .map(|h| (h.name, h.said.verdict))
        .collect()
}

#[test]
fn whoever_a_policy_lets_in_is_a_row() {
    let row = |name: &str, verdict: Tri| (name.to_owned(), verdict);
    let rows = |theirs: Value, both: bool| {
        let b = account(B, &none(), |b| {
            queue(b, theirs);
            b.membership(Membership::Alone);
        });
        let mut accounts = vec![b];
        if both {
            accounts.push(account(A, &allow("sqs:SendMessage"), nothing));
        }
        holders(&accounts, "sqs:SendMessage", QUEUE)
    };
    // An account is everybody whom it lets: by name where it was read.
    assert_eq!(
        rows(to(A), true),
        [
            row("arn:aws:iam::111122223333:role/app", Tri::Yes),
            row("arn:aws:iam::111122223333:user/ann", Tri::Yes)
        ]
    );
    assert_eq!(
        rows(to(A), false),
        [row("whoever account 111122223333 lets", Tri::Maybe)]
    );
    let mut member = to("*");
    member["Condition"] = json!({"StringEquals": {"aws:PrincipalOrgID": "o-7"}});
    assert_eq!(rows(member, false), [row("organization o-7", Tri::Maybe)]);
    let service = json!({"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage", "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceAccount": B}}});
    assert_eq!(rows(service, false), [row("sns.amazonaws.com", Tri::Maybe)]);
    assert!(rows(to("*"), false).contains(&row("anybody", Tri::Yes)));
    // The own principals, where their policies were not read.
    let mut builder = AccountBuilder::new(B, Actions::builtin());
    builder
        .authorization_details(
            r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::444455556666:user/bob",
            "AttachedManagedPolicies": [{"PolicyArn": "arn:aws:iam::444455556666:policy/x"}]}]}"#,
        )
        .unwrap();
    let bob = row("arn:aws:iam::444455556666:user/bob", Tri::Maybe);
    assert_eq!(holders(&[builder.build()], "sqs:SendMessage", QUEUE), [bob]);
}

#[test]
fn services_that_a_trust_policy_names_are_rows() {
    let accounts = [account(A, &none(), nothing)];
    assert_eq!(
        holders(
            &accounts,
            "sts:AssumeRole",
            "arn:aws:iam::111122223333:role/app"
        ),
        [("ec2.amazonaws.com".to_owned(), Tri::Yes)]
    );
}

#[test]
fn nobody_is_ruled_out_where_the_policy_was_not_read() {
    let accounts = [account(A, &none(), nothing)];
    let open = Estate::new(&accounts).open_to_anybody("sqs:SendMessage", QUEUE);
    assert!(open.is_some_and(|why| why.contains("account 444455556666 was not read")));
}

#[test]
fn across_accounts_a_policy_that_was_not_read_cannot_make_up_for_the_callers_side() {
    let unread = |b: &mut AccountBuilder<'_>| {
        b.unread(UnreadFact {
            kind: "sqs:queuepolicy".to_owned(),
            region: "us-east-1".to_owned(),
            id: String::new(),
            call: "sqs:GetQueueAttributes".to_owned(),
            why: bartizan_iam::UnreadReason::Failed("denied".to_owned()),
        });
    };
    let verdict = |own: Value| send(&[account(A, &own, nothing), account(B, &none(), unread)]);
    assert_eq!(verdict(none()).verdict, Tri::No);
    assert_eq!(verdict(allow("sqs:*")).verdict, Tri::Maybe);
}

/// External access to one bucket with an ACL for another canonical user and for everybody.
fn by_acl(kind: &str, document: &Value) -> Vec<String> {
    let mut builder = AccountBuilder::new(A, Actions::builtin());
    let grantee = |key: &str, value: &str| json!({"Grantee": {key: value}, "Permission": "READ"});
    let everybody = "http://acs.amazonaws.com/groups/global/AllUsers";
    let acl = json!({"Owner": {"ID": "own"}, "Grants": [
        grantee("ID", "own"), grantee("ID", "other"), grantee("URI", everybody)]});
    builder.fact("s3:bucketacl", "us-east-1", "b", &acl.to_string());
    builder.fact(kind, "us-east-1", "b", &document.to_string());
    let found = external_access(&builder.build(), &KnownAccounts::default());
    found.iter().map(|access| access.to.sentence()).collect()
}

#[test]
fn an_acl_counts_as_far_as_ownership_and_block_public_access_leave_it() {
    let other = "canonical user other, whose account is not known";
    assert_eq!(
        by_acl("s3:bucketversioning", &json!({})),
        ["anybody", other]
    );
    assert_eq!(
        by_acl(
            "s3:bucketpublicaccessblock",
            &json!({"IgnorePublicAcls": true})
        ),
        [other]
    );
    let enforced = json!({"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]});
    assert_eq!(by_acl("s3:bucketownershipcontrols", &enforced), [""; 0]);
}

fn ways_in(facts: &[(&str, &str, Value)]) -> Vec<(String, String)> {
    let mut builder = AccountBuilder::new(A, Actions::builtin());
    for (kind, id, document) in facts {
        builder.fact(kind, "us-east-1", id, &document.to_string());
    }
    let found = external_access(&builder.build(), &KnownAccounts::default());
    let row = |access: bartizan_iam::ExternalAccess| (access.by, access.to.sentence());
    found.into_iter().map(row).collect()
}

#[test]
fn block_all_sharing_closes_public_snapshots() {
    let shared = (
        "ec2:snapshotpermission",
        "snap-1",
        json!([{"Group": "all"}, {"UserId": B}]),
    );
    let state = |state: &str| {
        (
            "ec2:snapshotblockpublicaccess",
            "account",
            json!({"State": state}),
        )
    };
    let by = |to: &str| ("ec2:snapshotpermission".to_owned(), to.to_owned());
    let account = by("account 444455556666");
    assert_eq!(
        ways_in(&[shared.clone(), state("unblocked")]),
        [by("anybody"), account.clone()]
    );
    assert_eq!(ways_in(&[shared, state("block-all-sharing")]), [account]);
}

#[test]
fn a_url_of_a_function_is_open_where_its_policy_is() {
    let arn = "arn:aws:lambda:us-east-1:111122223333:function:f";
    let url = |auth: &str| ("lambda:functionurl", arn, json!({"AuthType": auth}));
    let open = (
        "lambda:functionpolicy",
        "f",
        policy(json!({"Effect": "Allow",
        "Principal": "*", "Action": "lambda:InvokeFunctionUrl", "Resource": arn,
        "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}})),
    );
    let urls = |facts: &[(&str, &str, Value)]| {
        let found = ways_in(facts).into_iter();
        found.filter(|(by, _)| by == "lambda:functionurl").count()
    };
    assert_eq!(urls(&[url("NONE")]), 0);
    assert_eq!(urls(&[url("NONE"), open.clone()]), 1);
    assert_eq!(urls(&[url("AWS_IAM"), open]), 0);
}

#[test]
fn a_full_deny_beside_an_allow_is_closed() {
    let open = |deny: Value| {
        let statements = json!([{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::b/*"}, deny]);
        let found = ways_in(&[("s3:bucketpolicy", "b", policy(statements))]);
        found.len()
    };
    let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"});
    assert_eq!(open(deny.clone()), 0);
    let mut partly = deny.clone();
    partly["Resource"] = json!("arn:aws:s3:::b/secret/*");
    assert_eq!(open(partly), 1);
    let mut other = deny;
    other["Action"] = json!("s3:PutObject");
    assert_eq!(open(other), 1);
}

#[test]
fn ways_out_of_an_account_are_listed() {
    let key = "arn:aws:kms:us-east-1:111122223333:key/k";
    let share = "arn:aws:ram:us-east-1:111122223333:resource-share/s";
    let topic = "arn:aws:sns:us-east-1:111122223333:t";
    let facts = [
        (
            "kms:grant",
            "k/g",
            json!({"GrantId": "g", "KeyId": key, "Operations": ["Decrypt"],
            "GranteePrincipal": "arn:aws:iam::444455556666:role/r"}),
        ),
        (
            "rds:dbsnapshotattributes",
            "s",
            json!([{"AttributeName": "restore",
            "AttributeValues": [B, "all"]}]),
        ),
        (
            "s3:bucketreplication",
            "b",
            json!({"ReplicationConfiguration": {"Rules": [
            {"Status": "Enabled", "Destination": {"Bucket": "arn:aws:s3:::x", "Account": B}}]}}),
        ),
        (
            "sns:subscription",
            "t",
            json!({"TopicArn": topic, "Protocol": "sqs",
            "Endpoint": QUEUE}),
        ),
        (
            "events:target",
            "default/r/1",
            json!({"Id": "1", "Arn": "arn:aws:events:us-east-1:444455556666:event-bus/b"}),
        ),
        (
            "logs:subscriptionfilter",
            "/aws/g/f",
            json!({"destinationArn": "arn:aws:logs:us-east-1:444455556666:destination:d"}),
        ),
        (
            "ec2:vpcpeeringconnection",
            "pcx-1",
            json!({"Status": {"Code": "active"},
            "AccepterVpcInfo": {"OwnerId": B}, "RequesterVpcInfo": {"OwnerId": A}}),
        ),
        (
            "ram:resource",
            "r",
            json!({"resourceShareArn": share,
            "arn": "arn:aws:ec2:us-east-1:111122223333:subnet/s"}),
        ),
        (
            "ram:principal",
            "p",
            json!({"resourceShareArn": share, "id": B}),
        ),
    ];
    let rows = ways_in(&facts);
    let by: Vec<&str> = rows.iter().map(|(by, _)| by.as_str()).collect();
    for kind in facts
        .iter()
        .map(|(kind, ..)| *kind)
        .filter(|k| *k != "ram:principal")
    {
        assert!(by.contains(&kind), "{kind}: {rows:?}");
    }
    let other = |(_, to): &&(String, String)| to.contains(B);
    assert_eq!(rows.iter().filter(other).count(), 8, "{rows:?}");
}

#[test]
fn a_pattern_of_organizations_is_any_account() {
    let to = |operator: &str, value: &str| {
        let statement = json!({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
            "Resource": "*", "Condition": {operator: {"aws:PrincipalOrgID": value}}});
        let found = ways_in(&[("s3:bucketpolicy", "b", policy(statement))]);
        found.into_iter().map(|(_, to)| to).collect::<Vec<_>>()
    };
    assert_eq!(to("StringEquals", "o-7"), ["organization o-7"]);
    assert_eq!(to("StringLike", "o-*"), ["anybody who has an AWS account"]);
}

#[test]
fn a_key_for_oneself_is_no_way_to_another() {
    let becomes = |resource: &str| {
        let mut builder = AccountBuilder::new(A, Actions::builtin());
        let own = policy(json!({"Effect": "Allow", "Action": "iam:CreateAccessKey",
            "Resource": resource}));
        let user = |name: &str, policy: &Value| {
            json!({"UserName": name, "Arn": format!("arn:aws:iam::{A}:user/{name}"),
                "UserPolicyList": [{"PolicyName": "p", "PolicyDocument": policy}]})
        };
        let details = json!({"UserDetailList": [
            user("ann", &own), user("root2", &policy(allow("*")))]});
        builder.authorization_details(&details.to_string()).unwrap();
        let account = builder.build();
        let ann = account.principal("ann").unwrap() as u32;
        let found = bartizan_iam::escalations(&account, 1).found;
        found.iter().any(|e| e.principal == ann)
    };
    assert!(becomes("arn:aws:iam::*:user/*"));
    assert!(!becomes("arn:aws:iam::*:user/${aws:username}"));
}
