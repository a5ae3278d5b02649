//! The difference of two policies: every `must` is shown by a request, and where it says that
//! nothing is new, no request finds anything new.

use bartizan_iam::{
    Actions, Context, Decision, Layers, Policy, PolicyGrammar, Request, RequestCaller, Tri,
    actions_text, difference, evaluate, parse,
};
use serde_json::{Value, json};

fn policy(statements: Value) -> Policy {
    parse(&json!({"Version": "2012-10-17", "Statement": statements}).to_string()).unwrap()
}

/// The gained classes as text.
fn gained(old: Value, new: Value) -> Vec<String> {
    let actions = Actions::builtin();
    let found = difference(&policy(old), &policy(new), PolicyGrammar::Identity, actions);
    let text = |c: &bartizan_iam::AccessClass| {
        format!(
            "{:?} {} on {}",
            c.verdict,
            actions_text(&c.actions, actions, 4),
            c.resource
        )
    };
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
        gained(
            json!([allow("s3:*", "*")]),
            json!([
                allow("S3:Get*", "*"),
                allow("s3:PutObject", "arn:aws:s3:::b/*")
            ])
        ),
        none
    );
    assert_eq!(
        gained(
            json!([allow("s3:GetObject", "arn:aws:s3:::b/*")]),
            json!([allow("s3:GetObject", "arn:aws:s3:::b/x?*")])
        ),
        none
    );
    assert_eq!(
        gained(
            json!([
                allow("s3:GetObject", "arn:aws:s3:::a*"),
                allow("s3:GetObject", "arn:aws:s3:::b*")
            ]),
            json!([get])
        ),
        none
    );
    // More actions, more resources, no deny any more.
    assert_eq!(
        gained(
            json!([get]),
            json!([allow("s3:*Object", "arn:aws:s3:::b/*")])
        ),
        [
            "Yes s3:DeleteObject, s3:PutObject, s3:ReplicateObject, s3:RestoreObject on arn:aws:s3:::b/*"
        ]
    );
    assert_eq!(
        gained(
            json!([get]),
            json!([allow("s3:GetObject", "arn:aws:s3:::b*")])
        ),
        ["Yes s3:GetObject on arn:aws:s3:::b*"]
    );
    assert_eq!(
        gained(
            json!([get, deny("s3:*", "arn:aws:s3:::b/secret*")]),
            json!([get])
        ),
        ["Yes s3:GetObject on arn:aws:s3:::b/*"]
    );
    assert_eq!(
        gained(
            json!([get]),
            json!([get, deny("s3:*", "arn:aws:s3:::b/secret*")])
        ),
        none
    );
    // Complements.
    let but = |action: &str, resource: &str| json!({"Effect": "Allow", "NotAction": action, "NotResource": resource});
    assert_eq!(
        gained(json!([but("iam:*", "arn:aws:s3:::b/*")]), json!([get])),
        ["Yes s3:GetObject on arn:aws:s3:::b/*"]
    );
    assert_eq!(
        gained(json!([but("iam:*", "arn:aws:s3:::c/*")]), json!([get])),
        none
    );
    let all = gained(
        json!([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}]),
        json!([allow("*", "*")]),
    );
    assert_eq!(all, ["Yes iam:* on *"]);
    // Conditions.
    let from = |net: &str| json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": net}}});
    assert_eq!(
        gained(
            json!([from("203.0.113.0/24")]),
            json!([from("203.0.113.128/25")])
        ),
        none
    );
    assert_eq!(
        gained(
            json!([from("203.0.113.0/24")]),
            json!([from("198.51.100.0/24")])
        ),
        ["Yes s3:GetObject on *"]
    );
    assert_eq!(
        gained(
            json!([from("203.0.113.0/24")]),
            json!([allow("s3:GetObject", "*")])
        ),
        ["Yes s3:GetObject on *"]
    );
}

/// Policies that an attacker made large: an answer comes, and what it does not know is a perhaps.
#[test]
fn large_policies_end_in_a_perhaps() {
    let actions = Actions::builtin();
    let large = |step: usize| {
        let resources = |n: usize| {
            (0..20)
                .map(|j| format!("arn:aws:s3:::*a{}{}*", "?b*".repeat(j % 9), n * step + j))
                .collect::<Vec<_>>()
        };
        let one = |n: usize| {
            let effect = if n.is_multiple_of(3) { "Deny" } else { "Allow" };
            let action = ["s3:Get*", "s3:P*", "ec2:*", "iam:*"][n % 4];
            json!({"Effect": effect, "Action": action, "Resource": resources(n)})
        };
        policy(Value::Array((0..150).map(one).collect()))
    };
    let found = difference(&large(3), &large(7), PolicyGrammar::Identity, actions);
    assert!(!found.grants_nothing_new());
    let last = found.gained.last().unwrap();
    assert_eq!(
        (last.verdict, last.resource.as_str()),
        (Tri::Maybe, "more than can be compared")
    );
}

