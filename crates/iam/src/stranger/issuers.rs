//! Identity providers: which claim of a token names the tenant there, and what a pattern must write
//! out so that only that tenant's tokens match it.
//!
//! Sources: IAM user guide, "Available keys for AWS web identity federation" and "Create a role for
//! OpenID Connect federation"; the pages of each provider on OpenID Connect with AWS.

use super::possibilities::{KeyAbsence, KeyPossibilities, TenantShape, ValueControl};
use crate::pattern::Pattern;

/// Bearer of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenBearer {
    /// A bearer whom the statement does not name.
    Stranger,
    /// Anybody, those who are named among them.
    Named,
    /// A guest of an identity pool of Cognito.
    Guest,
}

impl TokenBearer {
    pub(super) fn is_stranger(self) -> bool {
        matches!(self, Self::Stranger)
    }
}

const WHOLE: &[TenantShape] = &[TenantShape("", "")];

/// Claims in the tokens of a provider.
struct KnownIssuer {
    /// Host, or host and the beginning of a path.
    host: &'static str,
    /// The URL of each customer is its own, so that all who have tokens there belong to it.
    own: bool,
    /// Claims that name a tenant.
    claims: &'static [(&'static str, &'static [TenantShape])],
}

const KNOWN: &[KnownIssuer] = &[
    KnownIssuer {
        host: "token.actions.githubusercontent.com",
        own: false,
        claims: &[
            // "Customizing the subject claims for an organization or repository" may put other
            // claims first.
            (
                "sub",
                &[
                    TenantShape("repo:", "/"),
                    TenantShape("repository:", "/"),
                    TenantShape("repository_owner:", ":"),
                    TenantShape("repository_owner_id:", ":"),
                    TenantShape("repository_id:", ":"),
                    TenantShape("enterprise:", ":"),
                    TenantShape("enterprise_id:", ":"),
                ],
            ),
            ("repository", &[TenantShape("", "/")]),
            ("repository_owner", WHOLE),
            ("repository_owner_id", WHOLE),
            ("repository_id", WHOLE),
            ("enterprise", WHOLE),
            ("enterprise_id", WHOLE),
        ],
    },
    KnownIssuer {
        host: "gitlab.com",
        own: false,
        claims: &[
            (
                "sub",
                &[
                    TenantShape("project_path:", "/"),
                    TenantShape("project_id:", ":"),
                    TenantShape("namespace_path:", ":"),
                ],
            ),
            ("project_path", &[TenantShape("", "/")]),
            ("namespace_path", WHOLE),
            ("namespace_id", WHOLE),
            ("project_id", WHOLE),
        ],
    },
    KnownIssuer {
        host: "app.terraform.io",
        own: false,
        claims: &[("sub", &[TenantShape("organization:", ":")])],
    },
    KnownIssuer {
        host: "app.eu.terraform.io",
        own: false,
        claims: &[("sub", &[TenantShape("organization:", ":")])],
    },
    KnownIssuer {
        host: "agent.buildkite.com",
        own: false,
        claims: &[("sub", &[TenantShape("organization:", ":")])],
    },
    KnownIssuer {
        host: "oidc.vercel.com",
        own: false,
        claims: &[("sub", &[TenantShape("owner:", ":")])],
    },
    KnownIssuer {
        host: "oidc.codefresh.io",
        own: false,
        claims: &[("sub", &[TenantShape("account:", ":")])],
    },
    KnownIssuer {
        host: "scalr.io",
        own: false,
        claims: &[("sub", &[TenantShape("account:", ":")])],
    },
    KnownIssuer {
        host: "api.pulumi.com/oidc",
        own: false,
        claims: &[(
            "sub",
            &[
                TenantShape("pulumi:deploy:org:", ":"),
                TenantShape("pulumi:environments:org:", ":"),
            ],
        )],
    },
    // Their audience is an application: who signs in there is anybody.
    KnownIssuer {
        host: "accounts.google.com",
        own: false,
        claims: &[("sub", WHOLE), ("email", WHOLE)],
    },
    KnownIssuer {
        host: "graph.facebook.com",
        own: false,
        claims: &[("id", WHOLE), ("sub", WHOLE)],
    },
    KnownIssuer {
        host: "www.amazon.com",
        own: false,
        claims: &[("user_id", WHOLE), ("sub", WHOLE)],
    },
    KnownIssuer {
        host: "appleid.apple.com",
        own: false,
        claims: &[("sub", WHOLE)],
    },
    // Its audience is an identity pool, of one account.
    KnownIssuer {
        host: COGNITO,
        own: false,
        claims: &[
            ("aud", WHOLE),
            ("sub", &[TenantShape("", "-"), TenantShape("", "")]),
        ],
    },
    KnownIssuer {
        host: "oidc.eks.",
        own: true,
        claims: &[("sub", &[TenantShape("system:serviceaccount:", ":")])],
    },
    KnownIssuer {
        host: "oidc.circleci.com/org/",
        own: true,
        claims: &[("sub", &[TenantShape("org/", "/")])],
    },
    KnownIssuer {
        host: "api.bitbucket.org/2.0/workspaces/",
        own: true,
        claims: &[("sub", &[TenantShape("{", "}")])],
    },
    KnownIssuer {
        host: "token.actions.githubusercontent.com/",
        own: true,
        claims: &[("sub", &[TenantShape("repo:", "/")])],
    },
    KnownIssuer {
        host: "oidc.vercel.com/",
        own: true,
        claims: &[("sub", &[TenantShape("owner:", ":")])],
    },
];

