//! `cargo xtask ip-ranges`: AWS address ranges, reduced to those that `detect` needs.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

/// Writes data/aws-ip-ranges.txt from ip-ranges.json as AWS publishes it.
pub(crate) fn write(root: &Path, file: &Path) -> Result<()> {
    let json: Value = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    let mut ranges = Vec::new();
    for (list, field) in [("prefixes", "ip_prefix"), ("ipv6_prefixes", "ipv6_prefix")] {
        for row in json[list].as_array().context("not ip-ranges.json")? {
            // Source addresses of instances, functions and containers; the other services are
            // subsets of AMAZON.
            if matches!(row["service"].as_str(), Some("AMAZON" | "EC2")) {
                let (ip, bits) = row[field]
                    .as_str()
                    .context("prefix")?
                    .split_once('/')
                    .context("prefix")?;
                ranges.push((ip.parse::<IpAddr>()?, bits.parse::<u32>()?));
            }
        }
    }
    let date = json["createDate"].as_str().context("createDate")?;
    let token = json["syncToken"].as_str().context("syncToken")?;
    let mut text = format!(
        "# Addresses of AWS (services AMAZON and EC2), joined: \
        https://ip-ranges.amazonaws.com/ip-ranges.json of {date},\n\
         # syncToken {token}. Written by `cargo xtask ip-ranges`. Newer ones at run time: \
         bartizan detect --ip-ranges FILE.\n"
    );
    for (ip, bits) in joined(ranges) {
        let _ = writeln!(text, "{ip}/{bits}");
    }
    let path = root.join("data/aws-ip-ranges.txt");
    std::fs::write(&path, text)?;
    println!("wrote {}", path.display());
    Ok(())
}

/// Merges adjacent ranges and removes nested ones.
fn joined(ranges: Vec<(IpAddr, u32)>) -> Vec<(IpAddr, u32)> {
    let bits = |ip: IpAddr| match ip {
        IpAddr::V4(v4) => (0, u128::from(v4.to_bits()) << 96),
        IpAddr::V6(v6) => (1, v6.to_bits()),
    };
    let mut set: BTreeSet<(u8, u128, u32)> = ranges
        .into_iter()
        .map(|(ip, n)| (bits(ip).0, bits(ip).1, n))
        .collect();
    let mask = |n: u32| if n == 0 { 0 } else { u128::MAX << (128 - n) };
    loop {
        let inside = |&(family, at, n): &(u8, u128, u32)| {
            (1..n).any(|m| set.contains(&(family, at & mask(m), m)))
        };
        let mut next: BTreeSet<_> = set.iter().filter(|r| !inside(r)).copied().collect();
        for &(family, at, n) in &set {
            let other = at ^ (1 << (128 - n));
            if next.contains(&(family, at, n)) && next.contains(&(family, other, n)) {
                next.remove(&(family, at, n));
                next.remove(&(family, other, n));
                next.insert((family, at & mask(n - 1), n - 1));
            }
        }
        if next == set {
            break;
        }
        set = next;
    }
    let ip = |family: u8, at: u128| {
        if family == 0 {
            IpAddr::V4(((at >> 96) as u32).into())
        } else {
            IpAddr::V6(at.into())
        }
    };
    set.into_iter()
        .map(|(family, at, n)| (ip(family, at), n))
        .collect()
}
