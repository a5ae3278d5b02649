//! What a request opens to the internet.

use crate::trail::json::Value;
use crate::trail::{Event, Field};

pub(super) fn open_ports(event: &Event<'_>) -> Vec<String> {
    let Some(request) = event.field(Field::RequestParameters) else { return Vec::new() };
    let text = |v: Value<'_>, name: &str| v.get(name).and_then(Value::text).map(|t| t.into_owned());
    let world = |cidr: Option<String>| cidr.is_some_and(|c| matches!(c.as_str(), "0.0.0.0/0" | "::/0"));
    let mut found = Vec::new();
    let permissions = request.get("ipPermissions").and_then(|p| p.get("items")).into_iter().flat_map(Value::elements);
    for permission in permissions {
        let ranges =
            ["ipRanges", "ipv6Ranges"].into_iter().filter_map(|r| permission.get(r)?.get("items")).flat_map(Value::elements);
        if ranges.into_iter().any(|r| world(text(r, "cidrIp")) || world(text(r, "cidrIpv6"))) {
            found.push(ports(text(permission, "ipProtocol"), text(permission, "fromPort"), text(permission, "toPort")));
        }
    }
    // The older form of the request, and network ACL entries.
    if world(text(request, "cidrIp")) {
        found.push(ports(text(request, "ipProtocol"), text(request, "fromPort"), text(request, "toPort")));
    }
    if world(text(request, "cidrBlock").or_else(|| text(request, "ipv6CidrBlock")))
        && text(request, "ruleAction").as_deref() == Some("allow")
    {
        let range = request.get("portRange");
        let protocol = text(request, "aclProtocol").or_else(|| text(request, "protocol"));
        found.push(ports(protocol, range.and_then(|r| text(r, "from")), range.and_then(|r| text(r, "to"))));
    }
    found
}

fn ports(protocol: Option<String>, from: Option<String>, to: Option<String>) -> String {
    match (protocol.as_deref(), from, to) {
        (Some("-1"), ..) | (_, None, None) => "all".to_owned(),
        (_, Some(from), Some(to)) if (from.as_str(), to.as_str()) == ("0", "65535") || from == "-1" => "all".to_owned(),
        (_, Some(from), Some(to)) if from == to => from,
        (_, from, to) => format!("{}-{}", from.unwrap_or_default(), to.unwrap_or_default()),
    }
}
