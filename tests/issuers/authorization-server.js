// A real authorization server (npm `oidc-provider`) on a free port of 127.0.0.1, for the integration tests.
//
// Commands are as in commands.js. Tokens are made through the library's own models: the same ones that its endpoints make
// after a sign-in, without a browser to drive.
//
// Usage: node authorization-server.js DIRECTORY, where DIRECTORY/node_modules holds `oidc-provider`.

import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { obey, record } from './commands.js';

const modules = createRequire(`${process.argv[2]}/package.json`);
// The library prints notices about its defaults; standard output belongs to the answers.
console.info = console.warn = console.log = () => {};
const entry = modules.resolve('oidc-provider');
const { default: Provider } = await import(pathToFileURL(entry));
const { default: MemoryAdapter } = await import(new URL('adapters/memory_adapter.js', pathToFileURL(entry)));

const AUDIENCE = 'https://api.test.invalid';
const ACCOUNT = 'service-account-7';

/** How to misbehave, by path: `{status, body, type, delay}`. */
const disturbances = new Map();

const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

// Clients with a certificate come here. It has no certificate of its own before the first of them is registered.
const tlsServer = createTlsServer({ requestCert: true, rejectUnauthorized: false });
await new Promise((listening) => tlsServer.listen(0, '127.0.0.1', listening));
const tlsOrigin = `https://127.0.0.1:${tlsServer.address().port}`;

// A key of its own: the one that the library falls back to is published, so a signature by it proves nothing.
const privateKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const signingKey = privateKey.export({ format: 'jwk' });

/** The library's own store forgets what is older than its newest thousand. */
const store = new Map();

const provider = new Provider(issuer, {
  adapter: (model) => new MemoryAdapter(model, store),
  jwks: { keys: [{ ...signingKey, kid: 'test', use: 'sig', alg: 'RS256' }] },
  scopes: ['openid', 'offline_access', 'read'],
  clientAuthMethods: [
    'client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'tls_client_auth', 'none',
  ],
  discovery: {
    mtls_endpoint_aliases: {
      token_endpoint: `${tlsOrigin}/token`,
      introspection_endpoint: `${tlsOrigin}/token/introspection`,
      revocation_endpoint: `${tlsOrigin}/token/revocation`,
    },
  },
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  features: {
    devInteractions: { enabled: false },
    introspection: { enabled: true },
    revocation: { enabled: true },
    registration: { enabled: true, initialAccessToken: true },
    registrationManagement: { enabled: true, rotateRegistrationAccessToken: true },
    clientCredentials: { enabled: true },
    mTLS: {
      enabled: true,
      tlsClientAuth: true,
      getCertificate: ({ socket }) => socket.getPeerX509Certificate?.(),
      certificateAuthorized: ({ socket }) => socket.authorized === true,
      certificateSubjectMatches: ({ socket }, property, expected) =>
        property === 'tls_client_auth_subject_dn' && `CN=${socket.getPeerCertificate().subject.CN}` === expected,
    },
    resourceIndicators: { enabled: true, getResourceServerInfo: () => ({ scope: 'read', audience: AUDIENCE }) },
  },
  ttl: { AccessToken: 3600, ClientCredentials: 3600, Grant: 86400, RefreshToken: 86400 },
});

/** The tokens of all revocation requests with whose clients the server was content, in the order in which it was done with them. */
const revocations = [];
/** Called with every further one. */
const watchers = new Set();
provider.use(async (context, next) => {
  await next();
  if (context.oidc?.route !== 'revocation' || context.status !== 200) return;
  revocations.push(context.oidc.params.token);
  for (const watcher of watchers) watcher();
});

const answer = provider.callback();
for (const listening of [server, tlsServer]) listening.on('request', (request, response) => {
  const disturbance = disturbances.get(record(request, response));
  if (!disturbance) return answer(request, response);
  // Never answered: the client has to give up by itself.
  if (disturbance.silent) return undefined;
  response.writeHead(disturbance.status, { 'content-type': disturbance.type, ...disturbance.headers });
  return response.end(disturbance.body);
});

