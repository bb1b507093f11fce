/*
 * kinds.mjs: the mix of requests. kinds() makes a job for client.mjs, with
 * kind, id, protocol (1 or 2), due(t0, t1), table, claims (whose values must
 * reach the upstream; null: none), and kept, the query of the client without
 * what is reserved.
 */
import { mapped } from './tables.mjs';

const ALL = ['pem', 'file', 'remote'];
const MIB = 1 << 20;

function pick(list) {
    return list[Math.floor(Math.random() * list.length)];
}

function random(max) {
    return Math.floor(max * Math.random());
}

/* --- what a client may send to pose as somebody --- */

function spoofedHeaders(protocol) {
    const names = ['X-User-Id', 'x_user_id', 'X.User.Id', 'X-USER_ID', 'X_Org',
                   'x-org', 'X-Token.Id', 'x-roles', 'X_Roles', 'x-issuer'];
    const lines = names.filter(() => Math.random() < 0.7)
        .map((name) => `${name}: mallory`);
    if (protocol === 1) {
        lines.push(pick(['Connection: keep-alive, X-User-Id, x-org',
                         'Connection: x-token-id', 'Connection: X-Roles;x-issuer',
                         'Connection: x_user_id', 'X-User-Id: mallory, eve']));
    }
    return lines;
}

const spoofedQuery = {
    main: ['actor=mallory', '%61ctor=mallory', 'actor[]=mallory',
           'actor%5Bx%5D=m', 'tenant=evil', 'te%6Eant=evil', 'actor', '+actor=m',
           'actor%00x=m'],
    other: ['who=mallory', '%77ho=m', 'who[]=m', 'wh%6f=mallory', 'who%00=m']
};
const innocent = ['q=1', 'b=%20x', 'c=a+b', 'actors=1', 'xtenant=2', 'Actor=3',
                  'empty=', 'flag', 'd=%e2%82%ac', 'url=http://a/?b=c'];

/* A query, and what must be left of it: a reserved part goes with the
 * separator after it, or with the one before, if it was last. */
function query(table, isSpoofed) {
    let text = '';
    let kept = '';
    const count = random(5);
    for (let i = 0; i < count; i++) {
        const separator = i + 1 < count ? pick(['&', '&', ';']) : '';
        const isOurs = isSpoofed && Math.random() < 0.6;
        const part = pick(isOurs ? spoofedQuery[table] : innocent);
        text += part + separator;
        if (!isOurs) {
            kept += part + separator;
        }
        else if (!separator) {
            kept = kept.slice(0, -1);
        }
    }
    return { text, kept };
}

/* --- the kinds --- */

/* name -> [weight, what makes it of the tokens]. It takes: token, path, the
 * names of issuers, and what client.mjs takes. */
const makers = {
    good: [40, (t) => via(t, ALL)],
    post: [6, (t) => ({ ...via(t, ALL), method: 'POST',
                        body: Buffer.from('{"a":1}') })],
    spoofed: [14, (t) => ({ ...via(t, ALL), spoofed: true })],
    'spoofed trailers': [2, (t) => ({ ...via(t, ['pem', 'file']), protocol: 1,
        method: 'POST', body: Buffer.from('x'), spoofed: true,
        trailers: ['X-User-Id: mallory', 'x_org: mallory'] })],
    'other table': [8, (t) => ({ token: t.good(['file']), table: 'other',
                                 path: '/other/a', spoofed: Math.random() < 0.5 })],
    open: [3, () => ({ path: '/open/a', spoofed: true })],
    maybe: [3, () => ({ path: '/maybe/a', spoofed: true })],
    brief: [5, (t) => ({ token: t.brief(ALL), path: '/any/brief' })],
    'retired key': [6, (t) => ({ token: t.retired(ALL), path: '/any/retired' })],
    forged: [5, (t) => ({ token: t.forged(ALL), path: '/any/forged' })],
    changed: [3, (t) => ({ token: t.changed(ALL), path: '/any/changed' })],
    misdirected: [4, (t) => ({ token: t.misdirected(ALL), path: '/any/x' })],
    malformed: [5, (t) => ({ token: t.malformed(['pem', 'file']),
                             path: pick(['/pem/x', '/file/x', '/any/x']) })],
    expired: [4, (t) => ({ token: t.good(ALL, { exp: 1e9 }), path: '/any/x' })],
    missing: [3, () => ({ path: '/any/x', refusal: '401 missing_token',
                          spoofed: true })],
    'two tokens': [2, (t) => ({ token: t.good(['pem']), path: '/pem/x',
        protocol: 1, refusal: '400 invalid_request', twice: true })],
    unmappable: [2, (t) => ({ token: t.unmappable(ALL), path: '/any/x' })],
    forbidden: [3, (t) => ({ token: t.good(ALL), path: '/admin/x' })],
    'no route': [2, () => ({ path: '/nowhere', refusal: '404 not_found',
                             spoofed: true })],
    'wrong method': [1, (t) => ({ token: t.good(['pem']), path: '/get',
        method: 'DELETE', refusal: '405 method_not_allowed' })],
    'big body': [2, (t) => ({ ...via(t, ['pem', 'file']), method: 'PUT',
                              body: Buffer.alloc(MIB / 4 + random(2 * MIB), 'x') })],
    /* Not over h2c: where the connection to the upstream ends early,
     * mod_proxy_http2 ends the answer as if it were whole. */
    'big answer': [2, (t) => ({ ...via(t, ALL), path: '/pass/big',
                                ask: 'size=600000' })],
    'big headers': [3, (t) => ({
        token: t.good(ALL, { pad: 'p'.repeat(random(4500)) }), path: '/any/big',
        more: Array.from({ length: 30 }, (_, i) => `X-Big-${i}: ${'y'.repeat(300)}`)
    })],
    'slow client': [1, (t) => ({ ...via(t, ALL), protocol: 1, pace: 'slow',
        method: 'POST', body: Buffer.alloc(5000, 'x') })],
    'half-closed': [2, (t) => ({ ...via(t, ALL), protocol: 1, pace: 'closed' })],
    'half-open': [0.4, (t) => ({ ...via(t, ALL), protocol: 1, pace: 'half',
        patience: 25000 })],
    aborted: [3, (t) => ({ ...via(t, ALL), protocol: 1, pace: 'abort',
        ask: 'wait=300', patience: 20 + random(200), method: 'POST', spoofed: true,
        body: Buffer.alloc(pick([10, MIB]), 'x') })],
    'upstream 5xx': [3, (t) => failure(t, '/any/x', '500', 'status=500')],
    'upstream closed': [2, (t) => failure(t, '/closed/x', '503')],
    'upstream reset': [2, (t) => failure(t, '/reset/x', '502', undefined, '500')],
    'upstream slow': [0.7, (t) => failure(t, '/slow/x', '502', 'wait=15000')],
    'upstream slowish': [2, (t) => ({ ...via(t, ALL), ask: 'wait=700' })]
};

