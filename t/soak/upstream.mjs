/*
 * upstream.mjs: the origin servers, and the ledger of what came to them. A
 * request names itself in X-Soak-Id, and says in X-Soak-Ask what it wants:
 *
 *   status=500   that status          wait=300     an answer after 300 ms
 *   size=4096    that many octets
 *
 * The answer is a line of JSON with the id, then "size" times "x".
 */
import crypto from 'crypto';
import http from 'http';
import http2 from 'http2';
import net from 'net';

/* Of each request, id -> records [{ target, lines, sum, trailers }]. late: how
 * many came when nobody looked any more, but for those that may. */
export class Ledger {
    constructor() {
        this.of = new Map();
        this.mayCome = new Set();
        this.late = 0;
    }

    expect(id) {
        this.of.set(id, []);
    }

    arrived(id, record) {
        if (this.of.has(id)) {
            this.of.get(id).push(record);
        }
        else if (!this.mayCome.has(id)) {
            this.late++;
        }
        return record;
    }

    close(id, mayCome) {
        this.of.delete(id);
        if (mayCome) {
            this.mayCome.add(id);
        }
    }
}

function lines(raw) {
    const list = [];
    for (let i = 0; i < raw.length; i += 2) {
        if (!raw[i].startsWith(':')) {
            list.push([raw[i],
                       Buffer.from(raw[i + 1], 'latin1').toString('utf8')]);
        }
    }
    return list;
}

function serve(ledger) {
    return (req, res) => {
        const ask = new URLSearchParams(req.headers['x-soak-ask'] || '');
        const id = req.headers['x-soak-id'];
        const sum = crypto.createHash('sha1');
        const record = ledger.arrived(id, {
            target: req.url, method: req.method, lines: lines(req.rawHeaders),
            trailers: []
        });
        req.on('error', () => {});
        res.on('error', () => {});
        req.on('data', (part) => sum.update(part));
        req.on('end', () => {
            record.sum = sum.digest('hex');
            record.trailers = lines(req.rawTrailers || []);
            setTimeout(() => {
                res.statusCode = Number(ask.get('status') || 200);
                res.setHeader('X-Soak-Upstream', id || '');
                res.end(JSON.stringify({ id }) + '\n'
                        + 'x'.repeat(Number(ask.get('size') || 0)));
            }, Number(ask.get('wait') || 0));
        });
    };
}

/* Takes a request, and closes with a reset. */
function refuse(ledger) {
    return (socket) => {
        let head = '';
        socket.on('error', () => {});
        socket.on('data', (part) => {
            head += part.toString('latin1');
            if (head.includes('\r\n\r\n')) {
                const id = /^x-soak-id: (\S+)/im.exec(head);
                const raw = head.split('\r\n\r\n')[0].split('\r\n').slice(1)
                    .map((line) => /^([^:]*): ?(.*)$/.exec(line).slice(1));
                ledger.arrived(id && id[1], {
                    target: head.split(' ')[1], lines: lines(raw.flat()),
                    trailers: []
                });
                (socket.resetAndDestroy || socket.destroy).call(socket);
            }
        });
    };
}

function listen(server) {
    return new Promise((resolve) => server.listen(0, '127.0.0.1', 1024,
        () => resolve(server.address().port)));
}

/* mod_proxy keeps connections: whoever closes them is not we. */
function http1(ledger) {
    const server = http.createServer({ maxHeaderSize: 65536 }, serve(ledger));
    server.keepAliveTimeout = 0;
    server.headersTimeout = 0;
    server.requestTimeout = 0;
    server.timeout = 0;
    return server;
}

/* Where they listen. */
export async function startUpstreams(ledger) {
    return {
        http: await listen(http1(ledger)),
        slow: await listen(http1(ledger)),
        h2c: await listen(http2.createServer(
            { settings: { maxHeaderListSize: 65536 }, maxSessionMemory: 1000 },
            serve(ledger))),
        reset: await listen(net.createServer(refuse(ledger)))
    };
}
