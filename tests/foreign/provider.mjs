// A certified OpenID provider on loopback, for tests: `node provider.mjs PORT CLIENT_ORIGIN [HOW_THE_CLIENT_PROVES_ITSELF [everything-in-token]]`.
//
// Anyone signs in under any name, and holds the groups that `/test/groups` gave the name. What a test does to
// it from outside, an attacker or an accident would do: rotate its keys, revoke a token, swap an ID token for
// another on its way to the client.
import { createHmac, generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { SignJWT, UnsecuredJWT, decodeJwt, exportJWK, importJWK } from "jose";
import Provider from "oidc-provider";

const [port, client, clientAuth = "client_secret_basic", told] = process.argv.slice(2);
const everythingInToken = told === "everything-in-token";
const issuer = `http://127.0.0.1:${port}`;
const SECRET = "a secret of the test's, with : and %";

const groups = new Map();
let attack = null;

async function newKey(kid) {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...(await exportJWK(privateKey)), kid, use: "sig", alg: "RS256" };
}

// The provider keeps what it was told: sessions live in memory, by adapter, across a change of keys.
const kept = new Map();
class Memory {
  constructor(model) {
    this.model = model;
  }
  key(id) {
    return `${this.model}:${id}`;
  }
  async upsert(id, payload) {
    kept.set(this.key(id), payload);
  }
  async find(id) {
    return kept.get(this.key(id));
  }
  async findByUid(uid) {
    return [...kept.entries()].find(([key, it]) => key.startsWith(this.key("")) && it.uid === uid)?.[1];
  }
  async findByUserCode() {}
  async consume(id) {
    kept.get(this.key(id)).consumed = Math.floor(Date.now() / 1000);
  }
  async destroy(id) {
    kept.delete(this.key(id));
  }
  async revokeByGrantId(grantId) {
    for (const [key, it] of kept) {
      if (it.grantId === grantId) kept.delete(key);
    }
  }
}

async function newProvider() {
  const made = new Provider(issuer, {
    adapter: Memory,
    jwks: { keys },
    cookies: { keys: ["of a test"] },
    clients: [
      {
        client_id: "fleetops",
        token_endpoint_auth_method: clientAuth,
        ...(clientAuth === "none" ? {} : { client_secret: SECRET }),
        redirect_uris: [`${client}/auth/oidc/callback`],
        post_logout_redirect_uris: [`${client}/`],
        backchannel_logout_uri: `${client}/auth/oidc/backchannel-logout`,
        backchannel_logout_session_required: true,
      },
    ],
    clientAuthMethods: [clientAuth],
    conformIdTokenClaims: !everythingInToken,
    claims: { openid: ["sub"], profile: ["name", "preferred_username"], groups: ["groups"] },
    scopes: ["openid", "profile", "groups"],
    // Its own refuses loopback addresses, where the application of a test is.
    fetch: (url, { dispatcher: _, ...options }) => fetch(url, options),
    features: { backchannelLogout: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, Interaction: 600, Session: 3600, Grant: 3600 },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        name: `${id} of the company`,
        preferred_username: id,
        groups: groups.get(id) ?? [],
      }),
    }),
  });
  made.use(async (context, next) => {
    await next();
    if (context.path === "/token" && context.status === 200 && attack !== null) {
      const doing = ATTACKS[attack];
      attack = null;
      context.body = { ...context.body, ...(await doing(context.body)) };
    }
  });
  return made;
}

const seconds = () => Math.floor(Date.now() / 1000);
async function signed(claims, key, header = {}) {
  return new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: key.kid, ...header }).sign(await importJWK(key, "RS256"));
}
const changed = (change) => async ({ id_token }) => ({
  id_token: await signed({ ...decodeJwt(id_token), ...change() }, keys[0]),
});

const ATTACKS = {
  expired: changed(() => ({ iat: seconds() - 900, exp: seconds() - 300 })),
  "other-audience": changed(() => ({ aud: "another-application" })),
  "other-issuer": changed(() => ({ iss: "http://127.0.0.1:1" })),
  "other-nonce": changed(() => ({ nonce: "of another login" })),
  "other-access-token": changed(() => ({ at_hash: "AAAAAAAAAAAAAAAAAAAAAA" })),
  "from-the-future": changed(() => ({ iat: seconds() + 900, exp: seconds() + 1800 })),
  "wrong-key": async ({ id_token }) => ({
    id_token: await signed(decodeJwt(id_token), { ...(await newKey("first")), kid: keys[0].kid }),
  }),
  "own-key-in-header": async ({ id_token }) => {
    const key = await newKey("mine");
    const { kty, n, e } = key;
    return { id_token: await signed(decodeJwt(id_token), key, { jwk: { kty, n, e } }) };
  },
  none: async ({ id_token }) => ({ id_token: new UnsecuredJWT(decodeJwt(id_token)).encode() }),
  // The public key's own bytes as a shared secret: works on libraries that let the token choose the algorithm.
  "public-key-as-secret": async ({ id_token }) => {
    const { kty, n, e, kid } = keys[0];
    const part = (it) => Buffer.from(JSON.stringify(it)).toString("base64url");
    const text = `${part({ alg: "HS256", kid })}.${id_token.split(".")[1]}`;
    const mac = createHmac("sha256", JSON.stringify({ kty, n, e })).update(text).digest("base64url");
    return { id_token: `${text}.${mac}` };
  },
  "altered-payload": async ({ id_token }) => {
    const [header, , signature] = id_token.split(".");
    const claims = Buffer.from(JSON.stringify({ ...decodeJwt(id_token), sub: "boss" })).toString("base64url");
    return { id_token: `${header}.${claims}.${signature}` };
  },
  revoked: async ({ access_token }) => {
    kept.delete(`AccessToken:${access_token}`);
    return {};
  },
};

let keys = [await newKey("first")];
let provider = await newProvider();
const server = createServer(async (request, response) => {
  const url = new URL(request.url, issuer);
  const done = (text = "") => response.writeHead(200).end(text);
  switch (url.pathname) {
    case "/test/groups":
      groups.set(url.searchParams.get("of"), url.searchParams.getAll("group"));
      return done();
    case "/test/attack":
      attack = url.searchParams.get("kind");
      return done();
    case "/test/attacks":
      return done(JSON.stringify(Object.keys(ATTACKS)));
    case "/test/rotate":
      keys = [await newKey(url.searchParams.get("kid"))];
      provider = await newProvider();
      return done();
    case "/test/logout-token": {
      const claims = {
        iss: issuer,
        aud: "fleetops",
        iat: seconds(),
        exp: seconds() + 120,
        jti: String(Math.random()),
        sub: url.searchParams.get("sub"),
        events: { "http://schemas.openid.net/event/backchannel-logout": {} },
      };
      return done(await signed(claims, url.searchParams.has("forged") ? await newKey(keys[0].kid) : keys[0]));
    }
    default:
      return provider.callback()(request, response);
  }
});
server.listen(Number(port), "127.0.0.1", () => console.log("ready"));
process.on("SIGTERM", () => process.exit(0));
