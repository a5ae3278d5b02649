//! PUB-08: a function, API or identity pool answers without authentication.

use bartizan_iam::ExternalPrincipal;
use bartizan_model::Severity;
use serde_json::Value;

use crate::check::Check;
use crate::missing::Fault;
use crate::reading::FactView;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "PUB-08",
    title: "A function, API or identity pool answers without authentication",
    severity: Severity::High,
    why: "Whatever stands behind it can be called by everybody, as often as they like.",
    judged: "Function URLs without auth type whose policy lets in everybody; routes and methods with authorization NONE, but OPTIONS and private APIs; identity pools that have both guests and a role for them.",
    fix: "aws lambda update-function-url-config --region {region} --function-name {name} --auth-type AWS_IAM",
    sources: &[],
    needs: &[
        "lambda:functionurl",
        "lambda:functionpolicy",
        "apigateway:restapi",
        "apigateway:resource",
        "apigatewayv2:api",
        "apigatewayv2:route",
        "cognito:identitypool",
        "cognito:identitypoolroles",
    ],
    judge,
};

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    let urls = view.list("lambda:functionurl");
    verdicts.list_read(&urls);
    for url in urls.facts {
        let arn = url.text("/FunctionArn").unwrap_or(&url.id);
        verdicts.judge(arn, url.region, [open_url(view, url, arn)]);
    }
    let apis = view.list("apigateway:restapi");
    verdicts.list_read(&apis);
    for api in apis.facts {
        let arn = format!("arn:aws:apigateway:{}::/restapis/{}", api.region, api.id);
        verdicts.judge(&arn, api.region, [open_rest_api(view, api)]);
    }
    let apis = view.list("apigatewayv2:api");
    verdicts.list_read(&apis);
    for api in apis.facts {
        let arn = format!("arn:aws:apigateway:{}::/apis/{}", api.region, api.id);
        verdicts.judge(&arn, api.region, [open_http_api(view, api)]);
    }
    let pools = view.list("cognito:identitypool");
    verdicts.list_read(&pools);
    for pool in pools.facts {
        let (region, account, id) = (pool.region, view.id, &pool.id);
        let arn = format!("arn:aws:cognito-identity:{region}:{account}:identitypool/{id}");
        verdicts.judge(&arn, region, [open_pool(view, pool)]);
    }
}

/// A URL without authentication, and a policy of the function or alias that lets everybody call it.
fn open_url(view: &AccountView<'_>, url: &FactView<'_>, arn: &str) -> Fault {
    if url.text("/AuthType") != Some("NONE") {
        return Ok(None);
    }
    let (_, name) = arn.rsplit_once(":function:").unwrap_or(("", arn));
    let kind = if name.contains(':') {
        "lambda:aliaspolicy"
    } else {
        "lambda:functionpolicy"
    };
    if view.fact(kind, url.region, name)?.is_none() {
        return Ok(None);
    }
    let everybody = [ExternalPrincipal::Anybody, ExternalPrincipal::AnyAccount];
    let mut given = view.external().iter();
    let open = given.any(|e| e.arn == arn && e.by == kind && everybody.contains(&e.to));
    Ok(open.then(|| "a URL without authentication, and a policy for everybody".to_owned()))
}

fn open_rest_api(view: &AccountView<'_>, api: &FactView<'_>) -> Fault {
    let is_private = api
        .list("/endpointConfiguration/types")
        .iter()
        .any(|t| t == "PRIVATE");
    if is_private {
        return Ok(None);
    }
    let resources = view.within("apigateway:resource", api.region, &format!("{}/", api.id))?;
    let mut unknown = None;
    for resource in resources {
        let path = resource.text("/path").unwrap_or("?");
        let methods = resource
            .json()
            .get("resourceMethods")
            .and_then(Value::as_object);
        for (method, details) in methods
            .into_iter()
            .flatten()
            .filter(|(m, _)| *m != "OPTIONS")
        {
            match details["authorizationType"].as_str() {
                Some("NONE") if details["apiKeyRequired"] != true => {
                    return Ok(Some(format!("{method} {path} has authorization NONE")));
                }
                Some(_) => {}
                None => {
                    unknown = Some(view.missing(resource.kind, &resource.id, "authorizationType"))
                }
            }
        }
    }
    unknown.map_or(Ok(None), Err)
}

fn open_http_api(view: &AccountView<'_>, api: &FactView<'_>) -> Fault {
    let routes = view.within("apigatewayv2:route", api.region, &format!("{}/", api.id))?;
    let open = routes.iter().find(|route| {
        let key = route.text("/RouteKey").unwrap_or_default();
        let is_none = matches!(route.text("/AuthorizationType"), None | Some("NONE" | ""));
        is_none && key.split(' ').next() != Some("OPTIONS") && !is_after_connect(api, key)
    });
    Ok(open.map(|route| {
        let key = route.text("/RouteKey").unwrap_or("a route");
        format!("{key} has authorization NONE")
    }))
}

/// Whether a route of a WebSocket API is one that only connected clients reach: `$connect` alone
/// can have an authorizer.
fn is_after_connect(api: &FactView<'_>, key: &str) -> bool {
    api.text("/ProtocolType") == Some("WEBSOCKET") && key != "$connect"
}

fn open_pool(view: &AccountView<'_>, pool: &FactView<'_>) -> Fault {
    if !pool.is("/AllowUnauthenticatedIdentities") {
        return Ok(None);
    }
    let roles = view.fact("cognito:identitypoolroles", pool.region, &pool.id)?;
    let role = roles.and_then(|r| r.text("/Roles/unauthenticated"));
    Ok(role.map(|role| format!("guests get {role}")))
}
