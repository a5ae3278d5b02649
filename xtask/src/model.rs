//! `cargo xtask generate`: reduces botocore's models to what the collector needs.
//!
//! The call table (`crates/cloud/calls/*.toml`) lists the calls; this table has the wire format of
//! each operation (protocol, path, member locations, paging) and the shape of its response, so that
//! XML becomes JSON as the AWS CLI prints it. botocore is Apache-2.0; its version and the SHA-256
//! of every model file read are recorded in the output.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// Partitions whose endpoints are recorded.
const PARTITIONS: [&str; 3] = ["aws", "aws-us-gov", "aws-cn"];

/// Protocols that the collector speaks.
const PROTOCOLS: [&str; 5] = ["json", "rest-json", "query", "ec2", "rest-xml"];

/// Builds the table for every operation in the call table below `root`.
///
/// # Errors
/// If botocore lacks a service or operation of the call table.
pub(crate) fn generate(root: &Path, botocore: &Path) -> Result<String> {
    let data = botocore.join("data");
    let version = version(botocore)?;
    let endpoints: Value = serde_json::from_slice(&std::fs::read(data.join("endpoints.json"))?)?;
    let mut services = Map::new();
    for (service, operations) in wanted(root)? {
        let folder = newest(&data.join(&service))?;
        let bytes = read(&folder, "service-2.json")?
            .with_context(|| format!("botocore has no model of {service}"))?;
        let model: Value = serde_json::from_slice(&bytes)?;
        let pages: Value = match read(&folder, "paginators-1.json")? {
            Some(bytes) => serde_json::from_slice(&bytes)?,
            None => json!({}),
        };
        let mut row = reduce(&service, &model, &pages, &operations)?;
        row["sha256"] = json!(format!("{:x}", Sha256::digest(&bytes)));
        let hosts = hosts(
            &endpoints,
            model["metadata"]["endpointPrefix"]
                .as_str()
                .unwrap_or(&service),
        );
        if !hosts.is_empty() {
            row["hosts"] = Value::Object(hosts);
        }
        services.insert(service, row);
    }
    let table = json!({
        "generator": "cargo xtask generate",
        "botocore": version,
        "partitions": partitions(&endpoints)?,
        "commands": commands(&data)?,
        "services": services,
    });
    Ok(one_line_a_shape(&table))
}

/// Version of botocore.
pub(crate) fn version(botocore: &Path) -> Result<String> {
    std::fs::read_to_string(botocore.join("__init__.py"))?
        .lines()
        .find_map(|l| {
            l.strip_prefix("__version__ = '")
                .map(|v| v.trim_end_matches('\'').to_owned())
        })
        .context("botocore/__init__.py has no __version__")
}

/// botocore's newest model of a service.
pub(crate) fn service(botocore: &Path, service: &str) -> Result<Value> {
    let folder = newest(&botocore.join("data").join(service))?;
    let bytes = read(&folder, "service-2.json")?
        .with_context(|| format!("botocore has no model of {service}"))?;
    Ok(serde_json::from_slice(&bytes)?)
}

/// Kinds of facts in the call table.
pub(crate) fn kinds(root: &Path) -> Result<BTreeSet<String>> {
    let mut kinds = BTreeSet::new();
    for entry in std::fs::read_dir(root.join("crates/cloud/calls"))? {
        let table: toml::Table = toml::from_str(&std::fs::read_to_string(entry?.path())?)?;
        for call in table["call"].as_array().context("call")? {
            for fact in call
                .get("fact")
                .and_then(toml::Value::as_array)
                .into_iter()
                .flatten()
            {
                kinds.insert(fact["kind"].as_str().context("kind")?.to_owned());
            }
        }
    }
    Ok(kinds)
}

