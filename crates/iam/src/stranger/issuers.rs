//! Identity providers: which claim of a token names the tenant there, and what a pattern must write out so that only that
//! tenant's tokens match it.
//!
//! Sources: IAM user guide, "Available keys for AWS web identity federation" and "Create a role for OpenID Connect
//! federation"; the pages of each provider on OpenID Connect with AWS.

use super::Bearer;
use super::keys::{Absent, Control, Slot};
use crate::pattern::Pattern;

/// A start, and the letter that ends the name of a tenant behind it: `repo:` and `/` for `repo:acme/app:ref:refs/heads/main`.
/// No letter: the whole value is the name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape(pub(super) &'static str, pub(super) &'static str);

const WHOLE: &[Shape] = &[Shape("", "")];

/// What a provider says in its tokens.
struct KnownProvider {
    /// Host, or host and the beginning of a path.
    host: &'static str,
    /// The URL of each customer is its own, so that all who have tokens there belong to it.
    own: bool,
    /// Claims that name a tenant.
    claims: &'static [(&'static str, &'static [Shape])],
}

const KNOWN: &[KnownProvider] = &[
    KnownProvider {
        host: "token.actions.githubusercontent.com",
        own: false,
        claims: &[
            // "Customizing the subject claims for an organization or repository" may put other claims first.
            (
                "sub",
                &[
                    Shape("repo:", "/"),
                    Shape("repository:", "/"),
                    Shape("repository_owner:", ":"),
                    Shape("repository_owner_id:", ":"),
                    Shape("repository_id:", ":"),
                    Shape("enterprise:", ":"),
                    Shape("enterprise_id:", ":"),
                ],
            ),
            ("repository", &[Shape("", "/")]),
            ("repository_owner", WHOLE),
            ("repository_owner_id", WHOLE),
            ("repository_id", WHOLE),
            ("enterprise", WHOLE),
            ("enterprise_id", WHOLE),
        ],
    },
    KnownProvider {
        host: "gitlab.com",
        own: false,
        claims: &[
            ("sub", &[Shape("project_path:", "/"), Shape("project_id:", ":"), Shape("namespace_path:", ":")]),
            ("project_path", &[Shape("", "/")]),
            ("namespace_path", WHOLE),
            ("namespace_id", WHOLE),
            ("project_id", WHOLE),
        ],
    },
    KnownProvider { host: "app.terraform.io", own: false, claims: &[("sub", &[Shape("organization:", ":")])] },
    KnownProvider { host: "app.eu.terraform.io", own: false, claims: &[("sub", &[Shape("organization:", ":")])] },
    KnownProvider { host: "agent.buildkite.com", own: false, claims: &[("sub", &[Shape("organization:", ":")])] },
    KnownProvider { host: "oidc.vercel.com", own: false, claims: &[("sub", &[Shape("owner:", ":")])] },
    KnownProvider { host: "oidc.codefresh.io", own: false, claims: &[("sub", &[Shape("account:", ":")])] },
    KnownProvider { host: "scalr.io", own: false, claims: &[("sub", &[Shape("account:", ":")])] },
    KnownProvider {
        host: "api.pulumi.com/oidc",
        own: false,
        claims: &[("sub", &[Shape("pulumi:deploy:org:", ":"), Shape("pulumi:environments:org:", ":")])],
    },
    // Their audience is an application: who signs in there is anybody.
    KnownProvider { host: "accounts.google.com", own: false, claims: &[("sub", WHOLE), ("email", WHOLE)] },
    KnownProvider { host: "graph.facebook.com", own: false, claims: &[("id", WHOLE), ("sub", WHOLE)] },
    KnownProvider { host: "www.amazon.com", own: false, claims: &[("user_id", WHOLE), ("sub", WHOLE)] },
    KnownProvider { host: "appleid.apple.com", own: false, claims: &[("sub", WHOLE)] },
    // Its audience is an identity pool, of one account.
    KnownProvider { host: COGNITO, own: false, claims: &[("aud", WHOLE), ("sub", &[Shape("", "-"), Shape("", "")])] },
    KnownProvider { host: "oidc.eks.", own: true, claims: &[("sub", &[Shape("system:serviceaccount:", ":")])] },
    KnownProvider { host: "oidc.circleci.com/org/", own: true, claims: &[("sub", &[Shape("org/", "/")])] },
    KnownProvider { host: "api.bitbucket.org/2.0/workspaces/", own: true, claims: &[("sub", &[Shape("{", "}")])] },
    KnownProvider { host: "token.actions.githubusercontent.com/", own: true, claims: &[("sub", &[Shape("repo:", "/")])] },
    KnownProvider { host: "oidc.vercel.com/", own: true, claims: &[("sub", &[Shape("owner:", ":")])] },
];

const COGNITO: &str = "cognito-identity.amazonaws.com";

/// A provider as a statement names it.
#[derive(Debug)]
pub(super) struct Issuer<'a> {
    /// `arn:aws:iam::111122223333:oidc-provider/gitlab.com`, `cognito-identity.amazonaws.com`.
    name: &'a str,
    /// Host and path in lower case; `saml` for SAML, whose keys are all called so.
    host: String,
}

