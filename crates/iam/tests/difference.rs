//! The difference of two policies: every `must` is shown by a request, and where it says that nothing is new, no request
//! finds anything new.

use bartizan_iam::{
    Actions, Caller, Context, Decision, Layers, Policy, Request, Side, Tri, actions_text, difference, evaluate, parse,
};
use serde_json::{Value, json};

fn policy(statements: Value) -> Policy {
    parse(&json!({"Version": "2012-10-17", "Statement": statements}).to_string()).unwrap()
}

/// The gained classes as text.
fn gained(old: Value, new: Value) -> Vec<String> {
    let actions = Actions::builtin();
    let found = difference(&policy(old), &policy(new), Side::Identity, actions);
    let text =
        |c: &bartizan_iam::AccessClass| format!("{:?} {} on {}", c.verdict, actions_text(&c.actions, actions, 4), c.resource);
    found.gained.iter().map(text).collect()
}

#[test]
fn classes_are_what_people_would_say() {
    let allow = |action: &str, resource: &str| json!({"Effect": "Allow", "Action": action, "Resource": resource});
    let deny = |action: &str, resource: &str| json!({"Effect": "Deny", "Action": action, "Resource": resource});
    let get = allow("s3:GetObject", "arn:aws:s3:::b/*");
    let none: Vec<String> = Vec::new();
    assert_eq!(gained(json!([get]), json!([get])), none);
    // The same in other words.
    assert_eq!(
        gained(json!([allow("s3:*", "*")]), json!([allow("S3:Get*", "*"), allow("s3:PutObject", "arn:aws:s3:::b/*")])),
        none
    );
    assert_eq!(
        gained(json!([allow("s3:GetObject", "arn:aws:s3:::b/*")]), json!([allow("s3:GetObject", "arn:aws:s3:::b/x?*")])),
        none
    );
    assert_eq!(
        gained(json!([allow("s3:GetObject", "arn:aws:s3:::a*"), allow("s3:GetObject", "arn:aws:s3:::b*")]), json!([get])),
        none
    );
    // More actions, more resources, no deny any more.
    assert_eq!(
        gained(json!([get]), json!([allow("s3:*Object", "arn:aws:s3:::b/*")])),
        ["Yes s3:DeleteObject, s3:PutObject, s3:ReplicateObject, s3:RestoreObject on arn:aws:s3:::b/*"]
    );
    assert_eq!(gained(json!([get]), json!([allow("s3:GetObject", "arn:aws:s3:::b*")])), ["Yes s3:GetObject on arn:aws:s3:::b*"]);
    assert_eq!(
        gained(json!([get, deny("s3:*", "arn:aws:s3:::b/secret*")]), json!([get])),
        ["Yes s3:GetObject on arn:aws:s3:::b/*"]
    );
    assert_eq!(gained(json!([get]), json!([get, deny("s3:*", "arn:aws:s3:::b/secret*")])), none);
    // Complements.
    let but = |action: &str, resource: &str| json!({"Effect": "Allow", "NotAction": action, "NotResource": resource});
    assert_eq!(gained(json!([but("iam:*", "arn:aws:s3:::b/*")]), json!([get])), ["Yes s3:GetObject on arn:aws:s3:::b/*"]);
    assert_eq!(gained(json!([but("iam:*", "arn:aws:s3:::c/*")]), json!([get])), none);
    let all = gained(json!([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}]), json!([allow("*", "*")]));
    assert_eq!(all, ["Yes iam:* on *"]);
    // Conditions.
    let from = |net: &str| json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": net}}});
    assert_eq!(gained(json!([from("203.0.113.0/24")]), json!([from("203.0.113.128/25")])), none);
    assert_eq!(gained(json!([from("203.0.113.0/24")]), json!([from("198.51.100.0/24")])), ["Yes s3:GetObject on *"]);
    assert_eq!(gained(json!([from("203.0.113.0/24")]), json!([allow("s3:GetObject", "*")])), ["Yes s3:GetObject on *"]);
}

/// Policies that an attacker made large: an answer comes, and what it does not know is a perhaps.
#[test]
fn large_policies_end_in_a_perhaps() {
    let actions = Actions::builtin();
    let large = |step: usize| {
        let resources =
            |n: usize| (0..20).map(|j| format!("arn:aws:s3:::*a{}{}*", "?b*".repeat(j % 9), n * step + j)).collect::<Vec<_>>();
        let one = |n: usize| {
            let effect = if n.is_multiple_of(3) { "Deny" } else { "Allow" };
            let action = ["s3:Get*", "s3:P*", "ec2:*", "iam:*"][n % 4];
            json!({"Effect": effect, "Action": action, "Resource": resources(n)})
        };
        policy(Value::Array((0..150).map(one).collect()))
    };
    let found = difference(&large(3), &large(7), Side::Identity, actions);
    assert!(!found.grants_nothing_new());
    let last = found.gained.last().unwrap();
    assert_eq!((last.verdict, last.resource.as_str()), (Tri::Maybe, "more than can be compared"));
}

