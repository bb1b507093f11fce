/*
 * soak.mjs --mpm NAME --time MINUTES --rate N, in an empty directory that has
 * mod_jwtmap.so: see scripts/soak. Starts upstreams, issuers and httpd, sends
 * the mix of kinds.mjs while all of that changes, and checks every answer.
 */
import { JwksIssuer, PemIssuer, RemoteIssuer, sleep } from './issuers.mjs';
import { Http1, Http2 } from './client.mjs';
import { Ledger, startUpstreams } from './upstream.mjs';
import { Server } from './server.mjs';
import { Tokens, revocable } from './tokens.mjs';
import { Trend, show } from './trend.mjs';
import { chooseKind, kindNames, makeJob } from './kinds.mjs';
import { faultsOf, outcome } from './check.mjs';
import { writeTables } from './tables.mjs';

const SECOND = 1000;
const SHORT = 240 * SECOND;      /* shorter: no look at what grows */
const IN_FLIGHT = 60;
const KEPT = 4 * SECOND;         /* a request is watched that long after */

const opt = { mpm: 'event', time: '20', rate: '60' };
for (let i = 2; i < process.argv.length; i += 2) {
    opt[process.argv[i].replace(/^--/, '')] = process.argv[i + 1];
}

const server = new Server(process.cwd(), opt.mpm);
const ledger = new Ledger();
const length = Number(opt.time) * 60 * SECOND;
/* Set when the load begins. From calm on there is no restart and no kill, and
 * twice the rate. */
let begin = Date.now();
let calm = Infinity;
let end = Infinity;
let trend;
const count = { requests: 0, wrong: 0, cut: 0, again: 0, flying: 0, kills: 0,
                fetcher: 0, either: 0, http2: 0 };
const byKind = new Map(kindNames().map((kind) => [kind, new Map()]));

process.on('exit', () => server.end());
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => process.exit(1));
}

function isOver() {
    return Date.now() >= end;
}

function isCalm() {
    return Date.now() >= calm;
}

function say(text) {
    console.log(`${((Date.now() - begin) / SECOND).toFixed(0).padStart(5)} s  ${text}`);
}

/* --- requests --- */

function complain(job, answer, faults) {
    count.wrong++;
    if (count.wrong <= 20) {
        say(`WRONG ${job.kind} #${job.id}: ${job.method} ${job.target}, HTTP/`
            + `${job.protocol}${answer.reused ? ' reused' : ''}, port `
            + `${answer.port}, from ${new Date(answer.t0).toISOString()} for `
            + `${answer.t1 - answer.t0} ms\n        ${faults.join('\n        ')}`);
    }
}

/* mod_http2 does that without us, too: where a new stream crosses the GOAWAY of
 * a graceful restart, now and then a callback of its own fails (nghttp2's -902)
 * and takes all streams of the connection with it. */
function isLostByHttp2(job, answer) {
    return job.protocol === 2 && /error code 4294966394$/.test(answer.error)
           && answer.t1 - server.restarted < 5 * SECOND;
}

/* An answer that never came is right where the child was killed. Where a
 * connection that was kept, or HTTP/2 with its GOAWAY, ended before the request
 * was taken, which a restart may do, and the upstream has not seen it, a
 * client sends it again: it is not lost. */
async function attempt(job, clients, fresh) {
    const answer = await clients[job.protocol].send(job, fresh);
    const records = ledger.of.get(job.id);
    if (!answer.error) {
        return answer;
    }
    if (job.pace === 'abort' || job.pace === 'half') {
        return { ...answer, left: 'left' };
    }
    if (server.wasCut(answer.port, answer.opened)) {
        return { ...answer, cut: 'cut' };
    }
    if (isLostByHttp2(job, answer)) {
        count.http2++;
        return { ...answer, left: 'lost by mod_http2' };
    }
    if (!fresh && (answer.reused || answer.gone) && !answer.octets
        && !records.length && answer.error !== 'timeout') {
        count.again++;
        return attempt(job, clients, true);
    }
    return answer;
}

async function run(kind, id, tokens, clients) {
    const job = makeJob(kind, id, tokens, Boolean(clients[2]));
    job.patience = Math.min(job.patience, Math.max(end - Date.now(), 0));
    ledger.expect(id);
    const answer = await attempt(job, clients, false);
    count.flying--;
    const records = ledger.of.get(id);
    const faults = faultsOf(job, answer, records);
    if (answer.error && !answer.cut && !answer.left) {
        faults.push(`no answer: ${answer.error}`);
    }
    const word = answer.cut || answer.left || outcome(answer);
    const words = byKind.get(kind);
    words.set(word, (words.get(word) || 0) + 1);
    count.requests++;
    count.cut += answer.cut ? 1 : 0;
    count.either += job.due(answer.t0, answer.t1).length > 1 ? 1 : 0;
    if (faults.length) {
        complain(job, answer, faults);
    }
    const seen = records.length;
    await sleep(KEPT);
    const late = faultsOf(job, { ...answer, status: 0 }, records);
    if (records.length > (answer.left || answer.cut ? 1 : seen)) {
        late.push(`the upstream got it ${records.length} times`);
    }
    if (late.length && !faults.length) {
        complain(job, answer, late);
    }
    ledger.close(id, answer.left || answer.cut);
}