/// Operations in the call table, by service.
fn wanted(root: &Path) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let mut wanted = BTreeMap::<String, BTreeSet<String>>::new();
    for entry in std::fs::read_dir(root.join("crates/cloud/calls"))? {
        let path = entry?.path();
        let table: toml::Table = toml::from_str(&std::fs::read_to_string(&path)?)
            .with_context(|| path.display().to_string())?;
        let service = table["service"].as_str().context("service")?.to_owned();
        for call in table["call"].as_array().context("call")? {
            wanted
                .entry(service.clone())
                .or_default()
                .insert(call["operation"].as_str().context("operation")?.to_owned());
        }
    }
    wanted
        .entry("sts".into())
        .or_default()
        .insert("GetCallerIdentity".into());
    // `bartizan verify trail` reads the keys of digests.
    wanted
        .entry("cloudtrail".into())
        .or_default()
        .insert("ListPublicKeys".into());
    // `bartizan spend --live`.
    for (service, operation) in [
        ("bcm-data-exports", "ListExports"),
        ("bcm-data-exports", "GetExport"),
        ("ce", "GetCostAndUsage"),
        ("cloudwatch", "GetMetricData"),
        ("cloudwatch", "ListMetrics"),
        ("cur", "DescribeReportDefinitions"),
    ] {
        let operations = wanted.entry(service.into()).or_default();
        operations.insert(operation.into());
    }
    // Sinks of alerts, which write, and their secrets.
    for (service, operation) in [
        ("events", "PutEvents"),
        ("secretsmanager", "GetSecretValue"),
        ("securityhub", "BatchImportFindings"),
        ("sns", "Publish"),
    ] {
        let operations = wanted.entry(service.into()).or_default();
        operations.insert(operation.into());
    }
    // `bartizan role check` reads one role.
    for operation in [
        "GetRole",
        "ListAttachedRolePolicies",
        "ListRolePolicies",
        "GetRolePolicy",
        "GetPolicy",
        "GetPolicyVersion",
    ] {
        wanted
            .entry("iam".into())
            .or_default()
            .insert(operation.into());
    }
    Ok(wanted)
}

fn newest(folder: &Path) -> Result<std::path::PathBuf> {
    let mut versions: Vec<_> = std::fs::read_dir(folder)
        .with_context(|| format!("{}: no such service in botocore", folder.display()))?
        .filter_map(|e| e.ok().map(|e| e.path()))
        .collect();
    versions.sort();
    versions.pop().context("a service folder without versions")
}

fn read(folder: &Path, name: &str) -> Result<Option<Vec<u8>>> {
    if let Ok(bytes) = std::fs::read(folder.join(name)) {
        return Ok(Some(bytes));
    }
    match std::fs::File::open(folder.join(format!("{name}.gz"))) {
        Ok(file) => {
            let mut bytes = Vec::new();
            flate2::read::GzDecoder::new(file).read_to_end(&mut bytes)?;
            Ok(Some(bytes))
        }
        Err(_) => Ok(None),
    }
}

fn reduce(
    service: &str,
    model: &Value,
    pages: &Value,
    operations: &BTreeSet<String>,
) -> Result<Value> {
    let metadata = &model["metadata"];
    let protocol = protocol(metadata).context("protocol")?;
    let mut row = json!({
        "protocol": protocol,
        "id": metadata["serviceId"].as_str().unwrap_or(service).to_uppercase().replace(' ', "_"),
        "version": metadata["apiVersion"],
        "endpoint": metadata["endpointPrefix"],
        "signing": metadata["signingName"].as_str().or(metadata["endpointPrefix"].as_str()),
    });
    for (from, to) in [("targetPrefix", "target"), ("jsonVersion", "json")] {
        if let Some(value) = metadata[from].as_str().filter(|_| protocol == "json") {
            row[to] = json!(value);
        }
    }
    let mut shapes = BTreeMap::new();
    let mut rows = Map::new();
    for name in operations {
        let operation = &model["operations"][name];
        if operation.is_null() {
            bail!("botocore's model of {service} has no operation {name}");
        }
        rows.insert(
            name.clone(),
            reduce_operation(model, protocol, operation, &pages["pagination"][name])?,
        );
        if let Some(output) = operation["output"]["shape"].as_str() {
            reach(model, output, &mut shapes);
        }
    }
    row["operations"] = Value::Object(rows);
    row["shapes"] = shapes.into_iter().collect::<Map<_, _>>().into();
    Ok(row)
}