#[test]
fn resource_policies_differ_by_principal() {
    let actions = Actions::builtin();
    let to = |who: Value| {
        policy(json!([{"Effect": "Allow", "Principal": who, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}]))
    };
    let one = to(json!({"AWS": "arn:aws:iam::444455556666:root"}));
    let found = difference(&one, &to(json!("*")), Side::Resource, actions);
    assert_eq!((found.gained.len(), found.gained[0].principal.as_deref(), found.gained[0].verdict), (1, Some("anybody"), Tri::Yes));
    assert_eq!(difference(&to(json!("*")), &one, Side::Resource, actions).gained, []);
    let other = difference(&one, &to(json!({"AWS": ["arn:aws:iam::444455556666:root", "777788889999"]})), Side::Resource, actions);
    assert_eq!((other.gained.len(), other.gained[0].principal.as_deref()), (1, Some("777788889999")));
}

/// Policies of few words, for which every question can be asked.
fn small(random: &mut impl FnMut() -> usize) -> Policy {
    let actions = ["s3:GetObject", "s3:Get*", "s3:*", "*", "s3:PutObject"];
    let resources = ["*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/a*", "arn:aws:s3:::*/a", "arn:aws:s3:::b/a", "arn:aws:s3:::b/?"];
    let statements: Vec<Value> = (0..1 + random() % 3)
        .map(|_| {
            let mut statement = json!({"Effect": if random().is_multiple_of(4) { "Deny" } else { "Allow" }});
            statement[if random().is_multiple_of(6) { "NotAction" } else { "Action" }] = json!(actions[random() % actions.len()]);
            statement[if random().is_multiple_of(5) { "NotResource" } else { "Resource" }] =
                json!([resources[random() % resources.len()], resources[random() % resources.len()]]);
            if random().is_multiple_of(4) {
                statement["Condition"] = json!({"StringEquals": {"k": (["1", "2"][random() % 2])}});
            }
            statement
        })
        .collect();
    policy(Value::Array(statements))
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]

    #[test]
    fn nothing_new_means_nothing_new(seed in proptest::prelude::any::<u64>()) {
        let actions = Actions::builtin();
        let mut state = seed | 1;
        let mut random = || { state ^= state << 13; state ^= state >> 7; state ^= state << 17; (state >> 33) as usize };
        let (old, new) = (small(&mut random), small(&mut random));
        let found = difference(&old, &new, Side::Identity, actions);
        let decide = |policy: &Policy, request: &Request| {
            evaluate(request, &Layers { identity: vec![policy.clone()], ..Layers::default() }, actions).decision
        };
        for class in &found.gained {
            if let Some(witness) = &class.witness {
                proptest::prop_assert_eq!(decide(&new, witness), Decision::Allowed);
                proptest::prop_assert_ne!(decide(&old, witness), Decision::Allowed);
            }
        }
        for action in ["s3:GetObject", "s3:PutObject", "s3:GetObjectAcl", "ec2:RunInstances", "s3:Tomorrow"] {
            for resource in ["arn:aws:s3:::b/a", "arn:aws:s3:::b/x", "arn:aws:s3:::b/ab", "arn:aws:s3:::c/a", "arn:aws:s3:::c/x", "arn:aws:s3:::b/"] {
                for key in [None, Some("1"), Some("2")] {
                    let mut context = Context::default();
                    if let Some(key) = key {
                        context.set("k", bartizan_iam::Given::One(key.to_owned()));
                    }
                    let request = Request {
                        action: action.to_owned(),
                        resource: resource.to_owned(),
                        resource_account: Some("123456789012".to_owned()),
                        caller: Caller::Aws("arn:aws:iam::123456789012:user/alice".to_owned()),
                        context,
                    };
                    let is_new = decide(&new, &request) == Decision::Allowed && decide(&old, &request) != Decision::Allowed;
                    // What is new stands in a class of its action.
                    let bit = actions.bit(action);
                    proptest::prop_assert!(!is_new || found.gained.iter().any(|c| c.actions.contains(bit)), "{:?}\n{:?}\n{:?}", old, new, request);
                }
            }
        }
    }
}