impl<'a> Issuer<'a> {
    pub(super) fn of(provider: &'a str) -> Self {
        let host = match provider.split_once("saml-provider/") {
            Some(_) => "saml".to_owned(),
            None => {
                let url = provider.split_once("oidc-provider/").map_or(provider, |(_, url)| url);
                url.trim_start_matches("https://").trim_end_matches('/').to_ascii_lowercase()
            }
        };
        Self { name: provider, host }
    }

    /// Cognito gives tokens to people who have not signed in, where a pool allows that.
    pub(super) fn has_guests(&self) -> bool {
        self.host == COGNITO
    }

    fn known(&self) -> Option<&'static KnownProvider> {
        let fits = |k: &&KnownProvider| if k.own { self.host.starts_with(k.host) && self.host != k.host } else { self.host == k.host };
        KNOWN.iter().filter(fits).max_by_key(|k| k.host.len())
    }

    /// What a key can be for who holds a token of this provider; none when it is no claim.
    pub(super) fn slot(&self, key: &str, bearer: Bearer) -> Option<Slot> {
        let (host, claim) = key.rsplit_once(':')?;
        if host == "aws" && claim == "federatedprovider" {
            return Some(Slot::new(Absent::Never, vec![Pattern::exact(self.name)], Control::ContextValue));
        }
        if host != self.host {
            // A claim of another provider: no token of this one has it.
            let other = host == "saml" || host.contains('.');
            return other.then(Slot::none);
        }
        let always = matches!(claim, "sub" | "aud" | "iss");
        let absent = if always { Absent::Never } else { Absent::Perhaps };
        let any = || vec![Pattern::text("?*")];
        if self.has_guests() && claim == "amr" {
            return Some(match bearer {
                // "amr": "unauthenticated" for guests; else "authenticated" and the names of providers.
                Bearer::Guest => Slot::new(Absent::Never, vec![Pattern::exact("unauthenticated")], Control::ContextValue),
                Bearer::Stranger | Bearer::Named => Slot::new(Absent::Never, any(), Control::Chosen),
            });
        }
        let known = self.known();
        let listed = known.and_then(|k| k.claims.iter().find(|(name, _)| *name == claim)).map(|(_, shapes)| shapes.to_vec());
        let own = known.is_none_or(|k| k.own);
        let is_saml = self.host == "saml";
        let shapes = match listed {
            Some(mut shapes) => {
                // Where the whole provider is the customer's, any beginning tells its own people apart.
                shapes.extend(own.then_some(Shape("", "*")));
                Some(shapes)
            }
            // A provider of one's own: the shapes of the others, and any beginning.
            None if claim == "sub" || is_saml => {
                let all = KNOWN.iter().flat_map(|k| k.claims).filter(|(name, _)| *name == "sub").flat_map(|(_, shapes)| *shapes);
                let mut shapes: Vec<Shape> = all.filter(|s| !is_saml && !s.0.is_empty()).copied().collect();
                shapes.push(Shape("", "*"));
                Some(shapes)
            }
            None => None,
        };
        Some(match shapes {
            Some(shapes) => Slot::new(absent, any(), Control::Tenant(shapes, bearer.is_stranger())),
            // An audience is asked for by him who wants the token.
            None if claim == "aud" => Slot::new(Absent::Never, any(), Control::Chosen),
            None => Slot::unknown(),
        })
    }
}

/// All values that belong to the tenant whom one value of a condition writes out: `repo:acme/*` of `repo:acme/app:*`. None:
/// it leaves open whose they are. `letters`: with whether each is a wildcard.
pub(super) fn tenant(letters: &[(char, bool)], shapes: &[Shape]) -> Option<Pattern> {
    let written: String = letters.iter().take_while(|(_, wild)| !wild).map(|(letter, _)| *letter).collect();
    let whole = letters.iter().all(|(_, wild)| !wild);
    let starting = |text: &str| Pattern::text_of(text.chars().map(|l| (l, false)).chain([('*', true)]));
    // The beginning of such a start may be anybody's: `rep*`.
    if !whole && shapes.iter().any(|s| s.0.len() > written.len() && s.0.starts_with(&written)) {
        return None;
    }
    // The shape with the longest start decides, so that `repo:*` is not taken for a beginning of some other sort.
    let longest = shapes.iter().filter(|s| written.starts_with(s.0)).map(|s| s.0.len()).max()?;
    shapes.iter().filter(|s| s.0.len() == longest && written.starts_with(s.0)).find_map(|Shape(start, end)| {
        let name = &written[start.len()..];
        match *end {
            "" => (whole && !name.is_empty()).then(|| Pattern::exact(&written)),
            "*" => (!name.is_empty()).then(|| starting(&written)),
            _ => match name.find(end) {
                Some(at) if at > 0 => Some(starting(&format!("{start}{}{end}", &name[..at]))),
                // The name alone, where nothing need follow it.
                None if whole && !name.is_empty() && *end == ":" => Some(Pattern::exact(&written)),
                _ => None,
            },
        }
    })
}
