//! The difference: every verdict, and never a removal that was not seen.

use std::collections::{BTreeMap, BTreeSet};

use bartizan_inventory::diff::{ChangeVerdict, SnapshotDiff, SnapshotVersion, diff};
use bartizan_inventory::fact::{Fact, FactKinds, FactSource, Hash};
use bartizan_inventory::snapshot::{
    CallStatus, Collection, Coverage, RecordedSnapshot, Snapshot, side_lines,
};
use bartizan_model::Severity;
use serde_json::{Value, json};

#[derive(Clone, Default)]
struct Account {
    facts: Vec<(&'static str, &'static str, Value)>,
    coverage: BTreeMap<&'static str, (CallStatus, Vec<&'static str>)>,
    new_fields: BTreeSet<(String, String)>,
}

impl Account {
    fn with(mut self, kind: &'static str, id: &'static str, document: Value) -> Self {
        self.facts.retain(|f| (f.0, f.1) != (kind, id));
        self.facts.push((kind, id, document));
        self.coverage
            .entry(kind)
            .or_insert((CallStatus::Ok, vec![]));
        self
    }

    fn without(mut self, id: &str) -> Self {
        self.facts.retain(|f| f.1 != id);
        self
    }

    fn status(mut self, kind: &'static str, status: CallStatus, unread: &[&'static str]) -> Self {
        self.coverage.insert(kind, (status, unread.to_vec()));
        self
    }

    fn record(&self) -> RecordedSnapshot {
        let kinds = FactKinds::builtin();
        let seen = FactSource {
            account: "123456789012",
            region: "us-east-1",
            time_ms: 5,
        };
        let fact = |(kind, id, document): &(&'static str, &'static str, Value)| match document {
            Value::String(text) => Fact::from_policy(&kinds, kind, (*id).to_owned(), text, seen),
            Value::Null => Fact::absent(kind, (*id).to_owned(), "NoSuchThing", seen),
            other => Fact::from_json(&kinds, kind, (*id).to_owned(), other.clone(), seen),
        };
        let row = |(kind, (status, unread)): (&&'static str, &(CallStatus, Vec<&'static str>))| {
            Coverage {
                region: "us-east-1".into(),
                call: format!("Get {kind}"),
                status: *status,
                answers: 1,
                kinds: vec![(*kind).to_owned()],
                detail: String::new(),
                unread: unread.iter().map(|u| (*u).to_owned()).collect(),
            }
        };
        Collection {
            account: "123456789012".into(),
            time_ms: (0, 10),
            tool: "test".into(),
            table: Hash::of(b""),
            source: "import".into(),
            coverage: self.coverage.iter().map(row).collect(),
            new_fields: self.new_fields.clone(),
            facts: self.facts.iter().map(fact).collect(),
        }
        .record()
    }
}

fn run(a: &Account, b: &Account) -> SnapshotDiff {
    let (a, b) = (a.record(), b.record());
    let (sa, sb): (Snapshot<'_>, Snapshot<'_>) = (a.snapshot().unwrap(), b.snapshot().unwrap());
    let (da, db) = (
        |h: &Hash| a.documents.get(h).cloned(),
        |h: &Hash| b.documents.get(h).cloned(),
    );
    diff(
        &FactKinds::builtin(),
        &SnapshotVersion {
            snapshot: &sa,
            side: side_lines(&a.side).collect(),
            documents: &da,
        },
        &SnapshotVersion {
            snapshot: &sb,
            side: side_lines(&b.side).collect(),
            documents: &db,
        },
    )
}

fn policy(action: &str) -> Value {
    json!(
        json!({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}],
        })
        .to_string()
    )
}

fn base() -> Account {
    Account::default()
        .with("iam:userpolicy", "bob/p", policy("s3:Get*"))
        .with(
            "iam:role",
            "r",
            json!({"RoleName": "r", "RoleId": "AROA1", "RoleLastUsed": {"Region": "x"}}),
        )
        .with("s3:bucketpolicy", "b", Value::Null)
        .with(
            "ec2:security_group",
            "sg-1",
            json!({"GroupName": "web", "GroupId": "sg-1", "IpPermissions": []}),
        )
}

#[test]
fn nothing_changed_is_nothing() {
    let d = run(&base(), &base());
    assert!(d.changes.is_empty() && d.unknown.is_empty());
}

#[test]
fn every_verdict() {
    let after = base()
        .with("iam:userpolicy", "bob/p", policy("*"))
        .with(
            "iam:role",
            "r",
            json!({"RoleName": "r", "RoleId": "AROA2", "RoleLastUsed": {}}),
        )
        .with("s3:bucketpolicy", "b", policy("s3:GetObject"))
        .without("sg-1")
        .with(
            "ec2:security_group",
            "sg-2",
            json!({
                "GroupName": "web",
                "GroupId": "sg-2",
                "IpPermissions":
                    [{
                        "IpProtocol": "tcp",
                        "FromPort": 22,
                        "ToPort": 22,
                        "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
                    }],
            }),
        );
    let d = run(&base(), &after);
    let seen: Vec<(ChangeVerdict, Severity, &str)> = d
        .changes
        .iter()
        .map(|c| (c.verdict, c.severity, c.id.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            (ChangeVerdict::Replaced, Severity::Critical, "sg-2"),
            (ChangeVerdict::Changed, Severity::Critical, "bob/p"),
            (ChangeVerdict::Replaced, Severity::High, "r"),
            (ChangeVerdict::Added, Severity::High, "b"),
        ]
    );
    assert_eq!(d.changes[1].content.removed, ["allow s3:Get* on *"]);
    assert_eq!(d.changes[1].content.added, ["allow * on *"]);
    assert_eq!(d.changes[0].content.added, ["in tcp 22 from 0.0.0.0/0"]);
    assert_eq!(d.folded.volatile, 1);
}

