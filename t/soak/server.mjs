/*
 * server.mjs: the httpd under test: its configuration, graceful restarts,
 * kill -9 of a child, what its processes use, and what its log says.
 */
import { execFileSync, spawn } from 'child_process';
import fs from 'fs';
import net from 'net';
import readline from 'readline';

import { sleep } from './issuers.mjs';

const modules = `unixd authz_core log_config headers reqtimeout watchdog proxy
    proxy_http http2 proxy_http2`.split(/\s+/);

/* Where the module is, and what it is started with: from scripts/soak. */
const env = process.env;

function configuration(dir, port, mpm, text) {
    const libexec = execFileSync(env.APXS, ['-q', 'LIBEXECDIR']).toString().trim();
    /* On prefork, without us, too: mod_http2 crashes (see t/check), and a
     * graceful restart makes mod_reqtimeout answer 400 to a head of which only
     * a part has come. */
    const load = modules.filter((name) => mpm !== 'prefork'
                                          || !/2$|^reqtimeout/.test(name))
        .map((name) => [name, `${libexec}/mod_${name}.so`])
        .filter(([, so]) => fs.existsSync(so));
    load.push([`mpm_${mpm}`, `${libexec}/mod_mpm_${mpm}.so`],
              ['jwtmap', `${dir}/mod_jwtmap.so`]);
    return `
        ServerRoot ${dir}
        ${load.map(([name, so]) => `LoadModule ${name}_module ${so}`).join('\n')}
        ServerName soak.example
        Listen 127.0.0.1:${port}
        PidFile ${dir}/httpd.pid
        DefaultRuntimeDir ${dir}
        ErrorLog ${dir}/error_log
        LogLevel info jwtmap:trace8
        JwtMapStateDir ${dir}/state
        Timeout 60
        KeepAliveTimeout 5
        # What httpd itself keeps for each thread is soon at its most.
        MaxMemFree 64
        <IfModule reqtimeout_module>
            RequestReadTimeout header=20,MinRate=500 body=20,MinRate=500
        </IfModule>
        <IfModule http2_module>
            Protocols h2c http/1.1
            H2MinWorkers 4
            H2MaxWorkers 8
        </IfModule>
        # More room than is used: children of former generations take some.
        # None is ended because there is little to do: they are to grow old.
        <IfModule !mpm_prefork_module>
            ServerLimit 48
            StartServers 3
            ThreadsPerChild 8
            MinSpareThreads 24
            MaxSpareThreads 384
            MaxRequestWorkers 384
        </IfModule>
        <IfModule mpm_prefork_module>
            StartServers 8
            MinSpareServers 8
            MaxSpareServers 192
            MaxRequestWorkers 192
        </IfModule>
        ${text}`.replace(/^ +/gm, '');
}

function read(file) {
    try {
        return fs.readFileSync(file, 'latin1');
    }
    catch (error) {
        return '';
    }
}

function list(dir) {
    try {
        return fs.readdirSync(dir);
    }
    catch (error) {
        return [];
    }
}

/* inode -> [our port, the other's] of the TCP connections of this machine */
function connections() {
    const of = new Map();
    for (const line of read('/proc/net/tcp').split('\n').slice(1)) {
        const word = line.trim().split(/\s+/);
        if (word.length > 9) {
            of.set(word[9], [word[1], word[2]].map(
                (address) => parseInt(address.split(':')[1], 16)));
        }
    }
    return of;
}

export class Server {
    constructor(dir, mpm) {
        this.dir = dir;
        this.mpm = mpm;
        this.cut = new Map();         /* client's port -> when it was cut */
        this.gracefuls = 0;
    }

    async start(text) {
        this.port = await freePort();
        fs.writeFileSync(`${this.dir}/httpd.conf`,
                         configuration(this.dir, this.port, this.mpm, text));
        const out = fs.openSync(`${this.dir}/console.log`, 'a');
        this.process = spawn(env.HTTPD, ['-DFOREGROUND', '-f',
                                         `${this.dir}/httpd.conf`], {
            detached: true,           /* prefork signals its whole group */
            stdio: ['ignore', out, out],
            env: { ...env, ...(env.ASAN_LIB ? { LD_PRELOAD: env.ASAN_LIB } : {}),
                   ASAN_OPTIONS: `detect_leaks=0:log_path=${this.dir}/sanitizer`,
                   UBSAN_OPTIONS: 'print_stacktrace=1:'
                                  + `log_path=${this.dir}/sanitizer` }
        });
        this.pid = this.process.pid;
        this.process.on('exit', (code, signal) => {
            this.ended = signal || `status ${code}`;
        });
        for (let i = 0; i < 200 && !this.ended; i++) {
            if (this.generations() > 0) {
                return;
            }
            await sleep(100);
        }
        throw new Error('httpd does not start:\n'
                        + read(`${this.dir}/console.log`)
                        + read(`${this.dir}/error_log`).slice(-4000));
    }

