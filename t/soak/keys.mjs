/*
 * keys.mjs: keys, tokens, and what a token is due while keys change. Signs
 * with node's crypto, never with our own code.
 */
import crypto from 'crypto';

const algs = {
    RS256: ['rsa', { modulusLength: 2048 }],
    ES256: ['ec', { namedCurve: 'P-256' }],
    EdDSA: ['ed25519', {}]
};
const names = Object.keys(algs);
let count = 0;

export function b64url(octets) {
    return Buffer.from(octets).toString('base64')
        .replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

/* A time in which something holds, in ms; "settle" after either end it must
 * be seen by all children of httpd. */
export class Span {
    constructor(settle, from) {
        this.settle = settle;
        this.from = from;
        this.until = Infinity;
    }

    /* Of a request from t0 to t1: may it be inside, may it be outside? */
    maybe(t0, t1) {
        return t1 >= this.from && t0 <= this.until + this.settle;
    }

    maybeNot(t0, t1) {
        return t0 <= this.from + this.settle || t1 >= this.until;
    }
}

export class Key {
    static make(settle) {
        const alg = names[count % names.length];
        const kid = `key-${++count}`;
        return new Promise((resolve, reject) => {
            crypto.generateKeyPair(...algs[alg], (error, publicKey, privateKey) =>
                error ? reject(error) : resolve(
                    Object.assign(new Key(), { alg, kid, publicKey, privateKey,
                                               span: new Span(settle, Date.now()) })));
        });
    }

    pem() {
        return this.publicKey.export({ type: 'spki', format: 'pem' });
    }

    jwk() {
        const common = { kid: this.kid, alg: this.alg, use: 'sig' };
        const spki = this.publicKey.export({ type: 'spki', format: 'der' });
        if (this.alg === 'RS256') {
            /* SEQUENCE { INTEGER of 2048 bits, INTEGER 65537 } */
            const der = this.publicKey.export({ type: 'pkcs1', format: 'der' });
            return { ...common, kty: 'RSA', n: b64url(der.slice(9, 265)),
                     e: 'AQAB' };
        }
        if (this.alg === 'EdDSA') {
            return { ...common, kty: 'OKP', crv: 'Ed25519',
                     x: b64url(spki.slice(-32)) };
        }
        return { ...common, kty: 'EC', crv: 'P-256',
                 x: b64url(spki.slice(-64, -32)), y: b64url(spki.slice(-32)) };
    }

    sign(input) {
        return crypto.sign(this.alg === 'EdDSA' ? null : 'sha256', input,
                           { key: this.privateKey, dsaEncoding: 'ieee-p1363' });
    }

    /* A compact JWS; header members may be changed. */
    token(claims, header) {
        const input = b64url(JSON.stringify({ alg: this.alg, typ: 'JWT',
                                              kid: this.kid, ...header }))
            + '.' + b64url(JSON.stringify(claims));
        return `${input}.${b64url(this.sign(Buffer.from(input)))}`;
    }
}

export function jwks(keys) {
    return JSON.stringify({ keys: keys.map((key) => key.jwk()) });
}