#[test]
fn what_could_not_be_read_is_never_removed() {
    for status in [
        CallStatus::Denied,
        CallStatus::Throttled,
        CallStatus::RegionOff,
        CallStatus::Failed,
        CallStatus::NotCalled,
        CallStatus::Expired,
        CallStatus::Cut,
    ] {
        let after = base()
            .without("bob/p")
            .status("iam:userpolicy", status, &[]);
        let d = run(&base(), &after);
        assert!(d.changes.is_empty(), "{status}: {:?}", d.changes);
        assert_eq!(d.unknown[0].ids, ["bob/p"]);
        // And when it comes back, it was not added either.
        let d = run(&after, &base());
        assert!(d.changes.is_empty());
        assert_eq!(d.unknown[0].unseen_in, "before");
    }
    let mut never_asked = base().without("bob/p");
    never_asked.coverage.remove("iam:userpolicy");
    assert_eq!(run(&base(), &never_asked).unknown[0].reason, "not asked");
}

#[test]
fn one_item_that_failed_leaves_the_others_known() {
    let two = base()
        .with("s3:bucketpolicy", "alpha", policy("s3:GetObject"))
        .with("s3:bucketpolicy", "beta", policy("s3:GetObject"));
    let after = two.clone().without("alpha").without("beta").status(
        "s3:bucketpolicy",
        CallStatus::Denied,
        &["alpha"],
    );
    let d = run(&two, &after);
    assert_eq!(d.unknown[0].ids, ["alpha"]);
    assert_eq!(
        d.changes
            .iter()
            .map(|c| (c.verdict, c.id.as_str()))
            .collect::<Vec<_>>(),
        [(ChangeVerdict::Removed, "beta")]
    );
}

#[test]
fn order_and_aws_itself_are_folded() {
    let a = Account::default()
        .with(
            "iam:managedpolicy",
            "arn:aws:iam::aws:policy/ReadOnlyAccess",
            policy("s3:Get*"),
        )
        .with(
            "iam:role",
            "r",
            json!({"RoleId": "1", "Tags": [{"Key": "a"}, {"Key": "b"}]}),
        );
    let b = a
        .clone()
        .with(
            "iam:managedpolicy",
            "arn:aws:iam::aws:policy/ReadOnlyAccess",
            policy("s3:List*"),
        )
        .with(
            "iam:role",
            "r",
            json!({"RoleId": "1", "Tags": [{"Key": "b"}, {"Key": "a"}]}),
        );
    let d = run(&a, &b);
    assert!(d.changes.is_empty(), "{:?}", d.changes);
    assert_eq!((d.folded.vendor, d.folded.cosmetic), (1, 1));
}

#[test]
fn objects_come_and_go_and_one_that_lets_others_in_is_told() {
    let acl = |grantee: Value| {
        json!({"Owner": {"ID": "o"}, "Grants": [
            {"Grantee": {"Type": "CanonicalUser", "ID": "o"}, "Permission": "FULL_CONTROL"},
            {"Grantee": grantee, "Permission": "READ"}]})
    };
    let private = acl(json!({"Type": "CanonicalUser", "ID": "o"}));
    let public =
        acl(json!({"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"}));
    let before = base().with("s3:objectacl", "b/old", private.clone()).with(
        "s3:objectacl",
        "b/opened",
        private.clone(),
    );
    let after = base()
        .with("s3:objectacl", "b/new", private)
        .with("s3:objectacl", "b/opened", public.clone())
        .with("s3:objectacl", "b/leak", public);
    let d = run(&before, &after);
    let seen: Vec<_> = d.changes.iter().map(|c| (c.verdict, &*c.id)).collect();
    assert_eq!(
        seen,
        [
            (ChangeVerdict::Added, "b/leak"),
            (ChangeVerdict::Changed, "b/opened")
        ]
    );
    assert_eq!(d.folded.cosmetic, 2);
}

#[test]
fn a_field_that_aws_added_is_folded_and_one_that_somebody_set_is_not() {
    let old = Account::default().with(
        "iam:role",
        "r",
        json!({"RoleId": "1", "MaxSessionDuration": 3600}),
    );
    let mut new = old.clone().with(
        "iam:role",
        "r",
        json!({"RoleId": "1", "MaxSessionDuration": 3600, "QuantumMode": "off"}),
    );
    assert_eq!(
        run(&old, &new).changes.len(),
        1,
        "a field that the model knows"
    );
    new.new_fields.insert((
        "iam:GetAccountAuthorizationDetails".into(),
        "QuantumMode".into(),
    ));
    for d in [run(&old, &new), run(&new, &old)] {
        assert_eq!((d.changes.len(), d.folded.vendor), (0, 1));
    }
    let mut both = new.clone().with(
        "iam:role",
        "r",
        json!({"RoleId": "1", "MaxSessionDuration": 7200, "QuantumMode": "off"}),
    );
    both.new_fields = new.new_fields.clone();
    assert_eq!(
        run(&old, &both).changes.len(),
        1,
        "something else changed too"
    );
    let turned = both.clone().with(
        "iam:role",
        "r",
        json!({"RoleId": "1", "MaxSessionDuration": 7200, "QuantumMode": "on"}),
    );
    assert_eq!(
        run(&both, &turned).changes.len(),
        1,
        "the new field itself was changed"
    );
}
