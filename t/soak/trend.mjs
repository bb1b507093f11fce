/*
 * trend.mjs: what the processes of httpd use over time, and whether it grows.
 *
 * Children live for some seconds only while there are graceful restarts, so
 * they are compared in the calm minutes, in which there are none. Compared is
 * the second quarter of a run with the last one: the first is warming up.
 */
const MIB = 1024;

/* How much more the last quarter may have. */
export const bounds = { 'parent MiB': 1.5, 'parent fds': 3,
                        'MiB per child': 2, 'fds per child': 8,
                        'threads per child': 8 };

function mean(list) {
    return list.reduce((sum, value) => sum + value, 0) / (list.length || 1);
}

export class Trend {
    constructor(begin, end) {
        this.begin = begin;
        this.end = end;
        this.samples = [];
    }

    /* isCalm: these children had time to come to rest. */
    take(server, isCalm) {
        const parent = server.usage(server.pid);
        const children = server.children().map((pid) => server.usage(pid))
            .filter(Boolean);
        if (!parent || !children.length) {
            return undefined;
        }
        const per = (what) => mean(children.map((child) => child[what]));
        const sample = {
            at: Date.now(), isCalm, children: children.length,
            values: { 'parent MiB': parent.rss / MIB, 'parent fds': parent.fds,
                      'MiB per child': per('rss') / MIB,
                      'fds per child': per('fds'),
                      'threads per child': per('threads') }
        };
        this.samples.push(sample);
        return sample;
    }

    quarter(number, name) {
        const size = (this.end - this.begin) / 4;
        const list = this.samples.filter(({ at, isCalm }) =>
            (isCalm || name.startsWith('parent'))
            && Math.floor((at - this.begin) / size) === number - 1);
        return list.length < 3 ? undefined
            : mean(list.map((sample) => sample.values[name]));
    }

    /* [[name, second quarter, last quarter, grown too much]] */
    table() {
        return Object.keys(bounds).map((name) => {
            const [before, after] = [this.quarter(2, name), this.quarter(4, name)];
            return [name, before, after,
                    before !== undefined && after !== undefined
                    && after - before > bounds[name]];
        });
    }
}

export function show(sample) {
    const { values } = sample;
    return `parent ${values['parent MiB'].toFixed(1)} MiB `
        + `${values['parent fds']} fds, ${sample.children} children of `
        + `${values['MiB per child'].toFixed(1)} MiB `
        + `${values['fds per child'].toFixed(0)} fds `
        + `${values['threads per child'].toFixed(0)} threads`
        + (sample.isCalm ? ' (calm)' : '');
}
