//! `iam:GetAccountAuthorizationDetails`: users, roles and groups with their policies.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::build::AccountBuilder;
use super::model::{DocumentId, PrincipalKind, UnreadPolicy};
use crate::request::PolicyGrammar;

/// A document and where it stands.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InlinePolicy<'a> {
    policy_name: String,
    #[serde(borrow)]
    policy_document: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AttachedPolicy {
    policy_arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BoundaryReference {
    permissions_boundary_arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InstanceProfile {
    arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PrincipalDetail<'a> {
    #[serde(alias = "UserName", alias = "RoleName", alias = "GroupName")]
    name: String,
    arn: String,
    #[serde(alias = "UserId", alias = "RoleId", alias = "GroupId")]
    id: Option<String>,
    #[serde(
        borrow,
        default,
        alias = "UserPolicyList",
        alias = "RolePolicyList",
        alias = "GroupPolicyList"
    )]
    inline: Vec<InlinePolicy<'a>>,
    #[serde(default)]
    attached_managed_policies: Vec<AttachedPolicy>,
    #[serde(default)]
    group_list: Vec<String>,
    permissions_boundary: Option<BoundaryReference>,
    #[serde(borrow)]
    assume_role_policy_document: Option<&'a RawValue>,
    #[serde(default)]
    instance_profile_list: Vec<InstanceProfile>,
    tags: Option<Vec<Tag>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ManagedVersion<'a> {
    #[serde(borrow)]
    document: Option<&'a RawValue>,
    #[serde(default)]
    is_default_version: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ManagedPolicy<'a> {
    arn: String,
    #[serde(borrow, default)]
    policy_version_list: Vec<ManagedVersion<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AuthorizationDetails<'a> {
    #[serde(borrow, default)]
    user_detail_list: Vec<PrincipalDetail<'a>>,
    #[serde(borrow, default)]
    group_detail_list: Vec<PrincipalDetail<'a>>,
    #[serde(borrow, default)]
    role_detail_list: Vec<PrincipalDetail<'a>>,
    #[serde(borrow, default)]
    policies: Vec<ManagedPolicy<'a>>,
}

impl AccountBuilder<'_> {
    /// Adds an answer of `iam:GetAccountAuthorizationDetails`.
    ///
    /// # Errors
    /// When it is none. Policies in it that cannot be read are noted instead.
    pub fn authorization_details(&mut self, json: &str) -> Result<(), serde_json::Error> {
        let details: AuthorizationDetails<'_> = serde_json::from_str(json)?;
        for managed in details.policies {
            for version in managed.policy_version_list {
                if let Some(raw) = version.document {
                    self.managed(&managed.arn, raw.get(), version.is_default_version);
                }
            }
        }
        for group in details.group_detail_list {
            self.group(&group);
        }
        for (kind, list) in [
            (PrincipalKind::User, details.user_detail_list),
            (PrincipalKind::Role, details.role_detail_list),
        ] {
            list.iter().for_each(|detail| self.principal(kind, detail));
        }
        self.account.principals_read = true;
        Ok(())
    }

    pub(super) fn managed(&mut self, arn: &str, text: &str, default: bool) {
        let Some(number) = self.document(arn, text, PolicyGrammar::Identity) else {
            return;
        };
        if default {
            self.managed.insert(arn.to_owned(), number);
        } else {
            self.versions.push((arn.to_owned(), number));
        }
    }

    pub(super) fn group(&mut self, detail: &PrincipalDetail<'_>) {
        let (inline, unread) = self.inline("group", detail);
        self.group_arns
            .insert(detail.name.clone(), detail.arn.clone());
        let pending = self.groups.entry(detail.name.clone()).or_default();
        pending.unread.extend(unread);
        pending.inline.extend(inline);
        pending.managed.extend(
            detail
                .attached_managed_policies
                .iter()
                .map(|a| a.policy_arn.clone()),
        );
    }

    pub(super) fn principal(&mut self, kind: PrincipalKind, detail: &PrincipalDetail<'_>) {
        let word = if kind == PrincipalKind::User {
            "user"
        } else {
            "role"
        };
        let (inline, unread) = self.inline(word, detail);
        let trust = detail.assume_role_policy_document.and_then(|raw| {
            self.document(
                &format!("trust policy of role/{}", detail.name),
                raw.get(),
                PolicyGrammar::Resource,
            )
        });
        for profile in &detail.instance_profile_list {
            self.profiles
                .insert(profile.arn.clone(), detail.arn.clone());
        }
        let pending = self
            .pending
            .entry(format!("{word}/{}", detail.name))
            .or_default();
        pending.kind = Some(kind);
        pending.name.clone_from(&detail.arn);
        pending.id.clone_from(&detail.id);
        let tags = detail.tags.iter().flatten();
        pending.tags = detail
            .tags
            .as_ref()
            .map(|_| tags.map(|t| (t.key.clone(), t.value.clone())).collect());
        pending.unread.extend(unread);
        pending.inline.extend(inline);
        pending.managed.extend(
            detail
                .attached_managed_policies
                .iter()
                .map(|a| a.policy_arn.clone()),
        );
        pending.groups.extend(detail.group_list.iter().cloned());
        pending.boundary = detail
            .permissions_boundary
            .as_ref()
            .map(|b| b.permissions_boundary_arn.clone());
        pending.trust = trust.or(pending.trust);
    }

    /// Documents of inline policies, and the names of those that cannot be read.
    fn inline(
        &mut self,
        word: &str,
        detail: &PrincipalDetail<'_>,
    ) -> (Vec<DocumentId>, Vec<UnreadPolicy>) {
        let (mut read, mut unread) = (Vec::new(), Vec::new());
        for inline in &detail.inline {
            let name = format!("{word}/{}/{}", detail.name, inline.policy_name);
            match self.document(&name, inline.policy_document.get(), PolicyGrammar::Identity) {
                Some(number) => read.push(number),
                None => unread.push(UnreadPolicy::Policy(name)),
            }
        }
        (read, unread)
    }
}
