/*
 * provider.mjs: an OpenID provider (npm oidc-provider) on 127.0.0.1 for
 * t/90oidc.t. Issues JWT access tokens to the client "robot" (client
 * credentials), and does what it is told on standard input, one word a line,
 * each answered by one line:
 *
 *   rotate ALG   signs with a new key of ALG from now on; the former ones stay
 *   drop         the former keys are no longer published
 *
 * The first line that it writes is its issuer.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import Provider from 'oidc-provider';

/* Standard output is for the answers. */
console.info = () => {};
console.warn = () => {};

const kinds = {
  RS256: ['rsa', { modulusLength: 2048 }],
  PS256: ['rsa', { modulusLength: 2048 }],
  ES256: ['ec', { namedCurve: 'P-256' }],
  EdDSA: ['ed25519', {}],
};
const audience = 'urn:api';
let keys = [];
let answer = null;

function newKey(alg) {
  const { privateKey } = generateKeyPairSync(...kinds[alg]);
  return {
    ...privateKey.export({ format: 'jwk' }),
    kid: randomBytes(8).toString('hex'), alg, use: 'sig',
  };
}

/* A provider cannot be given other keys: a new one takes its place. */
function publish() {
  const { alg } = keys[0];
  const provider = new Provider(issuer, {
    jwks: { keys },
    clients: [{
      client_id: 'robot', client_secret: 'hush-hush-robot',
      grant_types: ['client_credentials'], redirect_uris: [],
      response_types: [], id_token_signed_response_alg: alg,
    }],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        getResourceServerInfo: () => ({
          scope: 'read write', audience, accessTokenTTL: 300,
          accessTokenFormat: 'jwt', jwt: { sign: { alg } },
        }),
      },
    },
    enabledJWA: {
      idTokenSigningAlgValues: Object.keys(kinds),
    },
    cookies: { keys: ['hush-hush-cookie'] },
  });
  answer = provider.callback();
}

const commands = {
  rotate(alg) { keys = [newKey(alg), ...keys]; },
  drop() { keys = keys.slice(0, 1); },
};

const server = createServer((request, response) => answer(request, response));
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const issuer = `http://127.0.0.1:${server.address().port}`;
commands.rotate('RS256');
publish();
console.log(issuer);

for await (const line of createInterface({ input: process.stdin })) {
  const [word, ...rest] = line.trim().split(' ');
  commands[word](...rest);
  publish();
  console.log(keys[0].kid);
}
process.exit(0);
