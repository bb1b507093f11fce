/*
 * issuers.mjs: the three kinds of issuers, whose keys change while httpd runs:
 * a PEM file, a JWK Set file with a revocation list, and a provider of a
 * fetched set that goes down and answers badly. Each knows since when which of
 * its keys hold, and so what a token is due.
 */
import fs from 'fs';
import http from 'http';

import { Key, Span, jwks } from './keys.mjs';

const SECOND = 1000;
/* JwtMapReload 1, and what a busy machine may take. */
const FILE_SETTLE = 4 * SECOND;
export const remoteTimes = { cache_duration: 4, min_refresh: 1,
                             stale_grace: 20 };
/* In which nobody fetches where the child that did was killed: mod_watchdog lets
 * another one begin 10 s later, a graceful restart at once. */
const TAKE_OVER = 12 * SECOND;
/* cache_duration, that, and a fetch beside one that was broken off. */
const FETCH_SETTLE = 22 * SECOND;
const BACKOFF = 30 * SECOND;

export function sleep(ms) {
    return new Promise((resolve) => setTimeout(resolve, ms));
}

/* As an editor does it: another file takes the name. */
function replace(file, text) {
    fs.writeFileSync(`${file}.new`, text, { mode: 0o600 });
    fs.renameSync(`${file}.new`, file);
}

class Issuer {
    constructor(name, file) {
        this.name = name;
        this.iss = `https://${name}.example`;
        this.file = file;
        this.keys = [];       /* that hold */
        this.retired = [];    /* that held; the last few */
        this.rotations = 0;
    }

    /* What keeps a token from being let through, or might, beside its key. */
    isMaybeDown() { return false; }
    isMaybeUp() { return true; }

    /* Of the start, or from now on; to make one may take some time. */
    async add(isFirst) {
        const key = await Key.make(this.settle);
        key.span.from = isFirst ? 0 : Date.now();
        this.keys.push(key);
        this.publish();
    }

    remove() {
        const key = this.keys.shift();
        key.span.until = Date.now();
        this.retired.push(key);
        this.retired = this.retired.slice(-8);
        this.publish();
    }
}

/* One key, which another replaces at once. */
export class PemIssuer extends Issuer {
    async start() {
        this.settle = FILE_SETTLE;
        await this.add(true);
    }

    publish() {
        replace(this.file, this.keys[this.keys.length - 1].pem());
    }

    async rotate() {
        await this.add();
        this.remove();
        this.rotations++;
    }

    async run(isOver) {
        await sleep(2 * SECOND);
        while (!isOver()) {
            await this.rotate();
            await sleep(7 * SECOND);
        }
    }
}

/* A set that gets a new key beside the old ones, and then loses one. */
export class JwksIssuer extends Issuer {
    async start() {
        this.settle = FILE_SETTLE;
        await this.add(true);
        await this.add(true);
        this.revoked = new Map();    /* line of the list -> Span */
        this.writeRevoked();
    }

    publish() {
        replace(this.file, jwks(this.keys));
    }

    async rotate() {
        await this.add();
        await sleep(5 * SECOND);
        this.remove();
        this.rotations++;
    }

    writeRevoked() {
        const now = [...this.revoked].filter(([, span]) =>
            span.until === Infinity).map(([line]) => `${line}\n`);
        replace(`${this.file}.revoked`, `# ${now.length}\n${now.join('')}`);
    }

    /* One of the lines comes or goes. */
    toggle(lines) {
        const line = lines[Math.floor(Math.random() * lines.length)];
        const span = this.revoked.get(line);
        if (span && span.until === Infinity) {
            span.until = Date.now();
        }
        else if (!span || Date.now() > span.until + 2 * this.settle) {
            this.revoked.set(line, new Span(this.settle, Date.now()));
        }
        this.writeRevoked();
    }

    async run(isOver, lines) {
        this.runList(isOver, lines);
        while (!isOver()) {
            await this.rotate();
            await sleep(6 * SECOND);
        }
    }

    async runList(isOver, lines) {
        while (!isOver()) {
            await sleep(3 * SECOND);
            this.toggle(lines);
            this.toggle(lines);
        }
    }
}

/* Bad answers, each of which leaves the last good keys in force. */
const bad = {
    error: (res) => { res.statusCode = 500; res.end('{"keys":[]}'); },
    html: (res) => res.end('<html>no</html>'),
    none: (res) => res.end('{"keys":[]}'),
    hang: () => {},
    drop: (res) => res.socket.destroy(),
    half: (res) => { res.setHeader('Content-Length', 9999); res.write('{"keys":[');
                     res.socket.end(); },
    huge: (res) => res.end(' '.repeat(2 << 20)),
    moved: (res) => { res.writeHead(302, { Location: '/elsewhere' }); res.end(); }
};