const COGNITO: &str = "cognito-identity.amazonaws.com";

/// Identity provider as a statement names it.
#[derive(Debug)]
pub(super) struct TokenIssuer<'a> {
    /// `arn:aws:iam::111122223333:oidc-provider/gitlab.com`, `cognito-identity.amazonaws.com`.
    name: &'a str,
    /// Host and path in lower case; `saml` for SAML, whose keys are all called so.
    host: String,
}

impl<'a> TokenIssuer<'a> {
    pub(super) fn of(provider: &'a str) -> Self {
        let host = match provider.split_once("saml-provider/") {
            Some(_) => "saml".to_owned(),
            None => {
                let url = provider
                    .split_once("oidc-provider/")
                    .map_or(provider, |(_, url)| url);
                url.trim_start_matches("https://")
                    .trim_end_matches('/')
                    .to_ascii_lowercase()
            }
        };
        Self {
            name: provider,
            host,
        }
    }

    /// Whether there may be guests: Cognito gives tokens to people who have not signed in, where a
    /// pool allows it.
    pub(super) fn has_guests(&self) -> bool {
        self.host == COGNITO
    }

    fn known(&self) -> Option<&'static KnownIssuer> {
        let fits = |k: &&KnownIssuer| {
            if k.own {
                self.host.starts_with(k.host) && self.host != k.host
            } else {
                self.host == k.host
            }
        };
        KNOWN.iter().filter(fits).max_by_key(|k| k.host.len())
    }

    /// Possibilities of a key for a bearer of a token of this provider; none when it is no claim.
    pub(super) fn slot(&self, key: &str, bearer: TokenBearer) -> Option<KeyPossibilities> {
        let (host, claim) = key.rsplit_once(':')?;
        if host == "aws" && claim == "federatedprovider" {
            return Some(KeyPossibilities::new(
                KeyAbsence::Never,
                vec![Pattern::exact(self.name)],
                ValueControl::ContextValue,
            ));
        }
        if host != self.host {
            // A claim of another provider: no token of this one has it.
            let other = host == "saml" || host.contains('.');
            return other.then(KeyPossibilities::none);
        }
        let always = matches!(claim, "sub" | "aud" | "iss");
        let absent = if always {
            KeyAbsence::Never
        } else {
            KeyAbsence::Perhaps
        };
        let any = || vec![Pattern::text("?*")];
        if self.has_guests() && claim == "amr" {
            return Some(match bearer {
                // "amr": "unauthenticated" for guests; else "authenticated" and the names of
                // providers.
                TokenBearer::Guest => KeyPossibilities::new(
                    KeyAbsence::Never,
                    vec![Pattern::exact("unauthenticated")],
                    ValueControl::ContextValue,
                ),
                TokenBearer::Stranger | TokenBearer::Named => {
                    KeyPossibilities::new(KeyAbsence::Never, any(), ValueControl::Chosen)
                }
            });
        }
        let known = self.known();
        let listed = known
            .and_then(|k| k.claims.iter().find(|(name, _)| *name == claim))
            .map(|(_, shapes)| shapes.to_vec());
        let own = known.is_none_or(|k| k.own);
        let is_saml = self.host == "saml";
        let shapes = match listed {
            Some(mut shapes) => {
                // Where the whole provider is the customer's, any beginning tells its own people
                // apart.
                shapes.extend(own.then_some(TenantShape("", "*")));
                Some(shapes)
            }
            // A provider of one's own: the shapes of the others, and any beginning.
            None if claim == "sub" || is_saml => {
                let all = KNOWN
                    .iter()
                    .flat_map(|k| k.claims)
                    .filter(|(name, _)| *name == "sub")
                    .flat_map(|(_, shapes)| *shapes);
                let mut shapes: Vec<TenantShape> = all
                    .filter(|s| !is_saml && !s.0.is_empty())
                    .copied()
                    .collect();
                shapes.push(TenantShape("", "*"));
                Some(shapes)
            }
            None => None,
        };
        Some(match shapes {
            Some(shapes) => KeyPossibilities::new(
                absent,
                any(),
                ValueControl::Tenant(shapes, bearer.is_stranger()),
            ),
            // An audience is chosen by the bearer.
            None if claim == "aud" => {
                KeyPossibilities::new(KeyAbsence::Never, any(), ValueControl::Chosen)
            }
            None => KeyPossibilities::unknown(),
        })
    }
}