async function load(tokens, clients) {
    const pending = new Set();
    let due = begin;
    for (let id = 1; !isOver(); id++) {
        due = Math.max(due + SECOND / (opt.rate * (isCalm() ? 2 : 1)),
                       Date.now() - SECOND);
        await sleep(due - Date.now());
        if (count.flying >= IN_FLIGHT) {
            continue;
        }
        count.flying++;
        const job = run(chooseKind(), String(id), tokens, clients);
        pending.add(job);
        job.finally(() => pending.delete(job));
    }
    await Promise.all(pending);
}

/* --- what changes --- */

/* Restarts every few seconds. The first time, and every fourth, there is none for
 * a while, in which keys change under children that have seen tokens of the
 * former ones, and a child is killed: the one that takes its place begins with
 * what the last restart read. */
async function shake() {
    for (let i = 1; !isCalm(); i++) {
        await server.graceful();
        const pause = SECOND * (i % 4 === 1 ? 10 : 2 + 2 * Math.random());
        await sleep(pause / 2);
        if (i % 2 === 1) {
            const children = server.children();
            await kill(children[Math.floor(Math.random() * children.length)]);
        }
        await sleep(pause / 2);
    }
}

async function kill(pid) {
    if (pid && await server.kill(pid)) {
        count.kills++;
        return true;
    }
    return false;
}

/* In the middle of a fetch, now and then. */
function killFetchers(remote) {
    let next = Date.now() + 13 * SECOND;
    remote.onFetch = async (port) => {
        if (Date.now() < next || isCalm()) {
            return;
        }
        next = Date.now() + 20 * SECOND;
        if (await kill(server.childWith((ports) => ports[0] === port
                                                   && ports[1] === remote.port))) {
            count.fetcher++;
        }
    };
}

async function watch() {
    for (let i = 0; !isOver(); i++) {
        await sleep(5 * SECOND);
        const sample = trend.take(server);
        if (sample && i % 6 === 5) {
            say(`${count.requests} requests, ${count.wrong} wrong, `
                + `${count.cut} cut, ${count.again} again; ${show(sample)}`
                + (isCalm() ? ' (calm)' : ''));
        }
        if (server.ended) {
            throw new Error(`httpd ended: ${server.ended}`);
        }
    }
}

/* --- the end --- */

function report(issuers, bad, ended) {
    console.log(`\n${'kind'.padEnd(18)} requests  answers`);
    for (const [kind, words] of byKind) {
        const sum = [...words.values()].reduce((a, b) => a + b, 0);
        console.log(`${kind.padEnd(18)} ${String(sum).padStart(8)}  `
            + [...words].sort().map(([word, n]) => `${word}: ${n}`).join(', '));
    }
    console.log(`\n${count.requests} requests on ${opt.mpm}, ${count.wrong} wrong; `
        + `${count.cut} cut by kill -9, ${count.http2} by mod_http2 in a restart, `
        + `${count.again} sent again, ${count.either} `
        + 'while a change was on its way, which may be answered either way');
    console.log(`${server.gracefuls} graceful restarts, ${count.kills} children `
        + `killed, ${count.fetcher} of them while they fetched`);
    console.log(`keys changed: pem ${issuers.pem.rotations}, file `
        + `${issuers.file.rotations}, remote ${issuers.remote.rotations}; remote: `
        + `${issuers.remote.fetches} fetches, ${issuers.remote.tooSoon} seen `
        + `too soon (the nearest after ${issuers.remote.nearest} ms), `
        + `${issuers.remote.outages || 0} outages`);
    const grown = length < SHORT ? 0 : trend.report();
    if (ledger.late) {
        bad.push(`the upstreams got ${ledger.late} requests late, or of nobody`);
    }
    bad.forEach((line) => console.log(`BAD ${line}`));
    const isEnough = count.requests > length / SECOND * opt.rate / 4;
    if (!isEnough) {
        console.log('too few requests: this machine is too busy for this rate');
    }
    const isGood = isEnough && !count.wrong && !bad.length && ended === 'status 0'
        && !grown;
    console.log(isGood ? '\nsoak: good' : `\nsoak: NOT good (httpd: ${ended})`);
    return isGood;
}

async function main() {
    const issuers = { pem: new PemIssuer('pem', 'issuer.pem'),
                      file: new JwksIssuer('file', 'jwks.json'),
                      remote: new RemoteIssuer('remote') };
    for (const issuer of Object.values(issuers)) {
        await issuer.start();
    }
    const tokens = new Tokens(issuers);
    const ports = await startUpstreams(ledger);
    await server.start(writeTables(process.cwd(), ports, issuers, opt.mpm));
    const clients = { 1: new Http1(server.port) };
    if (opt.mpm !== 'prefork') {
        clients[2] = new Http2(server.port);
    }
    await issuers.remote.firstFetch();
    begin = Date.now();
    end = begin + length;
    calm = length < SHORT ? end : begin + length / 2;
    trend = new Trend(begin, calm, end);
    killFetchers(issuers.remote);
    issuers.pem.run(isOver);
    issuers.file.run(isOver, revocable);
    issuers.remote.run(isOver);
    await Promise.all([load(tokens, clients), shake(), watch()]);
    clients[1].end();
    if (clients[2]) {
        clients[2].end();
    }
    const ended = await server.stop();
    process.exit(report(issuers, await server.badLines(), ended) ? 0 : 1);
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
