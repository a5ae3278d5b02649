//! Regions and families of usage types.

/// Prefixes of usage types and their regions, from `data/usage-type-regions.txt`.
const PREFIXES: &str = include_str!("../../../data/usage-type-regions.txt");

/// Region of a charge that belongs to none.
pub const GLOBAL: &str = "global";

/// Region that a usage type names, and the rest: `APS3-BoxUsage:p4d.24xlarge` is `ap-south-1` and
/// `BoxUsage:p4d.24xlarge`.
pub(crate) fn split_region(usage_type: &str) -> (Option<&'static str>, &str) {
    let rows = || PREFIXES.lines().filter_map(|l| l.split_once('\t'));
    if let Some((prefix, rest)) = usage_type.split_once('-')
        && let Some((_, region)) = rows().find(|(p, _)| *p == prefix)
    {
        return (Some(region), rest);
    }
    let named = rows().find_map(|(_, region)| {
        let rest = usage_type.strip_prefix(region)?.strip_prefix('-')?;
        Some((region, rest))
    });
    named.map_or((None, usage_type), |(region, rest)| (Some(region), rest))
}

/// Region of an availability zone or region text: `us-west-2a` is `us-west-2`.
pub(crate) fn region_of_zone(zone: &str) -> Option<&str> {
    let digits = zone.rfind(|c: char| c.is_ascii_digit())?;
    let region = &zone[..=digits];
    (region.split('-').count() >= 3 && zone.len() <= region.len() + 1).then_some(region)
}

/// Usage type without region and instance size: `EU-BoxUsage:m5.large` is `BoxUsage:m5`,
/// `USE1-MP:USE1_InputTokenCount-Units` is `MP:InputTokenCount-Units`.
pub(crate) fn family(usage_type: &str) -> String {
    let (_, rest) = split_region(usage_type);
    if let Some(dimension) = rest.strip_prefix("MP:") {
        let plain = dimension.split_once('_').filter(|(prefix, _)| {
            PREFIXES
                .lines()
                .any(|l| l.split_once('\t').is_some_and(|(p, _)| p == *prefix))
        });
        return format!("MP:{}", plain.map_or(dimension, |(_, rest)| rest));
    }
    let Some((kind, instance)) = rest.split_once(':') else {
        return rest.to_owned();
    };
    match instance_family(instance) {
        Some(family) => format!("{kind}:{family}"),
        None => rest.to_owned(),
    }
}

/// Instance family: `m5` of `m5.large`, `db.t4g` of `db.t4g.medium`, `r6g` of `r6g.large.search`.
fn instance_family(instance: &str) -> Option<&str> {
    let head = ["db.", "cache.", "ml."]
        .iter()
        .find(|h| instance.starts_with(**h))
        .map_or(0, |h| h.len());
    let dot = head + instance[head..].find('.')?;
    let family = &instance[head..dot];
    let fits = family
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && family.bytes().any(|b| b.is_ascii_digit());
    fits.then_some(&instance[..dot])
}

#[cfg(test)]
mod tests {
    use super::{family, region_of_zone, split_region};

    #[test]
    fn usage_types_name_regions_and_families() {
        for (usage_type, region, rest) in [
            (
                "APS3-BoxUsage:p4d.24xlarge",
                Some("ap-south-1"),
                "BoxUsage:p4d",
            ),
            ("EU-BoxUsage:m5.large", Some("eu-west-1"), "BoxUsage:m5"),
            ("BoxUsage:t3.medium", None, "BoxUsage:t3"),
            (
                "USE1-EU-AWS-Out-Bytes",
                Some("us-east-1"),
                "EU-AWS-Out-Bytes",
            ),
            ("us-east-1-KMS-Requests", Some("us-east-1"), "KMS-Requests"),
            (
                "USE1-MP:USE1_InputTokenCount-Units",
                Some("us-east-1"),
                "MP:InputTokenCount-Units",
            ),
            (
                "EUC1-InstanceUsage:db.t4g.medium",
                Some("eu-central-1"),
                "InstanceUsage:db.t4g",
            ),
            ("ESInstance:r6g.large.search", None, "ESInstance:r6g"),
            (
                "US-DataTransfer-Out-Bytes",
                None,
                "US-DataTransfer-Out-Bytes",
            ),
            ("EBS:VolumeUsage.gp3", None, "EBS:VolumeUsage.gp3"),
        ] {
            assert_eq!(split_region(usage_type).0, region, "{usage_type}");
            assert_eq!(family(usage_type), rest, "{usage_type}");
        }
        assert_eq!(region_of_zone("us-west-2a"), Some("us-west-2"));
        assert_eq!(region_of_zone("ap-south-1"), Some("ap-south-1"));
        assert_eq!(region_of_zone("Virginia"), None);
    }
}