#[test]
fn resource_policies_differ_by_principal() {
    let actions = Actions::builtin();
    let to = |who: Value| {
        policy(
            json!([{"Effect": "Allow", "Principal": who, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}]),
        )
    };
    let one = to(json!({"AWS": "arn:aws:iam::444455556666:root"}));
    let found = difference(&one, &to(json!("*")), PolicyGrammar::Resource, actions);
    assert_eq!(
        (
            found.gained.len(),
            found.gained[0].principal.as_deref(),
            found.gained[0].verdict
        ),
        (1, Some("anybody"), Tri::Yes)
    );
    assert_eq!(
        difference(&to(json!("*")), &one, PolicyGrammar::Resource, actions).gained,
        []
    );
    let other = difference(
        &one,
        &to(json!({"AWS": ["arn:aws:iam::444455556666:root", "777788889999"]})),
        PolicyGrammar::Resource,
        actions,
    );
    assert_eq!(
        (other.gained.len(), other.gained[0].principal.as_deref()),
        (1, Some("777788889999"))
    );
}

/// What is gained and lost where only the condition differs: `must` with the key as the witness has
/// it, or `may`.
fn conditions(old: Value, new: Value) -> (Vec<String>, Vec<String>) {
    let actions = Actions::builtin();
    let of = |condition: Value| {
        policy(
            json!([{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*", "Condition": condition}]),
        )
    };
    let found = difference(&of(old), &of(new), PolicyGrammar::Identity, actions);
    let text = |c: &bartizan_iam::AccessClass| {
        let Some(witness) = &c.witness else {
            return "may".to_owned();
        };
        assert_eq!(c.verdict, Tri::Yes);
        let keys: Vec<String> = witness
            .context
            .iter()
            .map(|(k, v)| format!("{k}={v:?}"))
            .collect();
        let absent: Vec<&str> = c.absent(witness).collect();
        format!(
            "must {}{}",
            keys.join(" "),
            absent.iter().map(|k| format!("no {k}")).collect::<String>()
        )
    };
    (
        found.gained.iter().map(text).collect(),
        found.lost.iter().map(text).collect(),
    )
}

#[test]
fn conditions_are_proved_or_shown() {
    let one = |v: &str| format!("k=One(\"{v}\")");
    for (old, new, gained, lost) in [
        // A request without the key.
        (
            json!({"StringEquals": {"k": "a"}}),
            json!({"StringEqualsIfExists": {"k": "a"}}),
            Some("no k".to_owned()),
            None,
        ),
        (
            json!({"Bool": {"k": "true"}}),
            json!({"BoolIfExists": {"k": "true"}}),
            Some("no k".to_owned()),
            None,
        ),
        (
            json!({"IpAddress": {"k": "203.0.113.0/24"}}),
            json!({"IpAddressIfExists": {"k": "203.0.113.0/24"}}),
            Some("no k".to_owned()),
            None,
        ),
        (
            json!({"ArnLike": {"k": "arn:aws:s3:::b"}}),
            json!({"ArnLikeIfExists": {"k": "arn:aws:s3:::b"}}),
            Some("no k".to_owned()),
            None,
        ),
        (
            json!({"ForAllValues:StringEquals": {"k": ["a"]}}),
            json!({"ForAllValues:StringEquals": {"k": ["a"]}, "Null": {"k": "false"}}),
            None,
            Some("no k".to_owned()),
        ),
        // A value more, or less.
        (
            json!({"StringEquals": {"k": "a"}}),
            json!({"StringEquals": {"k": ["a", "b"]}}),
            Some(one("b")),
            None,
        ),
        (
            json!({"StringEquals": {"k": ["a", "b", "c"]}}),
            json!({"StringEquals": {"k": ["c", "a"]}}),
            None,
            Some(one("b")),
        ),
        (
            json!({"NumericLessThan": {"k": "3600"}}),
            json!({"NumericLessThan": {"k": "7200"}}),
            Some(one("5400")),
            None,
        ),
        (
            json!({"NumericLessThan": {"k": "3600"}}),
            json!({"NumericLessThanEquals": {"k": "3600"}}),
            Some(one("3600")),
            None,
        ),
        (
            json!({"DateGreaterThan": {"k": "2026-02-01"}}),
            json!({"DateGreaterThan": {"k": "2026-01-01"}}),
            Some(one("1768564800")),
            None,
        ),
        (
            json!({"IpAddress": {"k": "203.0.113.0/24"}}),
            json!({"IpAddress": {"k": "203.0.112.0/23"}}),
            Some(one("203.0.112.255")),
            None,
        ),
        // A wider test of the same value.
        (
            json!({"StringEquals": {"k": "a"}}),
            json!({"StringLike": {"k": "a"}}),
            None,
            None,
        ),
        (
            json!({"StringEquals": {"k": "team-a"}}),
            json!({"StringLike": {"k": "team-*"}}),
            Some(one("team-")),
            None,
        ),
        (
            json!({"StringLike": {"k": "a*"}}),
            json!({"StringLike": {"k": ["a*", "ab*"]}}),
            None,
            None,
        ),
        (
            json!({"StringLike": {"k": "*"}}),
            json!({"Null": {"k": "false"}}),
            None,
            None,
        ),
        (
            json!({"StringNotEquals": {"k": ["a", "b"]}}),
            json!({"StringNotEquals": {"k": "a"}}),
            Some(one("b")),
            None,
        ),
        (
            json!({"ForAnyValue:StringEquals": {"k": "a"}}),
            json!({"ForAnyValue:StringEquals": {"k": ["a", "b"]}}),
            Some(one("b")),
            None,
        ),
        (
            json!({"StringEquals": {"k": "a"}}),
            json!({}),
            Some("no k".to_owned()),
            None,
        ),
        // Both ways.
        (
            json!({"StringEquals": {"k": "a"}}),
            json!({"StringEquals": {"k": "b"}}),
            Some(one("b")),
            Some(one("a")),
        ),
        // The same in other words.
        (
            json!({"StringEquals": {"k": ["b", "a"]}}),
            json!({"stringequals": {"K": ["a", "b", "a"]}}),
            None,
            None,
        ),
        (
            json!({"StringEquals": {"k": "${aws:username}"}}),
            json!({"StringEquals": {"k": "${aws:username}"}}),
            None,
            None,
        ),
    ] {
        let (more, less) = conditions(old.clone(), new.clone());
        for (found, right) in [(more, gained), (less, lost)] {
            match right {
                None => assert_eq!(found, Vec::<String>::new(), "{old} {new}"),
                // Without the condition: what the new policy has no key for is not in its class.
                Some(right) if right == "no k" => assert!(
                    found.len() == 1
                        && found[0].starts_with("must ")
                        && !found[0].contains("k=One"),
                    "{old} {new} {found:?}"
                ),
                Some(right) => assert_eq!(found, [format!("must {right}")], "{old} {new}"),
            }
        }
    }
}

#[test]
fn statements_together_allow_what_one_does() {
    let allow = |condition: Value| json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*", "Condition": condition});
    let none: Vec<String> = Vec::new();
    // One condition for each value, and one for all of them.
    let (a, b) = (
        allow(json!({"StringEquals": {"k": "a"}})),
        allow(json!({"StringEquals": {"k": "b"}})),
    );
    assert_eq!(
        gained(
            json!([a, b]),
            json!([allow(json!({"StringEquals": {"k": ["a", "b"]}}))])
        ),
        none
    );
    // With the key, and without it.
    let (with, without) = (
        allow(json!({"Null": {"k": "false"}})),
        allow(json!({"Null": {"k": "true"}})),
    );
    assert_eq!(
        gained(json!([with, without]), json!([allow(json!({}))])),
        none
    );
    assert_eq!(
        gained(json!([with]), json!([allow(json!({}))])),
        ["Yes s3:GetObject on arn:aws:s3:::b/*"]
    );
    // A deny with a condition, that the other has as well, or wider, or narrower.
    let deny = |values: Value| json!({"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {"StringEquals": {"k": values}}});
    let all = allow(json!({}));
    assert_eq!(
        gained(
            json!([all, deny(json!("a"))]),
            json!([deny(json!(["b", "a"])), all])
        ),
        none
    );
    assert_eq!(
        gained(
            json!([all, deny(json!(["b", "a"]))]),
            json!([all, deny(json!("a"))])
        ),
        ["Yes s3:GetObject on arn:aws:s3:::b/*"]
    );
}

#[test]
fn a_variable_is_itself_and_nothing_else() {
    let on = |resource: &str| json!([{"Effect": "Allow", "Action": "s3:GetObject", "Resource": resource}]);
    let none: Vec<String> = Vec::new();
    let own = on("arn:aws:s3:::homes/${aws:username}/*");
    assert_eq!(gained(own.clone(), own.clone()), none);
    assert_eq!(
        gained(own.clone(), on("arn:aws:s3:::homes/${AWS:UserName}/a*")),
        none
    );
    assert_eq!(gained(on("arn:aws:s3:::homes/*"), own.clone()), none);
    assert_eq!(
        gained(own.clone(), on("arn:aws:s3:::homes/*")),
        ["Yes s3:GetObject on arn:aws:s3:::homes/*"]
    );
    // A name may have more than one letter.
    assert_eq!(gained(on("arn:aws:s3:::homes/?/*"), own.clone()).len(), 1);
    // Somebody may have this name.
    assert_eq!(
        gained(own.clone(), on("arn:aws:s3:::homes/alice/*")).len(),
        1
    );
    assert_eq!(
        gained(
            own.clone(),
            on("arn:aws:s3:::homes/${aws:PrincipalTag/team}/*")
        )
        .len(),
        1
    );
    let but = json!([{"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::homes/${aws:username}/*"}]);
    assert_eq!(gained(but.clone(), but.clone()), none);
    // By one named alice the old policy does not allow it.
    assert_eq!(gained(but, on("arn:aws:s3:::homes/alice/*")).len(), 1);
    let denied = json!([{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}, {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::homes/${aws:username}/*"}]);
    assert_eq!(gained(denied.clone(), denied), none);
}

#[test]
fn principals_are_compared_as_what_they_mean() {
    let actions = Actions::builtin();
    let to = |element: &str, who: Value| {
        let mut statement =
            json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"});
        statement[element] = who;
        policy(json!([statement]))
    };
    let gains = |old: &Policy, new: &Policy| -> Vec<(Option<String>, Tri)> {
        difference(old, new, PolicyGrammar::Resource, actions)
            .gained
            .into_iter()
            .map(|c| (c.principal, c.verdict))
            .collect()
    };
    let (id, root) = (
        to("Principal", json!({"AWS": "444455556666"})),
        to(
            "Principal",
            json!({"AWS": "arn:aws:iam::444455556666:root"}),
        ),
    );
    assert_eq!((gains(&id, &root), gains(&root, &id)), (vec![], vec![]));
    // A role of an account is of the account.
    let role = to(
        "Principal",
        json!({"AWS": "arn:aws:iam::444455556666:role/r"}),
    );
    assert_eq!(gains(&id, &role), []);
    assert_eq!(
        gains(&role, &id),
        [(Some("444455556666".to_owned()), Tri::Yes)]
    );
    // Everybody but some.
    let but = |who: &str| to("NotPrincipal", json!({"AWS": who}));
    let (one, two) = (
        but("arn:aws:iam::444455556666:user/a"),
        but("arn:aws:iam::444455556666:user/b"),
    );
    assert_eq!(gains(&one, &one), []);
    assert_eq!(
        gains(&one, &two),
        [(
            Some("anybody but arn:aws:iam::444455556666:user/b".to_owned()),
            Tri::Yes
        )]
    );
    assert_eq!(gains(&to("Principal", json!("*")), &one), []);
    assert_eq!(
        gains(&one, &to("Principal", json!("*"))),
        [(Some("anybody".to_owned()), Tri::Yes)]
    );
    // A trust policy takes no NotPrincipal: what it would mean is not known.
    let trust = |element: &str| {
        let mut statement = json!({"Effect": "Allow", "Action": "sts:AssumeRole"});
        statement[element] = json!({"AWS": "444455556666"});
        policy(json!([statement]))
    };
    assert_eq!(gains(&trust("NotPrincipal"), &trust("NotPrincipal")), []);
    let odd = gains(&trust("Principal"), &trust("NotPrincipal"));
    assert!(
        !odd.is_empty() && odd.iter().all(|(_, verdict)| *verdict == Tri::Maybe),
        "{odd:?}"
    );
}

/// Policies of few words, for which every question can be asked.
fn small(random: &mut impl FnMut() -> usize) -> Policy {
    let actions = ["s3:GetObject", "s3:Get*", "s3:*", "*", "s3:PutObject"];
    let resources = [
        "*",
        "arn:aws:s3:::b/*",
        "arn:aws:s3:::b/a*",
        "arn:aws:s3:::*/a",
        "arn:aws:s3:::b/a",
        "arn:aws:s3:::b/?",
    ];
    let statements: Vec<Value> = (0..1 + random() % 3)
        .map(|_| {
            let mut statement =
                json!({"Effect": if random().is_multiple_of(4) { "Deny" } else { "Allow" }});
            statement[if random().is_multiple_of(6) {
                "NotAction"
            } else {
                "Action"
            }] = json!(actions[random() % actions.len()]);
            statement[if random().is_multiple_of(5) {
                "NotResource"
            } else {
                "Resource"
            }] = json!([
                resources[random() % resources.len()],
                resources[random() % resources.len()]
            ]);
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
        let found = difference(&old, &new, PolicyGrammar::Identity, actions);
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
                        context.set("k", bartizan_iam::ContextValue::One(key.to_owned()));
                    }
                    let request = Request {
                        action: action.to_owned(),
                        resource: resource.to_owned(),
                        resource_account: Some("123456789012".to_owned()),
                        caller: RequestCaller::Aws("arn:aws:iam::123456789012:user/alice".to_owned()),
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