/// All values of the tenant that one value of a condition writes out: `repo:acme/*` of
/// `repo:acme/app:*`. None: the tenant is left open. `letters`: characters, each with whether it is
/// a wildcard.
pub(super) fn tenant(letters: &[(char, bool)], shapes: &[TenantShape]) -> Option<Pattern> {
    let written: String = letters
        .iter()
        .take_while(|(_, wild)| !wild)
        .map(|(letter, _)| *letter)
        .collect();
    let whole = letters.iter().all(|(_, wild)| !wild);
    let starting =
        |text: &str| Pattern::text_of(text.chars().map(|l| (l, false)).chain([('*', true)]));
    // The beginning of such a start may be anybody's: `rep*`.
    if !whole
        && shapes
            .iter()
            .any(|s| s.0.len() > written.len() && s.0.starts_with(&written))
    {
        return None;
    }
    // The shape with the longest start decides, so that `repo:*` is not taken for a beginning of
    // another kind.
    let longest = shapes
        .iter()
        .filter(|s| written.starts_with(s.0))
        .map(|s| s.0.len())
        .max()?;
    shapes
        .iter()
        .filter(|s| s.0.len() == longest && written.starts_with(s.0))
        .find_map(|TenantShape(start, end)| {
            let name = &written[start.len()..];
            match *end {
                "" => (whole && !name.is_empty()).then(|| Pattern::exact(&written)),
                "*" => (!name.is_empty()).then(|| starting(&written)),
                _ => match name.find(end) {
                    Some(at) if at > 0 => Some(starting(&format!("{start}{}{end}", &name[..at]))),
                    // The name alone, where nothing need follow it.
                    None if whole && !name.is_empty() && *end == ":" => {
                        Some(Pattern::exact(&written))
                    }
                    _ => None,
                },
            }
        })
}
