//! What a question says of the request: who asks, condition keys, session and endpoint policies.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use bartizan_iam::{
    AccessQuestion, Account, Actions, Arn, CallerKind, Compiled, Compiler, Context, ContextValue,
    Estate, PolicyGrammar, PrincipalId, QuestionCaller, RequestCaller, parse,
};

use super::question::nobody;
use crate::cli::{AccessCanArgs, AccessQuestionArgs};
use crate::files::read_text;

/// Request that a question is about, as far as it is known.
pub(crate) struct KnownRequest<'e> {
    pub(crate) caller: QuestionCaller,
    context: Context,
    session: Vec<Compiled>,
    endpoint: Option<&'e Compiled>,
}

impl<'e> KnownRequest<'e> {
    /// The request of `access can`.
    pub(crate) fn of_caller(
        estate: &Estate<'e, '_>,
        actions: &Actions,
        args: &AccessCanArgs,
    ) -> Result<Self> {
        let mut request = Self::of_anybody(estate, &args.asked)?;
        request.caller = caller(estate, args, &mut request.context)?;
        let mut compiler = Compiler::new(actions);
        for file in &args.session_policy {
            let policy = parse(&read_text(file)?)
                .map_err(|e| anyhow::anyhow!("{} is no policy: {e}", file.display()))?;
            let compiled = compiler.compile(&policy, PolicyGrammar::Identity);
            request.session.push(compiled);
        }
        Ok(request)
    }

    /// The request of a question that is about everybody.
    pub(crate) fn of_anybody(estate: &Estate<'e, '_>, args: &AccessQuestionArgs) -> Result<Self> {
        let mut context = context(&args.context)?;
        let mut endpoint = None;
        if let Some(id) = &args.from_vpce {
            let known = estate.endpoint(id).with_context(|| {
                format!("no VPC endpoint {id} was read: ids are such as vpce-1a2b3c4d")
            })?;
            let policy = known
                .with_context(|| format!("the policy of VPC endpoint {id} is not understood"))?;
            endpoint = Some(policy);
            context.default_to("aws:SourceVpce", || String::from(id));
        }
        Ok(Self {
            caller: RequestCaller::Anonymous.into(),
            context,
            session: Vec::new(),
            endpoint,
        })
    }

    /// The question that the arguments ask.
    pub(crate) fn question<'q>(&'q self, asked: &'q AccessQuestionArgs) -> AccessQuestion<'q> {
        AccessQuestion {
            context: self.context.clone(),
            session: self.session.iter().collect(),
            endpoint: self.endpoint.into_iter().collect(),
            ..AccessQuestion::new(self.caller.clone(), &asked.action, &asked.resource)
        }
    }

    /// Whether session policies and those of an endpoint were given.
    pub(crate) fn is_of_session(&self) -> bool {
        !self.session.is_empty()
    }
}

/// Condition keys as `aws:SourceIp=203.0.113.9`; `aws:SourceIp=` is one that the request lacks.
fn context(given: &[String]) -> Result<Context> {
    let mut values: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for one in given {
        let (key, value) = one
            .split_once('=')
            .filter(|(key, _)| key.contains(':') && !key.contains(char::is_whitespace))
            .with_context(|| {
                format!(
                    "{one:?} is no condition key: expected one such as aws:SourceIp=203.0.113.9"
                )
            })?;
        values.entry(key).or_default().push(value);
    }
    let mut context = Context::open();
    for (key, values) in values {
        match values.as_slice() {
            [""] => context.absent(key),
            [one] => context.set(key, ContextValue::One((*one).to_owned())),
            several => {
                let several = several.iter().map(|v| (*v).to_owned()).collect();
                context.set(key, ContextValue::Many(several));
            }
        }
    }
    Ok(context)
}

/// Identity providers that policies name by their host, not by an ARN (IAM user guide, "Web
/// identity session principals").
const PROVIDERS_BY_HOST: &[&str] = &[
    "accounts.google.com",
    "cognito-identity.amazonaws.com",
    "graph.facebook.com",
    "www.amazon.com",
];

/// Whoever the argument means. Adds to the context what a token says.
fn caller(
    estate: &Estate<'_, '_>,
    args: &AccessCanArgs,
    context: &mut Context,
) -> Result<QuestionCaller> {
    let name = args.principal.as_str();
    let caller = if let Some(service) = name.strip_prefix("service:") {
        anyhow::ensure!(
            service.contains('.'),
            "{service:?} is no service: expected its host, such as lambda.amazonaws.com"
        );
        RequestCaller::Service(service.to_owned()).into()
    } else if name == "anonymous" {
        RequestCaller::Anonymous.into()
    } else if let Some((subject, provider)) = token(name) {
        let key = format!("{provider}:sub");
        context.default_to(&key, || subject.to_owned());
        federated(estate, provider, &args.asked.resource)?.into()
    } else if is_provider(name) {
        RequestCaller::Federated(name.to_owned()).into()
    } else {
        of_account_or_outside(estate, name)?
    };
    match &args.as_session {
        None => Ok(caller),
        Some(session) => as_session(estate, &caller, session),
    }
}

