/*
 * client.mjs: HTTP/1 and HTTP/2 clients. send(job) resolves, and never rejects,
 * to { status, headers, body } or { error }, with port (ours), opened (when),
 * reused, t0, t1 and octets, how many came of the answer; gone: HTTP/2 said
 * GOAWAY.
 *
 * A job is { method, target, headers: [lines], body, trailers: [lines], pace }.
 * pace (HTTP/1 only): "slow" (in pieces, over some seconds), "closed" (our side
 * is closed behind the request), "half" (a head that never ends), "abort"; the
 * latter two are closed after patience, in ms.
 */
import http2 from 'http2';
import net from 'net';

/* ms; long, because this process is the upstream, too: if it stands still for a
 * while on a busy machine, that is no fault of httpd. */
const TIMEOUT = 90000;
const POOL = 24;          /* idle connections that are kept */
const PER_SESSION = 400;  /* requests of an HTTP/2 connection */

function pause(ms) {
    return new Promise((resolve) => setTimeout(resolve, ms));
}

/* --- HTTP/1 --- */

/* Undefined where it is not whole; else its octets from at on. */
function unchunk(octets, at) {
    const parts = [];
    for (;;) {
        const end = octets.indexOf('\r\n', at);
        if (end < 0) {
            return undefined;
        }
        const size = parseInt(octets.toString('latin1', at, end), 16);
        if (octets.length < end + 4 + size) {
            return undefined;
        }
        if (size === 0) {
            return Buffer.concat(parts);
        }
        parts.push(octets.slice(end + 2, end + 2 + size));
        at = end + 2 + size + 2;
    }
}

/* The answer in octets, or undefined where it is not whole. */
function parse(octets, method, isEnded) {
    const end = octets.indexOf('\r\n\r\n');
    if (end < 0) {
        return undefined;
    }
    const [first, ...lines] = octets.toString('latin1', 0, end).split('\r\n');
    const status = Number(first.split(' ')[1]);
    if (status === 100) {
        return parse(octets.slice(end + 4), method, isEnded);
    }
    const headers = {};
    for (const line of lines) {
        const [, name, value] = /^([^:]*): ?(.*)$/.exec(line) || [0, line, ''];
        headers[name.toLowerCase()] = value;
    }
    let body = octets.slice(end + 4);
    if (method === 'HEAD' || status === 204 || status === 304) {
        body = Buffer.alloc(0);
    }
    else if (headers['transfer-encoding'] === 'chunked') {
        body = unchunk(octets, end + 4);
    }
    else if (headers['content-length']) {
        const size = Number(headers['content-length']);
        body = body.length >= size ? body.slice(0, size) : undefined;
    }
    else if (!isEnded) {
        body = undefined;
    }
    return body && { status, headers, body };
}

/* The octets of a request, in the pieces in which they go. */
function pieces(job) {
    const head = [`${job.method} ${job.target} HTTP/1.1`, 'Host: soak.example',
                  ...job.headers];
    const parts = [];
    if (job.body && job.trailers) {
        head.push('Transfer-Encoding: chunked');
        parts.push(Buffer.from(`${job.body.length.toString(16)}\r\n`), job.body,
                   Buffer.from(['\r\n0', ...job.trailers, '', ''].join('\r\n')));
    }
    else if (job.body) {
        head.push(`Content-Length: ${job.body.length}`);
        parts.push(job.body);
    }
    parts.unshift(Buffer.from([...head, '', ''].join('\r\n')));
    const whole = Buffer.concat(parts);
    if (job.pace === 'half') {
        return [whole.slice(0, parts[0].length / 2)];
    }
    if (job.pace !== 'slow') {
        return [whole];
    }
    const list = [];
    for (let i = 0; i < 8; i++) {
        list.push(whole.slice(whole.length * i / 8, whole.length * (i + 1) / 8));
    }
    return list;
}

export class Http1 {
    constructor(port) {
        this.port = port;
        this.idle = [];
    }

    connect() {
        const socket = net.connect({ port: this.port, host: '127.0.0.1',
                                     allowHalfOpen: true });
        const conn = { socket, opened: Date.now(), uses: 0 };
        socket.setNoDelay(true);
        socket.on('connect', () => { conn.port = socket.localPort; });
        socket.on('error', (error) => this.event(conn, error.code));
        socket.on('end', () => this.event(conn, 'end'));
        socket.on('close', () => this.event(conn, 'close'));
        socket.on('data', (part) => {
            if (conn.take) {
                conn.take(part);
            }
        });
        return conn;
    }

    event(conn, what) {
        conn.dead = true;
        this.idle = this.idle.filter((one) => one !== conn);
        if (conn.fail) {
            conn.fail(what);
        }
        conn.socket.destroy();
    }

