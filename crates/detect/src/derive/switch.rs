//! Settings that keep something safe, and requests that switch them off.

use super::action::is_change;
use super::shape::{is_named, leaves};
use super::text::api;
use bartizan_trail::{Event, Field};

/// A setting and the value that weakens what it is set on.
struct WeakeningSetting {
    /// Part of the name of the object around it; empty: anything.
    within: &'static str,
    member: &'static str,
    bad: &'static str,
}

const fn switch(within: &'static str, member: &'static str, bad: &'static str) -> WeakeningSetting {
    WeakeningSetting {
        within,
        member,
        bad,
    }
}

/// Settings that services have in common. What has a rule of its own (trails, IMDS, termination
/// protection) is not here.
const SWITCHES: &[WeakeningSetting] = &[
    switch("", "deletionProtection", "false"),
    switch("", "deletionProtectionEnabled", "false"),
    switch("", "terminationProtectionEnabled", "false"),
    switch("", "enableTerminationProtection", "false"),
    switch("", "publiclyAccessible", "true"),
    switch("", "endpointPublicAccess", "true"),
    switch("", "backupRetentionPeriod", "0"),
    switch("", "automaticBackupRetentionDays", "0"),
    switch("", "snapshotRetentionLimit", "0"),
    switch("", "storageEncrypted", "false"),
    switch("", "transitEncryptionEnabled", "false"),
    switch("", "enableIAMDatabaseAuthentication", "false"),
    switch("logging", "enabled", "false"),
    switch("logging", "isEnabled", "false"),
    switch("logs", "enabled", "false"),
    switch("audit", "enabled", "false"),
    switch("", "auditLogEnabled", "false"),
    switch("", "loggingEnabled", "false"),
    switch("pointInTimeRecovery", "pointInTimeRecoveryEnabled", "false"),
    switch("", "authType", "NONE"),
    switch("", "authorizationType", "NONE"),
    switch("", "authenticationType", "NONE"),
    switch("", "imageTagMutability", "MUTABLE"),
    switch("", "mfaConfiguration", "OFF"),
    switch("", "viewerProtocolPolicy", "allow-all"),
    switch("", "clientCertEnabled", "false"),
];

/// Settings that a change of something existing switches off, `deletionProtection=false`.
pub(super) fn switched_off(event: &Event<'_>) -> Vec<String> {
    if !may_switch(&api(event)) {
        return Vec::new();
    }
    let Some(request) = event.field(Field::RequestParameters) else {
        return Vec::new();
    };
    let mut found = std::collections::BTreeSet::new();
    leaves(request, &mut |names, value| {
        let Some((member, around)) = names.split_last() else {
            return;
        };
        let Some(text) = value.text() else { return };
        let within = |wanted: &str| {
            wanted.is_empty()
                || around.iter().any(|n| {
                    n.to_ascii_lowercase()
                        .contains(&wanted.to_ascii_lowercase())
                })
        };
        for one in SWITCHES
            .iter()
            .filter(|s| is_named(member.as_bytes(), s.member) && within(s.within))
        {
            if text.eq_ignore_ascii_case(one.bad) {
                found.insert(format!("{}={}", one.member, one.bad));
            }
        }
    });
    found.into_iter().collect()
}

/// Whether a call changes settings of something that exists: what is made weak from the start was
/// never safe.
pub(super) fn may_switch(call: &str) -> bool {
    let name = call.split_once(':').map_or(call, |(_, name)| name);
    ["Modify", "Update", "Put", "Set", "Change"]
        .iter()
        .any(|verb| name.starts_with(verb))
        && is_change(call)
}
