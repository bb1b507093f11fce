/*
 * trend.mjs: what the processes of httpd use over time, and whether it grows.
 *
 * Children live for some seconds only while there are graceful restarts, so
 * the second half of a run is calm: they grow old, and what they have in its
 * last third is compared with its second one. The first one is for warming up.
 * The parent, which lives all the time: the last third of the run with the
 * second one.
 */
const MIB = 1024;

/* How much more the last third may have. */
const bounds = { 'parent MiB': 1, 'parent fds': 2, 'MiB per child': 1,
                 'fds per child': 6, 'threads per child': 6 };

function mean(list) {
    return list.reduce((sum, value) => sum + value, 0) / (list.length || 1);
}

export class Trend {
    constructor(begin, calm, end) {
        this.begin = begin;
        this.calm = calm;
        this.end = end;
        this.samples = [];
    }

    take(server) {
        const parent = server.usage(server.pid);
        const children = server.children().map((pid) => server.usage(pid))
            .filter(Boolean);
        if (!parent || !children.length) {
            return undefined;
        }
        const per = (what) => mean(children.map((child) => child[what]));
        const sample = {
            at: Date.now(), children: children.length,
            values: { 'parent MiB': parent.rss / MIB, 'parent fds': parent.fds,
                      'MiB per child': per('rss') / MIB,
                      'fds per child': per('fds'),
                      'threads per child': per('threads') }
        };
        this.samples.push(sample);
        return sample;
    }

    third(number, name) {
        const begin = name.startsWith('parent') ? this.begin : this.calm;
        const size = (this.end - begin) / 3;
        return mean(this.samples.filter(({ at }) =>
            Math.floor((at - begin) / size) === number - 1)
            .map((sample) => sample.values[name]));
    }

    /* Prints the comparison; how many of its lines grow. */
    report() {
        let grown = 0;
        console.log(`\n${''.padEnd(18)} 2nd third  last third  may grow`);
        for (const [name, bound] of Object.entries(bounds)) {
            const [before, after] = [this.third(2, name), this.third(3, name)];
            const grows = after - before > bound;
            grown += grows ? 1 : 0;
            console.log(`${name.padEnd(18)} ${before.toFixed(1).padStart(9)}  `
                + `${after.toFixed(1).padStart(10)}  ${String(bound).padStart(8)}`
                + (grows ? '  GROWS' : ''));
        }
        return grown;
    }
}

export function show(sample) {
    const { values } = sample;
    return `parent ${values['parent MiB'].toFixed(1)} MiB `
        + `${values['parent fds']} fds, ${sample.children} children of `
        + `${values['MiB per child'].toFixed(1)} MiB `
        + `${values['fds per child'].toFixed(0)} fds `
        + `${values['threads per child'].toFixed(0)} threads`;
}
