//! Stages and ATT&CK techniques of types of other systems.

use bartizan_model::Stage;

/// Purpose of an activity that another system reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Purpose {
    pub(crate) stage: Stage,
    pub(crate) attack: &'static [&'static str],
}

/// Beginning of a type, its stage, its techniques.
pub(crate) type PurposeRow = (&'static str, Stage, &'static [&'static str]);

/// Row of the longest beginning of a type.
pub(crate) fn purpose(table: &[PurposeRow], kind: &str) -> Option<Purpose> {
    let rows = table.iter().filter(|(begin, ..)| kind.starts_with(begin));
    let (_, stage, attack) = rows.max_by_key(|(begin, ..)| begin.len())?;
    Some(Purpose {
        stage: *stage,
        attack,
    })
}

/// Purposes of GuardDuty's types
/// (<https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_finding-types-active.html>).
pub(crate) const GUARDDUTY: &[PurposeRow] = &[
    ("AttackSequence:", Stage::Steal, &["T1078.004"]),
    ("AttackSequence:IAM/", Stage::Gain, &["T1078.004"]),
    ("AttackSequence:S3/", Stage::Steal, &["T1530"]),
    ("Backdoor:", Stage::Maintain, &["T1071"]),
    ("Behavior:", Stage::Maintain, &["T1071"]),
    ("CredentialAccess:", Stage::Gain, &["T1552"]),
    ("CryptoCurrency:", Stage::Steal, &["T1496"]),
    ("DefenseEvasion:", Stage::Blind, &["T1562"]),
    ("Discovery:", Stage::Gain, &["T1580"]),
    ("Execution:", Stage::Gain, &["T1204"]),
    ("Exfiltration:", Stage::Steal, &["T1537"]),
    ("Impact:", Stage::Steal, &["T1496"]),
    ("InitialAccess:", Stage::Gain, &["T1078.004"]),
    ("Object:", Stage::Gain, &["T1204"]),
    ("PenTest:", Stage::Gain, &["T1580"]),
    ("Persistence:", Stage::Maintain, &["T1098"]),
    ("Policy:", Stage::Hygiene, &[]),
    ("Policy:S3/", Stage::Maintain, &["T1098"]),
    ("PrivilegeEscalation:", Stage::Gain, &["T1548"]),
    ("Recon:", Stage::Gain, &["T1595"]),
    ("Stealth:", Stage::Blind, &["T1562.008"]),
    ("Trojan:", Stage::Steal, &["T1041"]),
    ("UnauthorizedAccess:", Stage::Gain, &["T1078.004"]),
];

/// Purposes of the types of ASFF
/// (<https://docs.aws.amazon.com/securityhub/latest/userguide/asff-required-attributes.html>).
pub(crate) const ASFF: &[PurposeRow] = &[
    ("Software and Configuration Checks", Stage::Hygiene, &[]),
    ("TTPs", Stage::Gain, &[]),
    ("TTPs/Collection", Stage::Steal, &["T1530"]),
    ("TTPs/Command and Control", Stage::Maintain, &["T1071"]),
    ("TTPs/Credential Access", Stage::Gain, &["T1552"]),
    ("TTPs/Defense Evasion", Stage::Blind, &["T1562"]),
    ("TTPs/Discovery", Stage::Gain, &["T1580"]),
    ("TTPs/Execution", Stage::Gain, &["T1204"]),
    ("TTPs/Initial Access", Stage::Gain, &["T1078.004"]),
    ("TTPs/Lateral Movement", Stage::Gain, &["T1550"]),
    ("TTPs/Persistence", Stage::Maintain, &["T1098"]),
    ("TTPs/Privilege Escalation", Stage::Gain, &["T1548"]),
    ("Effects", Stage::Steal, &[]),
    ("Effects/Data Destruction", Stage::Steal, &["T1485"]),
    ("Effects/Data Exfiltration", Stage::Steal, &["T1537"]),
    ("Effects/Data Exposure", Stage::Steal, &["T1530"]),
    ("Effects/Denial of Service", Stage::Steal, &["T1498"]),
    ("Effects/Resource Consumption", Stage::Steal, &["T1496"]),
    ("Sensitive Data Identifications", Stage::Hygiene, &[]),
    ("Unusual Behaviors", Stage::Gain, &[]),
];

/// Purposes of Macie's types
/// (<https://docs.aws.amazon.com/macie/latest/user/findings-types.html>).
pub(crate) const MACIE: &[PurposeRow] = &[
    (
        "Policy:IAMUser/S3BlockPublicAccessDisabled",
        Stage::Maintain,
        &["T1098"],
    ),
    ("Policy:IAMUser/S3BucketPublic", Stage::Maintain, &["T1098"]),
    (
        "Policy:IAMUser/S3BucketReplicatedExternally",
        Stage::Steal,
        &["T1537"],
    ),
    (
        "Policy:IAMUser/S3BucketSharedExternally",
        Stage::Steal,
        &["T1537"],
    ),
    ("Policy:IAMUser/", Stage::Hygiene, &[]),
    ("SensitiveData:", Stage::Hygiene, &[]),
];

/// Purposes of the types of Inspector
/// (<https://docs.aws.amazon.com/inspector/latest/user/findings-types.html>).
pub(crate) const INSPECTOR: &[PurposeRow] = &[
    ("CODE_VULNERABILITY", Stage::Hygiene, &[]),
    ("NETWORK_REACHABILITY", Stage::Hygiene, &[]),
    ("PACKAGE_VULNERABILITY", Stage::Hygiene, &[]),
];

/// Purposes of the types of Access Analyzer
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-concepts.html>).
pub(crate) const ACCESS_ANALYZER: &[PurposeRow] = &[
    ("ExternalAccess", Stage::Maintain, &["T1098"]),
    ("InternalAccess", Stage::Hygiene, &[]),
    ("Unused", Stage::Hygiene, &[]),
];

/// Purposes of the classes of Suricata's rules (`classification.config`).
pub(crate) const SURICATA: &[PurposeRow] = &[
    ("", Stage::Gain, &[]),
    ("A Network Trojan was detected", Stage::Maintain, &["T1071"]),
    (
        "Attempted Administrator Privilege Gain",
        Stage::Gain,
        &["T1190"],
    ),
    ("Attempted Information Leak", Stage::Gain, &["T1595"]),
    ("Attempted User Privilege Gain", Stage::Gain, &["T1190"]),
    (
        "Crypto Currency Mining Activity Detected",
        Stage::Steal,
        &["T1496"],
    ),
    ("Data Exfiltration", Stage::Steal, &["T1041"]),
    ("Denial of Service", Stage::Steal, &["T1498"]),
    ("Detection of a Network Scan", Stage::Gain, &["T1595"]),
    (
        "Domain Observed Used for C2 Detected",
        Stage::Maintain,
        &["T1071"],
    ),
    ("Exploit Kit Activity Detected", Stage::Gain, &["T1189"]),
    ("Generic Protocol Command Decode", Stage::Hygiene, &[]),
    (
        "Malware Command and Control Activity Detected",
        Stage::Maintain,
        &["T1071"],
    ),
    ("Misc activity", Stage::Hygiene, &[]),
    ("Not Suspicious Traffic", Stage::Hygiene, &[]),
    ("Potential Corporate Privacy Violation", Stage::Hygiene, &[]),
    (
        "Successful Administrator Privilege Gain",
        Stage::Gain,
        &["T1190"],
    ),
    (
        "Successful Credential Theft Detected",
        Stage::Gain,
        &["T1552"],
    ),
    (
        "Targeted Malicious Activity was Detected",
        Stage::Gain,
        &["T1190"],
    ),
    ("Web Application Attack", Stage::Gain, &["T1190"]),
];

/// Purposes of Zeek's notices (<https://docs.zeek.org/en/master/zeek-noticeindex.html>).
pub(crate) const ZEEK: &[PurposeRow] = &[
    ("CaptureLoss::", Stage::Blind, &["T1562"]),
    ("PacketFilter::", Stage::Blind, &["T1562"]),
    ("FTP::Bruteforcing", Stage::Gain, &["T1110"]),
    ("HTTP::SQL_Injection", Stage::Gain, &["T1190"]),
    ("Heartbleed::", Stage::Gain, &["T1190"]),
    ("Intel::Notice", Stage::Gain, &["T1071"]),
    ("Scan::", Stage::Gain, &["T1595"]),
    ("SSH::Password_Guessing", Stage::Gain, &["T1110"]),
    ("SSH::Login_By_Password_Guesser", Stage::Gain, &["T1110"]),
    ("SSH::Interesting_Hostname_Login", Stage::Gain, &["T1021"]),
    ("SSH::Watched_Country_Login", Stage::Gain, &["T1021"]),
    ("SSL::", Stage::Hygiene, &[]),
    (
        "TeamCymruMalwareHashRegistry::Match",
        Stage::Maintain,
        &["T1105"],
    ),
    ("Traceroute::Detected", Stage::Gain, &["T1595"]),
    ("Weird::", Stage::Hygiene, &[]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_beginning_counts() {
        let stage = |kind| purpose(GUARDDUTY, kind).map(|p| p.stage);
        assert_eq!(
            stage("Policy:IAMUser/RootCredentialUsage"),
            Some(Stage::Hygiene)
        );
        assert_eq!(
            stage("Policy:S3/BucketPublicAccessGranted"),
            Some(Stage::Maintain)
        );
        assert_eq!(
            stage("AttackSequence:EKS/CompromisedCluster"),
            Some(Stage::Steal)
        );
        assert_eq!(stage("Novelty:EC2/Thing"), None);
    }
}