/* A provider on loopback. onFetch(port), if it is set, hears of each fetch. */
export class RemoteIssuer extends Issuer {
    async start() {
        this.settle = FETCH_SETTLE;
        this.mode = 'good';
        this.badSince = Infinity;
        this.goodSince = -Infinity;
        this.fetches = 0;
        this.good = [];      /* when a good answer went out */
        /* Fetches that were seen inside min_refresh of another, and the least
         * time between two in ms. httpd counts from the start of one to that of
         * the next: one that we see late, because the machine was busy, makes
         * the next look too soon by as much. Much less than min_refresh would
         * be a second fetcher. */
        this.tooSoon = 0;
        this.nearest = Infinity;
        await this.add(true);
        this.server = this.make();
        await this.listen(0);
        this.port = this.server.address().port;
        this.url = `http://127.0.0.1:${this.port}/jwks`;
    }

    make() {
        return http.createServer({}, (req, res) => {
            const now = Date.now();
            const mode = this.mode;
            const since = now - (this.last || -Infinity);
            if (since < (remoteTimes.min_refresh - 0.1) * SECOND) {
                this.tooSoon++;
            }
            this.nearest = Math.min(this.nearest, since);
            this.last = now;
            this.fetches++;
            if (this.onFetch) {
                this.onFetch(req.socket.remotePort);
            }
            setTimeout(() => this.answer(mode, res), 200);
        });
    }

    /* Who asked may be gone: killed, or because we stood still for 2 s. */
    answer(mode, res) {
        res.on('error', () => {});
        if (mode !== 'good') {
            (bad[mode] || bad.drop)(res);
        }
        else if (!res.socket || res.socket.destroyed) {
            this.goodSince = Math.max(this.goodSince, Date.now());
        }
        else {
            res.setHeader('Connection', 'close');
            res.end(this.text);
            this.good = [...this.good.slice(-20), Date.now()];
        }
    }

    /* What a request gets before it, t/50remote.t looks at. */
    async firstFetch() {
        for (let i = 0; i < 100 && !this.fetches; i++) {
            await sleep(100);
        }
        await sleep(2 * SECOND);
    }

    listen(port) {
        return new Promise((resolve) =>
            this.server.listen(port, '127.0.0.1', resolve));
    }

    publish() {
        this.text = jwks(this.keys);
    }

    async fail(mode, ms) {
        this.badSince = Date.now();
        this.goodSince = Infinity;
        this.mode = mode;
        if (mode === 'down') {
            this.server.close();
        }
        await sleep(ms);
        if (mode === 'down') {
            this.server = this.make();
            await this.listen(this.port);
        }
        this.mode = 'good';
        this.goodSince = Date.now();
        this.outages = (this.outages || 0) + 1;
    }

    /* When the keys of the last good answer before that time end, in ms; skip: of
     * one so many before it, where later ones may not have arrived. */
    endOfKeys(time, skip) {
        const { cache_duration, stale_grace } = remoteTimes;
        const before = this.good.filter((one) => one < time);
        return (before[Math.max(before.length - 1 - skip, 0)] || Infinity)
               + (cache_duration + stale_grace) * SECOND;
    }

    /* Not any more when the back-off is over after an outage. */
    isMaybeDown(t0, t1) {
        return t1 > this.endOfKeys(t0, 2) - SECOND
               && t0 < this.goodSince + BACKOFF + TAKE_OVER + 5 * SECOND;
    }

    isMaybeUp(t0, t1) {
        return t0 < this.endOfKeys(t1, 0) + 3 * SECOND;
    }

    async rotate() {
        await this.add();
        await sleep(FETCH_SETTLE);
        this.remove();
        await sleep(FETCH_SETTLE);
        this.rotations++;
    }

    /* In short runs the rotation is all there is. */
    async run(isOver) {
        const modes = Object.keys(bad);
        for (let i = 0; !isOver(); i++) {
            await sleep(2 * SECOND);
            await this.rotate();
            await this.fail(modes[i % modes.length], 8 * SECOND);
            await sleep(BACKOFF + TAKE_OVER);
            await this.fail('down', 40 * SECOND);
            await sleep(BACKOFF + TAKE_OVER + 5 * SECOND);
        }
    }
}