    /* How often a configuration came into force; from the new part of the log. */
    generations() {
        const file = `${this.dir}/error_log`;
        if (fs.existsSync(file)) {
            const fd = fs.openSync(file, 'r');
            const size = fs.fstatSync(fd).size;
            const part = Buffer.alloc(size - (this.seen || 0));
            fs.readSync(fd, part, 0, part.length, this.seen || 0);
            fs.closeSync(fd);
            const end = part.lastIndexOf('\n') + 1;
            this.seen = (this.seen || 0) + end;
            this.begun = (this.begun || 0) + (part.toString('latin1', 0, end)
                .match(/resuming normal operations/g) || []).length;
        }
        return this.begun || 0;
    }

    async graceful() {
        const before = this.generations();
        this.restarted = Date.now();
        process.kill(this.pid, 'SIGUSR1');
        this.gracefuls++;
        for (let i = 0; i < 200 && this.generations() === before; i++) {
            await sleep(50);
        }
        if (this.generations() === before) {
            throw new Error('a graceful restart does not end');
        }
    }

    children() {
        return read(`/proc/${this.pid}/task/${this.pid}/children`).split(' ')
            .filter(Boolean).map(Number);
    }

    /* Which child has a connection whose ports satisfy is, or undefined. */
    childWith(is) {
        const inodes = new Set([...connections()].filter(([, ports]) => is(ports))
            .map(([inode]) => `socket:[${inode}]`));
        return this.children().find((pid) =>
            this.links(pid).some((link) => inodes.has(link)));
    }

    links(pid) {
        return list(`/proc/${pid}/fd`).map((fd) => {
            try {
                return fs.readlinkSync(`/proc/${pid}/fd/${fd}`);
            }
            catch (error) {
                return '';
            }
        });
    }

    /* Stopped first, so that it is known which clients it is connected to. */
    async kill(pid) {
        try {
            process.kill(pid, 'SIGSTOP');
            const tasks = () => list(`/proc/${pid}/task`).map((task) =>
                read(`/proc/${pid}/task/${task}/stat`).replace(/.*\) /s, ''));
            while (tasks().some((state) => /^[RSD]/.test(state))) {
                await sleep(2);
            }
            const tcp = connections();
            for (const link of this.links(pid)) {
                const ports = tcp.get(link.replace(/^socket:\[(\d+)\]$/, '$1'));
                if (ports && ports[0] === this.port) {
                    this.cut.set(ports[1], Date.now());
                }
            }
            process.kill(pid, 'SIGKILL');
            return true;
        }
        catch (error) {
            return false;             /* it was gone */
        }
    }

    /* 1 if this connection was one of a child that was killed. */
    wasCut(port, opened) {
        return this.cut.has(port) && this.cut.get(port) >= opened;
    }

    /* { rss (KiB), fds, threads } of a process, or undefined. */
    usage(pid) {
        const status = read(`/proc/${pid}/status`);
        const rss = /^VmRSS:\s+(\d+)/m.exec(status);
        return rss ? { pid, rss: Number(rss[1]), fds: list(`/proc/${pid}/fd`).length,
                       threads: Number(/^Threads:\s+(\d+)/m.exec(status)[1]) }
                   : undefined;
    }

    async stop() {
        if (!this.ended) {
            process.kill(this.pid, 'SIGTERM');
        }
        for (let i = 0; i < 300 && !this.ended; i++) {
            await sleep(100);
        }
        return this.ended;
    }

    /* At the exit of this program, whatever happened. */
    end() {
        if (this.pid && !this.ended) {
            try {
                process.kill(-this.pid, 'SIGKILL');
            }
            catch (error) { /* it is gone */ }
        }
    }

    /* The lines of the logs that should not be there, as t/99log.t has them. Of
     * kill -9 httpd says nothing. */
    async badLines() {
        const crash = new RegExp('AH00051|AH00052|AH00046|Sanitizer|runtime error:'
            + '|segmentation fault|assertion .*failed|stack smashing|double free'
            + '|corrupted|free\\(\\):', 'i');
        const leak = /eyJ[A-Za-z0-9_-]|-----BEGIN /;
        const bad = list(this.dir).filter((name) => /^sanitizer/.test(name))
            .map((name) => `${name}: ${read(`${this.dir}/${name}`).slice(0, 4000)}`);
        for (const name of ['error_log', 'console.log']) {
            for await (const line of readline.createInterface({
                input: fs.createReadStream(`${this.dir}/${name}`) })) {
                if (leak.test(line)) {
                    bad.push(`${name} shows a token or a key: `
                             + line.replace(/eyJ\S+/g, '<token>').slice(0, 300));
                }
                else if (crash.test(line)) {
                    bad.push(`${name}: ${line.slice(0, 300)}`);
                }
            }
        }
        return bad;
    }
}

function freePort() {
    return new Promise((resolve) => {
        const server = net.createServer().listen(0, '127.0.0.1', () => {
            const { port } = server.address();
            server.close(() => resolve(port));
        });
    });
}
