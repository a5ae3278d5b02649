//! One statement: whether its action, resource, conditions and principal fit a request.

use super::operators::holds;
use super::principals::{KnownCaller, Nearness};
use super::services::{is_key, is_role_assumed};
use super::truth::{self, Truth, at_most_unknown};
use super::values::{Resolved, ValuePart, glyphs, matches_arn, matches_wildcards, parts, resolve};
use crate::policy::{Block, Policy, Statement};
use crate::request::{PolicyLayer, Request};

/// Question to a statement: which request, of whom, and whether a permissions boundary limits that
/// one.
pub(super) struct Question<'a> {
    pub(super) request: &'a Request,
    pub(super) caller: KnownCaller<'a>,
    pub(super) has_boundary: bool,
}

impl Question<'_> {
    /// Whether a statement has this effect on the request.
    pub(super) fn applies(
        &self,
        effect: &str,
        layer: PolicyLayer,
        policy: &Policy,
        statement: &Statement,
        least: Nearness,
    ) -> Truth {
        let is_allow_or_deny = ["Allow", "Deny"].contains(&statement.effect.as_str());
        if is_allow_or_deny && statement.effect != effect {
            return Some(false);
        }
        let has_variables = policy.version == "2012-10-17";
        let conditions = statement.conditions.iter();
        let fits = truth::all([
            self.fits_principal(layer, statement, least),
            self.fits_action(layer, statement),
            self.fits_resource(layer, statement, has_variables),
            truth::all(conditions.map(|one| holds(one, &self.request.context, has_variables))),
        ]);
        // An effect that is neither, elements and versions that nobody knows: whatever it means, it
        // is not certain.
        let is_version_known = ["2012-10-17", "2008-10-17"].contains(&policy.version.as_str());
        let is_understood = is_allow_or_deny
            && statement.unknown.is_empty()
            && policy.unknown.is_empty()
            && is_version_known;
        if is_understood {
            fits
        } else {
            at_most_unknown(fits)
        }
    }

    fn fits_principal(&self, layer: PolicyLayer, statement: &Statement, least: Nearness) -> Truth {
        if !has_principals(layer) {
            return Some(true);
        }
        match &statement.principal {
            // A statement without a principal is skipped in a resource policy.
            None => Some(false),
            Some(Block::Is(list)) => {
                truth::any(list.iter().map(|one| self.caller.is_named(one, least)))
            }
            // AWS takes none in a trust policy: the meaning is not known.
            Some(Block::Not(_)) if is_role_assumed(self.request) => None,
            // With Allow, which AWS advises against: everybody but those named.
            Some(Block::Not(list)) if statement.effect == "Allow" => truth::not(truth::any(
                list.iter().map(|one| self.caller.is_left_out(one)),
            )),
            // With Deny and a boundary it spares nobody ("Permissions boundaries", "NotPrincipal").
            Some(Block::Not(_)) if statement.effect == "Deny" && self.has_boundary => Some(true),
            Some(Block::Not(list)) => truth::not(self.caller.is_spared(list)),
        }
    }

    fn fits_action(&self, layer: PolicyLayer, statement: &Statement) -> Truth {
        match &statement.action {
            // A statement without it has no effect in the policy of a key (KMS API reference,
            // `PutKeyPolicy`).
            None if has_principals_of_resource(layer) && is_key(&self.request.resource) => {
                Some(false)
            }
            None => None,
            Some(Block::Is(list)) => Some(list.iter().any(|pattern| self.is_action(pattern))),
            Some(Block::Not(list)) => Some(!list.iter().any(|pattern| self.is_action(pattern))),
        }
    }

    /// Actions are compared without regard to case; wildcards stand in the name, not in the
    /// service.
    fn is_action(&self, pattern: &str) -> bool {
        let (pattern, action) = (
            pattern.to_ascii_lowercase(),
            self.request.action.to_ascii_lowercase(),
        );
        if pattern == "*" || pattern == "*:*" {
            return true;
        }
        match (pattern.split_once(':'), action.split_once(':')) {
            (Some((service, name)), Some((own_service, own_name))) => {
                service == own_service && matches_wildcards(&glyphs(name), own_name)
            }
            _ => false,
        }
    }

    fn fits_resource(
        &self,
        layer: PolicyLayer,
        statement: &Statement,
        has_variables: bool,
    ) -> Truth {
        let about = |list: &[String]| {
            truth::any(
                list.iter()
                    .map(|pattern| self.is_resource(layer, pattern, has_variables)),
            )
        };
        match &statement.resource {
            None if has_principals_of_resource(layer) && is_key(&self.request.resource) => {
                Some(false)
            }
            // A trust policy has none; another policy of a resource is about its resource.
            None if has_principals_of_resource(layer) => Some(true),
            None => None,
            Some(Block::Is(list)) => about(list),
            Some(Block::Not(list)) => truth::not(about(list)),
        }
    }

    fn is_resource(&self, layer: PolicyLayer, pattern: &str, has_variables: bool) -> Truth {
        // Variables are filled in the last segment only; before it they are characters, which are
        // in no ARN.
        let mut colons = 0;
        for part in parts(pattern, has_variables) {
            match part {
                ValuePart::Plain(':') => colons += 1,
                ValuePart::Plain(_) => {}
                ValuePart::Escaped(_) | ValuePart::Variable { .. } if colons < 5 => {
                    return Some(false);
                }
                ValuePart::Escaped(_) | ValuePart::Variable { .. } => {}
            }
        }
        let mut pattern = pattern.to_owned();
        if pattern != "*" && colons < 5 {
            // An ARN that is too short means something in some policies: `arn:aws:s3*` in those of
            // identities.
            let is_filled = match layer {
                PolicyLayer::Identity | PolicyLayer::Boundary | PolicyLayer::Session => true,
                PolicyLayer::Resource | PolicyLayer::Endpoint | PolicyLayer::Service => {
                    pattern.contains('*')
                }
                PolicyLayer::Scp => pattern.ends_with('*'),
                PolicyLayer::Rcp => false,
            };
            if !is_filled {
                return Some(false);
            }
            while colons < 5 {
                pattern.push_str(":*");
                colons += 1;
            }
        }
        match resolve(&pattern, has_variables, &self.request.context) {
            Resolved::Text(glyphs) => Some(matches_arn(&glyphs, &self.request.resource)),
            Resolved::NoValue => Some(false),
            Resolved::NotKnown => None,
        }
    }
}

/// Whether statements of a layer say for whom they are.
fn has_principals(layer: PolicyLayer) -> bool {
    layer == PolicyLayer::Rcp || has_principals_of_resource(layer)
}

/// Whether a layer is the policy of something that is called: a resource, a VPC endpoint.
fn has_principals_of_resource(layer: PolicyLayer) -> bool {
    matches!(
        layer,
        PolicyLayer::Resource | PolicyLayer::Endpoint | PolicyLayer::Service
    )
}