    send(job, fresh) {
        const pooled = fresh || job.pace || job.close ? undefined
                                                      : this.idle.pop();
        const conn = pooled || this.connect();
        return this.exchange(conn, job, Boolean(pooled));
    }

    exchange(conn, job, reused) {
        const t0 = Date.now();
        let octets = Buffer.alloc(0);
        return new Promise((resolve) => {
            const finish = (answer) => {
                clearTimeout(timer);
                conn.take = conn.fail = undefined;
                const keep = answer.status && !conn.dead && !job.close
                    && answer.headers.connection !== 'close' && !job.pace
                    && this.idle.length < POOL;
                if (keep) {
                    conn.uses++;
                    this.idle.push(conn);
                }
                else {
                    conn.socket.destroy();
                }
                resolve({ ...answer, t0, t1: Date.now(), reused,
                          port: conn.port, opened: conn.opened,
                          octets: octets.length });
            };
            const timer = setTimeout(() => finish({ error: 'timeout' }),
                job.pace === 'half' ? job.patience : TIMEOUT);
            conn.fail = (what) => finish(parse(octets, job.method, true)
                                         || { error: what });
            conn.take = (part) => {
                octets = Buffer.concat([octets, part]);
                const answer = parse(octets, job.method, false);
                if (answer) {
                    finish(answer);
                }
            };
            this.write(conn, job);
            if (job.pace === 'abort') {
                setTimeout(() => finish({ error: 'aborted' }), job.patience);
            }
        });
    }

    async write(conn, job) {
        for (const piece of pieces(job)) {
            if (conn.dead) {
                return;
            }
            conn.socket.write(piece);
            if (job.pace === 'slow') {
                await pause(200 + 300 * Math.random());
            }
        }
        if (job.pace === 'closed') {
            conn.socket.end();
        }
    }

    end() {
        this.idle.forEach((conn) => conn.socket.destroy());
    }
}

/* --- HTTP/2 --- */

export class Http2 {
    constructor(port) {
        this.port = port;
        this.open = [];
    }

    connect() {
        const socket = net.connect({ port: this.port, host: '127.0.0.1' });
        const conn = { opened: Date.now(), uses: 0 };
        socket.on('connect', () => { conn.port = socket.localPort; });
        conn.session = http2.connect(`http://127.0.0.1:${this.port}`,
                                     { createConnection: () => socket,
                                       maxSessionMemory: 1000 });
        const drop = () => {
            this.open = this.open.filter((one) => one !== conn);
        };
        conn.session.on('goaway', () => { conn.gone = true; drop(); });
        conn.session.on('error', () => drop());
        conn.session.on('close', () => drop());
        this.open.push(conn);
        return conn;
    }

    /* A few connections at a time, each for many requests of all users. */
    choose(fresh) {
        const usable = this.open.filter((conn) => conn.uses < PER_SESSION);
        const conn = fresh || usable.length < 3 ? this.connect()
            : usable[Math.floor(Math.random() * usable.length)];
        conn.uses++;
        return conn;
    }

    send(job, fresh) {
        const conn = this.choose(fresh);
        const t0 = Date.now();
        const fields = { ':method': job.method, ':path': job.target };
        for (const line of job.headers) {
            const [, name, value] = /^([^:]*): ?(.*)$/.exec(line);
            fields[name.toLowerCase()] = value;
        }
        return new Promise((resolve) => {
            const answer = { reused: conn.uses > 1, opened: conn.opened, t0,
                             octets: 0 };
            const parts = [];
            const finish = (more) => {
                clearTimeout(timer);
                resolve(Object.assign(answer, more, { t1: Date.now(),
                    port: conn.port, gone: conn.gone, body: Buffer.concat(parts) }));
            };
            const timer = setTimeout(() => finish({ error: 'timeout' }), TIMEOUT);
            let stream;
            try {
                stream = conn.session.request(fields, { endStream: !job.body });
            }
            catch (error) {
                finish({ error: error.code });
                return;
            }
            if (conn.uses >= PER_SESSION) {
                conn.session.close();
            }
            stream.on('response', (headers) => {
                answer.status = headers[':status'];
                answer.headers = headers;
                answer.octets++;
            });
            stream.on('data', (part) => { parts.push(part);
                                          answer.octets += part.length; });
            stream.on('error', (error) => { answer.error = error.message; });
            stream.on('close', () => finish(
                answer.status && !answer.error && stream.rstCode === 0 ? {}
                    : { error: answer.error || `reset ${stream.rstCode}` }));
            if (job.body) {
                stream.end(job.body);
            }
        });
    }

    end() {
        this.open.forEach((conn) => conn.session.destroy());
    }
}
