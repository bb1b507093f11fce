/*
 * tokens.mjs: the users and their tokens, good ones and bad ones. A token is
 * { text, claims, due }: what must reach the upstream if it is let through, and
 * due(t0, t1), the answers that a request from t0 to t1 may get: "ok", or the
 * status and code of a refusal.
 */
import crypto from 'crypto';

import { b64url } from './keys.mjs';

const SECOND = 1000;
const INVALID = '401 invalid_token';
const EXPIRED = '401 token_expired';
const DOWN = '503 keys_unavailable';
const POOL = 100;

function pick(list) {
    return list[Math.floor(Math.random() * list.length)];
}

const users = [];
for (let i = 0; i < 16; i++) {
    const sub = [`user-${i}`, `user ${i} & <ü>`, `+${i}%2f;=`][i % 3];
    users.push({ sub, org: `org-${i % 5}`, email: `u${i}@soak.example`,
                 sid: `session-${i}`,
                 ...(i % 4 ? { roles: i % 2 ? ['admin', 'dev'] : ['dev'] } : {}) });
}

/* Those that lose and regain their rights, as lines of a revocation list. */
export const revocable = ['sub:user-0', 'sid:session-1', 'sub:user-3',
                          'sid:session-5'];

export class Tokens {
    constructor(issuers) {
        this.issuers = issuers;
        this.pool = [];
        this.stranger = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
        this.strangeRsa = crypto.generateKeyPairSync('rsa',
                                                     { modulusLength: 2048 });
    }

    issuer(names) {
        return this.issuers[pick(names)];
    }

    claims(issuer, more) {
        const now = Math.floor(Date.now() / SECOND);
        return { iss: issuer.iss, aud: ['api://soak', 'api://more'],
                 jti: crypto.randomBytes(9).toString('hex'), iat: now,
                 exp: now + 600, ...pick(users), ...more };
    }

    /* The spans in which this one is revoked. */
    revocations(issuer, claims) {
        return [...issuer.revoked || []]
            .filter(([line]) => line === `sub:${claims.sub}`
                                || line === `sid:${claims.sid}`)
            .map(([, span]) => span);
    }

    due(issuer, key, claims, t0, t1) {
        const list = [];
        const revoked = this.revocations(issuer, claims);
        const mayBeRevoked = revoked.some((span) => span.maybe(t0, t1));
        const mustBeRevoked = revoked.some((span) => !span.maybeNot(t0, t1));
        const mayLive = t0 < (claims.exp + 1) * SECOND;
        const mayBeLate = t1 >= claims.exp * SECOND;
        const mayHold = key.span.maybe(t0, t1);
        if (issuer.isMaybeDown(t0, t1)) {
            list.push(DOWN);
        }
        if (!issuer.isMaybeUp(t0, t1)) {
            return list;
        }
        if (key.span.maybeNot(t0, t1) || mayBeRevoked) {
            list.push(INVALID);
        }
        if (mayHold && mayBeLate) {
            list.push(EXPIRED);
        }
        if (mayHold && mayLive && !mustBeRevoked) {
            list.push('ok');
        }
        return list;
    }

    make(issuer, key, claims) {
        return { text: key.token(claims), key, claims, issuer,
                 due: (t0, t1) => this.due(issuer, key, claims, t0, t1) };
    }

    /* A good one, as far as its key and its user are; often one that was seen
     * before. */
    good(names, more) {
        const issuer = this.issuer(names);
        const seen = this.pool.filter((token) => token.issuer === issuer);
        if (!more && seen.length > 20 && Math.random() < 0.6) {
            return pick(seen);
        }
        const token = this.make(issuer, pick(issuer.keys),
                                this.claims(issuer, more));
        if (!more) {
            this.pool.push(token);
            this.pool = this.pool.slice(-POOL);
        }
        return token;
    }

    /* One that lives for a few seconds, and is used beyond that. */
    brief(names) {
        const now = Date.now();
        if (!this.last || now > (this.last.claims.exp + 3) * SECOND) {
            this.last = this.good(names, {
                exp: Math.floor(now / SECOND) + 2 + Math.floor(4 * Math.random()) });
        }
        return this.last;
    }

    /* Of a key that held once; a token that was good, if there is one. */
    retired(names) {
        const issuer = this.issuer(names);
        const seen = this.pool.filter((token) => token.issuer === issuer
            && issuer.retired.includes(token.key));
        return seen.length && Math.random() < 0.7 ? pick(seen)
            : this.make(issuer, pick([...issuer.retired, ...issuer.keys]),
                        this.claims(issuer));
    }

    /* always: no key is needed to refuse it. */
    bad(issuer, text, always) {
        return { text, claims: null, issuer, due: (t0, t1) => [
            ...(always || issuer.isMaybeUp(t0, t1) ? [INVALID] : []),
            ...(!always && issuer.isMaybeDown(t0, t1) ? [DOWN] : [])] };
    }

    /* Signed by somebody else, under the name of a key that holds. */
    forged(names) {
        const issuer = this.issuer(names);
        const key = pick(issuer.keys);
        const other = Object.assign(Object.create(key), {
            privateKey: key.alg === 'RS256' ? this.strangeRsa.privateKey
                : key.alg === 'ES256' ? this.stranger.privateKey
                : crypto.generateKeyPairSync('ed25519').privateKey });
        return this.bad(issuer, other.token(this.claims(issuer)));
    }

    /* Another payload under a good signature. */
    changed(names) {
        const issuer = this.issuer(names);
        const claims = this.claims(issuer);
        const part = pick(issuer.keys).token(claims).split('.');
        part[1] = b64url(JSON.stringify({ ...claims, sub: 'mallory' }));
        return this.bad(issuer, part.join('.'));
    }

    misdirected(names) {
        const issuer = this.issuer(names);
        const change = pick([{ aud: 'api://other' }, { aud: undefined },
                             { iss: 'https://mallory.example' }, { nbf: 4e9 }]);
        return this.bad(issuer, pick(issuer.keys).token(
            this.claims(issuer, change)), 'iss' in change);
    }

    /* No check of a signature is needed for these. */
    malformed(names) {
        const issuer = this.issuer(names);
        const claims = this.claims(issuer);
        const part = pick(issuer.keys).token(claims).split('.');
        const none = b64url('{"alg":"none"}');
        const input = `${b64url('{"alg":"HS256"}')}.${part[1]}`;
        const mac = crypto.createHmac('sha256', pick(issuer.keys).pem())
            .update(input).digest();
        const text = pick([`${part[0]}.${part[1]}`, `${none}.${part[1]}.`,
            `${part[0]}.${part[1]}.`, `${part.join('.')}.x`, 'x.y.z',
            `${part[0]}.${part[1]}+.${part[2]}`, part.join('.').slice(0, -7),
            `${input}.${b64url(mac)}`, 'x'.repeat(7000),
            `${b64url('{"alg":"NONE"}')}.${part[1]}.${part[2]}`]);
        return this.bad(issuer, text);
    }

    /* A claim that cannot be handed on. */
    unmappable(names) {
        const token = this.good(names, { sub: 'a\r\nX-Org: mallory' });
        return { ...token, due: (t0, t1) => token.due(t0, t1).map(
            (one) => one === 'ok' ? '403 unmappable_value' : one) };
    }
}
