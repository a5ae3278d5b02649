//! Any text as a policy, in any place: it is refused with a reason, or both evaluators decide
//! alike.
#![no_main]

use std::sync::LazyLock;

use bartizan_iam::{
    Actions, Case, Compiled, Compiler, Context, Layers, PolicyGrammar, Request, RequestCaller,
    difference, evaluate, parse,
};
use libfuzzer_sys::fuzz_target;

/// A small table: the whole one would take most of the time.
static ACTIONS: LazyLock<Actions> = LazyLock::new(|| {
    let table = "# bartizan iam actions 1\n# 2026-01-01\n# fuzz\ns iam\na PassRole W - -\ns s3\nk \
    String s3:prefix\nr object arn:${Partition}:s3:::${B}/${K} -\na GetObject R 0! 0\na \
    ListAllMyBuckets L - -\n";
    Actions::unpack(table.as_bytes()).unwrap()
});

fuzz_target!(|text: &str| {
    let _ = Case::parse(text);
    let Ok(policy) = parse(text) else { return };
    if policy.statements.len() > 8 {
        return;
    }
    let _ = policy.statements.first().map(ToString::to_string);
    let mut context = Context::default();
    context.set(
        "aws:SourceIp",
        bartizan_iam::ContextValue::One("203.0.113.9".to_owned()),
    );
    let request = Request {
        action: "s3:GetObject".to_owned(),
        resource: "arn:aws:s3:::b/k".to_owned(),
        resource_account: Some("111122223333".to_owned()),
        caller: RequestCaller::Aws("arn:aws:sts::111122223333:assumed-role/r/s".to_owned()),
        context,
    };
    for side in [PolicyGrammar::Identity, PolicyGrammar::Resource] {
        let compiled = Compiler::new(&ACTIONS).compile(&policy, side);
        let (mut slow, mut fast) = (Layers::default(), Layers::<&Compiled>::default());
        if side == PolicyGrammar::Identity {
            slow.identity.push(policy.clone());
            fast.identity.push(&compiled);
        } else {
            slow.resource = Some(policy.clone());
            fast.resource = Some(&compiled);
        }
        assert_eq!(
            evaluate(&request, &slow, &ACTIONS),
            Compiled::evaluate(&request, &fast, &ACTIONS)
        );
    }
    if text.len() < 600 {
        let same = difference(&policy, &policy, PolicyGrammar::Identity, &ACTIONS);
        assert!(
            same.gained.iter().all(|c| c.witness.is_none()),
            "a policy grants what it does \
        not grant"
        );
    }
});
