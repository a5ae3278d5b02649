//! Services: one name for each, whatever a bill calls it.

/// Product code and the names that other sources print for it.
const SERVICES: &str = include_str!("../../../data/aws-service-names.txt");

/// Product code of a service, given its code and its name as a bill prints them; either may be
/// empty. A product that is not in the table keeps its name, or its code where it has no name.
pub(crate) fn canonical<'a>(code: &'a str, name: &'a str) -> &'a str {
    of_table(code)
        .or_else(|| of_table(name))
        .unwrap_or(if name.is_empty() { code } else { name })
}

/// Product code in the table, by any of its names.
fn of_table(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return None;
    }
    let names = |line: &'static str| line.split('\t');
    let line = SERVICES.lines().find(|l| names(l).any(|n| n == text))?;
    names(line).next()
}

/// Whether a product code stands for one of AWS's own services in the table.
pub(crate) fn is_known(code: &str) -> bool {
    of_table(code).is_some()
}

/// Services without a region: what they are used for is everywhere.
pub(crate) fn is_global(service: &str) -> bool {
    matches!(
        service,
        "AmazonRoute53" | "AmazonCloudFront" | "AmazonRegistrar"
    ) || is_fee(service)
}

/// Products that are paid for, not used: support and savings plans.
pub(crate) fn is_fee(service: &str) -> bool {
    service.starts_with("AWSSupport") || service.ends_with("SavingsPlans")
}

/// Models of Amazon Bedrock that the marketplace bills under product codes of their own.
pub(crate) fn is_model(family: &str, name: &str) -> bool {
    name.contains("(Amazon Bedrock Edition)")
        || family.starts_with("MP:") && family.contains("TokenCount")
}

/// Usage that guards an account, so that its end blinds the owner: product code, and the start of
/// the family, or "" for all of the service.
const SENSORS: [(&str, &str); 8] = [
    ("AWSCloudTrail", ""),
    ("AmazonGuardDuty", ""),
    ("AWSConfig", ""),
    ("AWSSecurityHub", ""),
    ("AmazonInspectorV2", ""),
    ("AmazonMacie", ""),
    ("AmazonCloudWatch", "DataProcessing-Bytes"),
    ("awskms", ""),
];

/// Row of [`SENSORS`] that usage belongs to.
pub(crate) fn sensor_row(
    service: &str,
    family: Option<&str>,
) -> Option<(&'static str, &'static str)> {
    let fits = |part: &str| part.is_empty() || family.is_some_and(|f| f.starts_with(part));
    let row = SENSORS.iter().find(|(s, part)| *s == service && fits(part));
    row.copied()
}

/// Product code of the sensor that usage belongs to, e.g. `AWSCloudTrail`.
#[must_use]
pub fn sensor(service: &str, family: Option<&str>) -> Option<&'static str> {
    sensor_row(service, family).map(|(service, _)| service)
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn a_service_has_one_name() {
        for (code, name, service) in [
            ("AmazonEC2", "", "AmazonEC2"),
            ("", "Amazon Elastic Compute Cloud", "AmazonEC2"),
            ("", "EC2 - Other", "AmazonEC2"),
            ("4q2v8sxkd0n6rhbm3wjyu7tza", "A model", "A model"),
            ("abcd1234vendor", "", "abcd1234vendor"),
        ] {
            assert_eq!(canonical(code, name), service);
        }
    }
}