/* On any of the paths that serve the issuer of the token. */
function via(tokens, names) {
    const token = tokens.good(names);
    return { token, path: pick([`/${token.issuer.name}/a`, '/any/a', '/any/b',
                                '/pass/a']) };
}

/* After the token was found good; the statuses are what mod_proxy answers
 * without us, too: 500 is that of a reset to a client with HTTP/2. On a
 * connection of its own: where mod_proxy has no answer to a later request of a
 * connection, it closes that without one, so that the client tries again. */
function failure(tokens, path, status, ask, status2) {
    return { token: tokens.good(ALL), path, ask, close: true,
             outcome: [0, status, status2 || status] };
}

export function kindNames() {
    return Object.keys(makers);
}

const total = Object.values(makers).reduce((sum, [weight]) => sum + weight, 0);

export function chooseKind() {
    let left = total * Math.random();
    return kindNames().find((name) => (left -= makers[name][0]) < 0);
}

export function makeJob(kind, id, tokens, haveHttp2) {
    const plan = makers[kind][1](tokens);
    const table = plan.table || 'main';
    const protocol = !haveHttp2 ? 1 : plan.protocol || pick([1, 2]);
    const { text, kept } = query(table, plan.spoofed);
    const isClosed = protocol === 1 && (plan.close || Math.random() < 0.2);
    const headers = [`X-Soak-Id: ${id}`, ...plan.more || []];
    if (plan.ask) {
        headers.push(`X-Soak-Ask: ${plan.ask}`);
    }
    if (plan.token) {
        headers.push(...Array(plan.twice ? 2 : 1)
            .fill(`Authorization: Bearer ${plan.token.text}`));
    }
    if (plan.spoofed) {
        headers.push(...spoofedHeaders(protocol));
    }
    if (isClosed && !headers.some((line) => /^connection:/i.test(line))) {
        headers.push('Connection: close');
    }
    return { kind, id, protocol, table, headers, kept, close: isClosed,
             method: plan.method || 'GET', body: plan.body,
             trailers: plan.trailers, pace: plan.pace, patience: plan.patience,
             target: plan.path + (text ? `?${text}` : ''), ask: plan.ask,
             claims: plan.token ? plan.token.claims : {},
             authorization: Boolean(plan.token),
             fails: Boolean(plan.outcome), due: dues(plan, protocol) };
}

function dues(plan, protocol) {
    return (t0, t1) => {
        if (plan.refusal) {
            return [plan.refusal];
        }
        const list = plan.token ? plan.token.due(t0, t1) : ['ok'];
        if (plan.path.startsWith('/admin/') && list.includes('ok')) {
            const roles = plan.token.claims.roles || [];
            return roles.includes('admin') ? list
                : list.map((one) => one === 'ok' ? '403 forbidden' : one);
        }
        if (plan.pace === 'half') {
            list.push('400', '408');    /* httpd's own, if it has time to */
        }
        return list.map((one) => one === 'ok' && plan.outcome
            ? plan.outcome[protocol] : one);
    };
}

/* What is reserved by a table, and its values for claims. */
export function expected(table, claims) {
    const values = (of) => Object.entries(of).map(([name, claim]) => [name,
        Array.isArray(claims[claim]) ? claims[claim].join(',') : claims[claim]]);
    return { headers: values(mapped[table].headers),
             query: values(mapped[table].query).filter(([, value]) =>
                 value !== undefined) };
}