/// Subject and provider of `repo:acme/infra:ref:refs/heads/main@token.actions.githubusercontent.com`.
fn token(name: &str) -> Option<(&str, &str)> {
    let is_arn = Arn::parse(name).is_some();
    let host = |host: &str| host.contains('.') && !host.contains([' ', ':']);
    name.rsplit_once('@')
        .filter(|(subject, provider)| !is_arn && !subject.is_empty() && host(provider))
}

/// Whether an ARN names an identity provider.
fn is_provider(name: &str) -> bool {
    Arn::parse(name).is_some_and(|arn| {
        arn.service == "iam"
            && (arn.resource.starts_with("saml-provider/")
                || arn.resource.starts_with("oidc-provider/"))
    })
}

/// The provider of a token, in the account of the role that is asked for.
fn federated(estate: &Estate<'_, '_>, provider: &str, resource: &str) -> Result<RequestCaller> {
    if PROVIDERS_BY_HOST.contains(&provider) {
        return Ok(RequestCaller::Federated(provider.to_owned()));
    }
    let named = Arn::parse(resource).map(|arn| (arn.partition, arn.account));
    let (partition, account) = match (named, estate.accounts) {
        (Some(named), _) if named.1.len() == 12 => named,
        (_, [only]) => ("aws", only.id.as_str()),
        _ => anyhow::bail!(
            "a token is for a role of one account: ask it on the ARN of a role, or on one account"
        ),
    };
    Ok(RequestCaller::Federated(format!(
        "arn:{partition}:iam::{account}:oidc-provider/{provider}"
    )))
}

/// A session of a role, by its name.
fn as_session(
    estate: &Estate<'_, '_>,
    caller: &QuestionCaller,
    session: &str,
) -> Result<QuestionCaller> {
    let arn = match caller {
        QuestionCaller::Principal(id) => estate.arn(*id).to_owned(),
        QuestionCaller::Other(RequestCaller::Aws(arn)) => arn.clone(),
        QuestionCaller::Other(_) => String::new(),
    };
    let role = RequestCaller::Aws(arn.clone());
    let (Some(parts), Some(name), CallerKind::Role) = (Arn::parse(&arn), role.role(), role.kind())
    else {
        anyhow::bail!("only roles have sessions: --as-session is for role/NAME");
    };
    let valid = |c: char| c.is_ascii_alphanumeric() || "_=,.@-".contains(c);
    anyhow::ensure!(
        (2..=64).contains(&session.len()) && session.chars().all(valid),
        "{session:?} is no name of a session: 2 to 64 letters, digits and _=,.@-"
    );
    Ok(RequestCaller::Aws(format!(
        "arn:{}:sts::{}:assumed-role/{name}/{session}",
        parts.partition, parts.account
    ))
    .into())
}

/// A user or role that was read.
pub(crate) fn of_account(estate: &Estate<'_, '_>, name: &str) -> Result<PrincipalId> {
    match of_account_or_outside(estate, name)? {
        QuestionCaller::Principal(id) => Ok(id),
        QuestionCaller::Other(_) => anyhow::bail!(
            "{name} is no user or role that was read: the question is about these only"
        ),
    }
}

/// A user or role that was read, or a principal that was not.
fn of_account_or_outside(estate: &Estate<'_, '_>, name: &str) -> Result<QuestionCaller> {
    let error = match estate.principal(name) {
        Ok(id) => return Ok(id.into()),
        Err(error) => error,
    };
    anyhow::ensure!(!estate.accounts.is_empty(), "there is no account to ask");
    let caller = RequestCaller::Aws(name.to_owned());
    let read = Arn::parse(name).and_then(|arn| estate.account(arn.account));
    let is_outside = Arn::parse(name).is_some() && read.is_none();
    // Sessions and the root user are in no list.
    let has_role = |account: &Account<'_>| {
        let mut principals = account.principals.iter();
        principals.any(|p| Some(p.name.as_str()) == caller.role())
    };
    let is_session = caller.kind() == CallerKind::Session && read.is_some_and(has_role);
    if is_outside || is_session || caller.kind() == CallerKind::Root {
        return Ok(caller.into());
    }
    let cut = estate
        .accounts
        .iter()
        .find(|a| a.principals_cut().is_some());
    let account = read.or(cut).unwrap_or(&estate.accounts[0]);
    Err(anyhow::anyhow!(nobody(account, error)))
        .context("cannot tell who is meant; give a name, role/NAME, or an ARN")
}