/// All services of botocore, which are the commands of the AWS CLI.
fn commands(data: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(data)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// First protocol of a service that the collector speaks: botocore lists them in its own order.
fn protocol(metadata: &Value) -> Option<&str> {
    let others = metadata["protocols"].as_array().into_iter().flatten();
    std::iter::once(&metadata["protocol"])
        .chain(others)
        .filter_map(Value::as_str)
        .find(|p| PROTOCOLS.contains(p))
}

fn reduce_operation(
    model: &Value,
    protocol: &str,
    operation: &Value,
    pagination: &Value,
) -> Result<Value> {
    let mut row = json!({});
    if operation["http"]["method"] != "POST" {
        row["method"] = operation["http"]["method"].clone();
    }
    if operation["http"]["requestUri"] != "/" {
        row["uri"] = operation["http"]["requestUri"].clone();
    }
    let input = &model["shapes"][operation["input"]["shape"].as_str().unwrap_or("")];
    let mut members = Map::new();
    for (name, member) in input["members"].as_object().into_iter().flatten() {
        let location = member["location"].as_str().unwrap_or("body");
        let wire = match protocol {
            "ec2" => member["queryName"]
                .as_str()
                .map(str::to_owned)
                .or(member["locationName"].as_str().map(capital)),
            _ => member["locationName"].as_str().map(str::to_owned),
        };
        let wire = wire.unwrap_or_else(|| name.clone());
        let location = match location {
            "querystring" => "query",
            "body" if wire == *name => continue,
            other => other,
        };
        members.insert(name.clone(), json!([location, wire]));
    }
    if !members.is_empty() {
        row["input"] = Value::Object(members);
    }
    if let Some(output) = operation["output"]["shape"].as_str() {
        row["output"] = json!(output);
        if let Some(payload) = model["shapes"][output]["payload"].as_str() {
            row["payload"] = json!(payload);
        }
        if let Some(wrapper) = operation["output"]["resultWrapper"].as_str() {
            row["wrapper"] = json!(wrapper);
        }
        if let Some(page) = page(pagination, input, &model["shapes"][output]) {
            row["page"] = page;
        }
    }
    Ok(row)
}

/// Paging from botocore's paginators, or, if there is none, from a token with the same name in
/// input and output.
fn page(pagination: &Value, input: &Value, output: &Value) -> Option<Value> {
    let first = |v: &Value| v.as_str().or_else(|| v[0].as_str()).map(str::to_owned);
    if let (Some(from), Some(to)) = (
        first(&pagination["output_token"]),
        first(&pagination["input_token"]),
    ) {
        return Some(json!([to, from.split(" || ").next()]));
    }
    ["NextToken", "nextToken", "Marker"]
        .into_iter()
        .find_map(|token| {
            let next = ["NextMarker", token]
                .into_iter()
                .find(|n| output["members"].get(n).is_some())?;
            input["members"].get(token).map(|_| json!([token, next]))
        })
}

/// Shapes reachable from `name`, in the compact form that `bartizan_cloud::model` reads.
fn reach(model: &Value, name: &str, shapes: &mut BTreeMap<String, Value>) {
    if shapes.contains_key(name) {
        return;
    }
    let shape = &model["shapes"][name];
    shapes.insert(name.to_owned(), Value::Null);
    let mut follow = |member: &Value| -> Value {
        let target = member["shape"].as_str().unwrap_or("");
        let code = scalar(&model["shapes"][target]);
        if code.is_empty() {
            reach(model, target, shapes);
            json!(target)
        } else {
            json!(code)
        }
    };
    let row = match shape["type"].as_str() {
        Some("list") => {
            let mut row = json!({"list": follow(&shape["member"])});
            row["item"] = shape["member"]["locationName"]
                .as_str()
                .unwrap_or("member")
                .into();
            if shape["flattened"] == true {
                row["flat"] = true.into();
            }
            row
        }
        Some("map") => {
            let mut row = json!({"map": follow(&shape["value"])});
            row["key"] = shape["key"]["locationName"]
                .as_str()
                .unwrap_or("key")
                .into();
            row["value"] = shape["value"]["locationName"]
                .as_str()
                .unwrap_or("value")
                .into();
            if shape["flattened"] == true {
                row["flat"] = true.into();
            }
            row
        }
        _ => {
            let (mut members, mut wire) = (Map::new(), Map::new());
            for (name, member) in shape["members"].as_object().into_iter().flatten() {
                if member["location"].is_string() {
                    continue; // a header: ETag and the like, never configuration
                }
                members.insert(name.clone(), follow(member));
                if let Some(on_wire) = member["locationName"].as_str().filter(|w| w != name) {
                    wire.insert(name.clone(), json!(on_wire));
                }
            }
            let mut row = json!({"members": members});
            if !wire.is_empty() {
                row["wire"] = Value::Object(wire);
            }
            row
        }
    };
    shapes.insert(name.to_owned(), row);
}

fn scalar(shape: &Value) -> &'static str {
    match shape["type"].as_str() {
        Some("string" | "character") => "s",
        Some("integer" | "long" | "short" | "bigInteger") => "i",
        Some("float" | "double") => "f",
        Some("boolean") => "b",
        Some("timestamp") => "t",
        Some("blob") => "x",
        _ => "",
    }
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters
        .next()
        .map(|c| c.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// Host and signing region of a service with one endpoint per partition.
fn hosts(endpoints: &Value, prefix: &str) -> Map<String, Value> {
    let mut hosts = Map::new();
    for partition in endpoints["partitions"].as_array().into_iter().flatten() {
        let service = &partition["services"][prefix];
        let (Some(name), Some(true)) = (
            partition["partition"]
                .as_str()
                .filter(|n| PARTITIONS.contains(n)),
            Some(service["isRegionalized"] == false),
        ) else {
            continue;
        };
        let endpoint = &service["endpoints"][service["partitionEndpoint"].as_str().unwrap_or("")];
        if let Some(host) = endpoint["hostname"].as_str() {
            hosts.insert(
                name.into(),
                json!([host, endpoint["credentialScope"]["region"]]),
            );
        }
    }
    hosts
}

fn partitions(endpoints: &Value) -> Result<Value> {
    let mut rows = Map::new();
    for partition in endpoints["partitions"].as_array().context("partitions")? {
        let name = partition["partition"].as_str().context("partition")?;
        if PARTITIONS.contains(&name) {
            let mut regions: Vec<_> = partition["regions"]
                .as_object()
                .context("regions")?
                .keys()
                .cloned()
                .collect();
            regions.sort();
            rows.insert(
                name.into(),
                json!({"suffix": partition["dnsSuffix"], "regions": regions}),
            );
        }
    }
    Ok(rows.into())
}

/// JSON with one line per operation and shape: compact, with a readable diff for a new botocore.
fn one_line_a_shape(table: &Value) -> String {
    fn write(value: &Value, depth: usize, out: &mut String) {
        match value {
            Value::Object(map)
                if depth < 4 && !map.is_empty() && map.values().any(Value::is_object) =>
            {
                out.push_str("{\n");
                let mut keys: Vec<_> = map.keys().collect();
                keys.sort();
                for (i, key) in keys.iter().enumerate() {
                    out.push_str(&format!("{}{}: ", " ".repeat(depth + 1), json!(key)));
                    write(&map[*key], depth + 1, out);
                    out.push_str(if i + 1 < keys.len() { ",\n" } else { "\n" });
                }
                out.push_str(&format!("{}}}", " ".repeat(depth)));
            }
            other => out.push_str(&other.to_string()),
        }
    }
    let mut out = String::new();
    write(table, 0, &mut out);
    out.push('\n');
    out
}
