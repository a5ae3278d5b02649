//! Checks of networks and machines.

pub(crate) mod age_01;
pub(crate) mod net_01;
pub(crate) mod net_02;
pub(crate) mod net_03;
pub(crate) mod net_04;

use crate::missing::MissingFact;

use crate::reading::FactView;
use crate::view::AccountView;

/// ARN of a thing of EC2, e.g. `arn:aws:ec2:eu-west-1:111122223333:instance/i-0a`.
fn ec2_arn(view: &AccountView<'_>, fact: &FactView<'_>, what: &str) -> String {
    format!("arn:aws:ec2:{}:{}:{what}/{}", fact.region, view.id, fact.id)
}

/// Whether an instance runs. Stopped ones are no way in, and terminated ones are gone.
fn is_running(view: &AccountView<'_>, instance: &FactView<'_>) -> Result<bool, MissingFact> {
    let state = instance
        .volatile_json("State")
        .and_then(|s| s.get("Name")?.as_str());
    let state = state.or_else(|| instance.text("/State/Name"));
    let state = state.ok_or_else(|| view.missing(instance.kind, &instance.id, "State"))?;
    Ok(matches!(state, "running" | "pending"))
}

/// Facts of a kind in the region of another fact, in a VPC.
fn in_vpc<'v, 'a>(
    view: &'v AccountView<'a>,
    kind: &str,
    region: &str,
    vpc: &str,
) -> Result<Vec<&'v FactView<'a>>, MissingFact> {
    let all = view.all(kind, region)?;
    Ok(all
        .into_iter()
        .filter(|f| f.text("/VpcId") == Some(vpc))
        .collect())
}
