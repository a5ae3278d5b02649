"use strict";
// An OpenID Connect provider on loopback. `real`: the certified oidc-provider. `crafted`: answers
// with the token that the path /mode/NAME chose, to see what is refused.
const http = require("http");
const crypto = require("crypto");
const path = require("path");

const [, , kind, port, callback] = process.argv;
const issuer = "http://127.0.0.1:" + port;

async function real() {
  const { pathToFileURL } = require("url");
  const entry = path.join(process.env.BARTIZAN_NODE, "oidc-provider", "lib", "index.js");
  const { default: Provider } = await import(pathToFileURL(entry).href);
  const provider = new Provider(issuer, {
    clients: [{
      client_id: "bartizan", client_secret: "a-secret-of-the-test-only-0123456789", redirect_uris: [callback],
      response_types: ["code"], grant_types: ["authorization_code"], token_endpoint_auth_method: "client_secret_basic",
    }],
    claims: { openid: ["sub"], profile: ["preferred_username"], groups: ["groups"] },
    scopes: ["openid", "profile", "groups"],
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    cookies: { keys: ["of-the-test"] },
    async findAccount(ctx, id) {
      const groups = { alice: ["responders"], bob: ["readers"] }[id] || ["others"];
      return { accountId: id, async claims() { return { sub: id, preferred_username: id, groups }; } };
    },
  });
  provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
}

function crafted() {
  const { privateKey, publicKey } = crypto.generateKeyPairSync("rsa", { modulusLength: 2048 });
  const other = crypto.generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwk = Object.assign(publicKey.export({ format: "jwk" }), { kid: "k", alg: "RS256", use: "sig" });
  const part = (v) => Buffer.from(JSON.stringify(v)).toString("base64url");
  let mode = "good", nonce = "", challenge = "";
  function token() {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: issuer, aud: "bartizan", sub: "mallory", exp: now + 300, iat: now, nonce, groups: ["responders"] };
    const header = { alg: "RS256", kid: "k" };
    let key = privateKey;
    if (mode === "nonce") { claims.nonce = "other"; }
    if (mode === "no-nonce") { delete claims.nonce; }
    if (mode === "audience") { claims.aud = "other"; }
    if (mode === "azp") { claims.aud = ["bartizan", "other"]; claims.azp = "other"; }
    if (mode === "issuer") { claims.iss = "http://127.0.0.1:1"; }
    if (mode === "expired") { claims.exp = now - 3600; claims.iat = now - 7200; }
    if (mode === "future") { claims.nbf = now + 3600; }
    if (mode === "groups") { claims.groups = ["others"]; }
    if (mode === "key") { key = other.privateKey; }
    if (mode === "unknown-kid") { header.kid = "x"; }
    if (mode === "unsigned") { return part({ alg: "none" }) + "." + part(claims) + "."; }
    const text = (h) => part(h) + "." + part(claims);
    if (mode === "hmac") {
      const h = { alg: "HS256", kid: "k" };
      const secret = publicKey.export({ format: "pem", type: "spki" });
      return text(h) + "." + crypto.createHmac("sha256", secret).update(text(h)).digest("base64url");
    }
    return text(header) + "." + crypto.sign("sha256", Buffer.from(text(header)), key).toString("base64url");
  }
  http.createServer((request, answer) => {
    const url = new URL(request.url, issuer);
    const json = (value, status) => { answer.writeHead(status || 200, { "content-type": "application/json" }); answer.end(JSON.stringify(value)); };
    if (url.pathname.startsWith("/mode/")) { mode = url.pathname.slice(6); return json({}); }
    if (url.pathname === "/.well-known/openid-configuration") {
      return json({ issuer, authorization_endpoint: issuer + "/auth", token_endpoint: issuer + "/token", jwks_uri: issuer + "/jwks" });
    }
    if (url.pathname === "/auth") {
      nonce = url.searchParams.get("nonce");
      challenge = url.searchParams.get("code_challenge");
      return json({ state: url.searchParams.get("state") });
    }
    if (url.pathname === "/jwks") { return json({ keys: [jwk] }); }
    let body = "";
    request.on("data", (b) => { body += b; });
    request.on("end", () => {
      const verifier = new URLSearchParams(body).get("code_verifier") || "";
      const made = crypto.createHash("sha256").update(verifier).digest("base64url");
      if (made !== challenge) { return json({ error: "invalid_grant" }, 400); }
      json({ id_token: token(), access_token: "x", token_type: "Bearer" });
    });
  }).listen(Number(port), "127.0.0.1", () => console.log("ready"));
}

(kind === "real" ? real : crafted)();