/** A certificate authority, and certificates of it for this server and a client: all in PEM. */
function certificates(clientId) {
  const directory = mkdtempSync(join(tmpdir(), 'certificates-'));
  const openssl = (...words) => execFileSync('openssl', words, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
  const read = (name) => readFileSync(join(directory, name), 'utf8');
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  try {
    openssl('req', '-x509', ...key, '-days', '2', '-subj', '/CN=test-authority', '-keyout', 'ca.key', '-out', 'ca.pem');
    for (const [name, subject, more] of [
      ['server', '/CN=127.0.0.1', ['-addext', 'subjectAltName=IP:127.0.0.1']],
      ['client', `/CN=${clientId}`, ['-addext', 'extendedKeyUsage=clientAuth']],
    ]) {
      openssl('req', ...key, '-subj', subject, ...more, '-keyout', `${name}.key`, '-out', `${name}.csr`);
      openssl('x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2',
        '-copy_extensions', 'copy', '-out', `${name}.pem`);
    }
    tlsServer.setSecureContext({ key: read('server.key'), cert: read('server.pem'), ca: read('ca.pem') });
    return { authority: read('ca.pem'), certificate: read('client.pem') + read('client.key') };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function client(id) {
  const found = await provider.Client.find(id);
  if (!found) throw new Error(`no client ${id}`);
  return found;
}

async function accessToken(id, grantId, { format, expiresIn, scope }) {
  const owner = await client(id);
  const token = new provider.AccessToken({
    accountId: ACCOUNT, client: owner, grantId, gty: 'authorization_code', scope: scope ?? 'openid', expiresIn,
  });
  if (format === 'jwt') {
    const sign = { alg: 'RS256' };
    token.scope = 'read';
    token.resourceServer = new provider.ResourceServer(AUDIENCE, {
      audience: AUDIENCE, scope: 'read', accessTokenFormat: 'jwt', jwt: { sign },
    });
  }
  return token.save();
}

const commands = {
  /** Registers a client; without `secret` it is a public one. */
  async client({ id, secret, method }) {
    const metadata = {
      client_id: id,
      grant_types: ['authorization_code', 'refresh_token', ...(secret ? ['client_credentials'] : [])],
      response_types: ['code'],
      redirect_uris: ['https://app.test.invalid/callback'],
      token_endpoint_auth_method: secret ? method ?? 'client_secret_basic' : 'none',
      ...(secret ? { client_secret: secret } : {}),
    };
    // Constructing it checks the metadata as a registration would.
    await provider.Client.adapter.upsert(id, new provider.Client(metadata).metadata());
    return {};
  },

  /** Registers a client that proves itself by a key of its own, which the answer holds, as `private_key_jwt` or by a certificate. */
  async key_client({ id, method, type }) {
    const options = type === 'ec' ? { namedCurve: 'P-256' } : { modulusLength: 2048 };
    const pem = generateKeyPairSync(type ?? 'rsa', options).privateKey.export({ format: 'pem', type: 'pkcs8' });
    const own = { ...createPublicKey(pem).export({ format: 'jwk' }), kid: 'own', use: 'sig' };
    const metadata = {
      client_id: id,
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: ['https://app.test.invalid/callback'],
      token_endpoint_auth_method: method,
      ...(method === 'private_key_jwt' ? { jwks: { keys: [own] } } : { tls_client_auth_subject_dn: `CN=${id}` }),
    };
    await provider.Client.adapter.upsert(id, new provider.Client(metadata).metadata());
    return method === 'private_key_jwt' ? { pem } : { ...certificates(id), tls: tlsOrigin };
  },

  /** What a client is given to manage its own registration by (RFC 7592): the endpoint and its token. */
  async registration({ id }) {
    const token = new provider.RegistrationAccessToken({ clientId: (await client(id)).clientId });
    return { url: `${issuer}/reg/${id}`, token: await token.save() };
  },

  /** Whether the client exists, and whether that is its secret, in the server's own store. */
  async client_has({ id, secret }) {
    const found = await provider.Client.find(id);
    return { exists: Boolean(found), has: Boolean(found) && found.clientSecret === secret };
  },

  /** What the token endpoint gives after a sign-in: a refresh token and an opaque access token of one grant. */
  async grant({ id }) {
    const owner = await client(id);
    const grant = new provider.Grant({ accountId: ACCOUNT, clientId: id });
    grant.addOIDCScope('openid offline_access');
    grant.addResourceScope(AUDIENCE, 'read');
    const grantId = await grant.save();
    const refresh = new provider.RefreshToken({
      accountId: ACCOUNT, client: owner, grantId, gty: 'authorization_code', scope: 'openid offline_access',
    });
    return {
      refresh_token: await refresh.save(),
      access_token: await accessToken(id, grantId, { format: 'opaque', scope: 'openid offline_access' }),
      grant: grantId,
    };
  },

  /** So many refresh tokens, each of a grant of its own. */
  async grants({ id, count }) {
    const made = Array.from({ length: count }, () => commands.grant({ id }));
    return { refresh_tokens: (await Promise.all(made)).map((grant) => grant.refresh_token) };
  },

  /** A JWT access token (RFC 9068) of a new or a given grant. */
  async jwt({ id, grant, expires_in: expiresIn = 3600 }) {
    return { access_token: await accessToken(id, grant, { format: 'jwt', expiresIn }) };
  },

  async jwts({ id, count }) {
    const made = Array.from({ length: count }, () => accessToken(id, undefined, { format: 'jwt', expiresIn: 3600 }));
    return { access_tokens: await Promise.all(made) };
  },

  /** The key that the server signs with, as PEM in `pkcs1` or `pkcs8`. */
  async signing_key({ type }) {
    return { pem: privateKey.export({ format: 'pem', type }) };
  },

  /** A key pair in PEM that has nothing to do with the server: `rsa`, `ec` (P-256) or `ed25519`. */
  async key_pair({ type }) {
    const pair = generateKeyPairSync(type, { modulusLength: 2048, namedCurve: 'P-256' });
    return {
      private: pair.privateKey.export({ format: 'pem', type: 'pkcs8' }),
      public: pair.publicKey.export({ format: 'pem', type: 'spki' }),
    };
  },

  /** Whether the server itself would still honour an opaque token: its own store, no endpoint in between. */
  async alive({ token }) {
    const found = await provider.RefreshToken.find(token) ?? await provider.AccessToken.find(token);
    const grant = found && await provider.Grant.find(found.grantId);
    return { alive: Boolean(found?.isValid && grant && !grant.isExpired) };
  },

  /** How many of these tokens the server itself would still honour. */
  async count_alive({ tokens }) {
    const answers = await Promise.all(tokens.map((token) => commands.alive({ token })));
    return { count: answers.filter(({ alive }) => alive).length };
  },

  /** Which tokens were revoked, each as often as it was asked for; as soon as there are so many. */
  async revocations({ count = 0 }) {
    await new Promise((resolve) => {
      const watcher = () => revocations.length >= count && resolve(watchers.delete(watcher));
      watchers.add(watcher);
      watcher();
    });
    return { tokens: revocations };
  },

  /** Answers a path with something else from now on, or with its own answer again when there is no `status`. */
  async disturb({ path, ...how }) {
    if (how.status || how.silent) disturbances.set(path, { type: 'application/json', body: '', headers: {}, ...how });
    else disturbances.delete(path);
    return {};
  },

  /** Closes every connection unanswered from now on, as a host does whose service is down. */
  async stop() {
    server.closeAllConnections();
    server.removeAllListeners('request');
    server.on('connection', (socket) => socket.resetAndDestroy());
    return {};
  },
};

await obey({ issuer }, commands);
