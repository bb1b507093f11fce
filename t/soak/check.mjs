/*
 * check.mjs: is an answer, and what came to the upstream for it, right?
 */
import crypto from 'crypto';

import { expected } from './kinds.mjs';

/* What a reader may take for the same name. */
function folded(name) {
    return name.toLowerCase().replace(/[_.]/g, '-');
}

function encode(value) {
    return encodeURIComponent(value).replace(/[!'()*]/g,
        (char) => '%' + char.charCodeAt(0).toString(16).toUpperCase());
}

/* What came: each mapped name once with the value of this token, or not at
 * all; the query of the client as it was, without what is reserved. */
function recordFaults(job, record) {
    const faults = [];
    const claims = job.claims || {};
    const want = expected(job.table, claims);
    const lines = [...record.lines, ...record.trailers];
    for (const [name, value] of want.headers) {
        const got = lines.filter(([one]) => folded(one) === name)
            .map(([one, text]) => `${one}: ${text}`);
        if (value === undefined ? got.length > 0
            : got.length !== 1 || got[0].toLowerCase()
                                  !== `${name}: ${value}`.toLowerCase()) {
            faults.push(`the upstream wanted ${name}: ${value}, and got `
                        + JSON.stringify(got));
        }
    }
    if (job.authorization
        && lines.some(([name]) => name.toLowerCase() === 'authorization')) {
        faults.push('the upstream got the token');
    }
    const ours = want.query.map(([name, value]) => `${name}=${encode(value)}`)
        .join('&');
    const query = [job.kept, ours].filter(Boolean).join('&');
    const got = record.target.replace(/^[^?]*\??/, '');
    if (got !== query) {
        faults.push(`the upstream wanted ?${query}, and got ?${got}`);
    }
    return faults;
}

/* An answer in one word: ok, or the status, with the code where it is ours. */
export function outcome(answer) {
    if (!answer.status) {
        return 'none';
    }
    if (answer.headers['x-soak-upstream']) {
        return answer.status === 200 ? 'ok' : String(answer.status);
    }
    try {
        return `${answer.status} ${JSON.parse(answer.body).code}`;
    }
    catch (error) {
        return String(answer.status);
    }
}

function answerFaults(job, answer, records) {
    const faults = [];
    const got = outcome(answer);
    const due = job.due(answer.t0, answer.t1);
    if (!due.includes(got)) {
        faults.push(`due: ${due.join(' or ')}; came: ${got}`);
    }
    if (!answer.headers['x-soak-upstream']) {
        if (records.length > 0 && !(job.fails && /^50/.test(got))) {
            faults.push('the upstream got a request that was refused');
        }
        return faults;
    }
    if (records.length !== 1) {
        faults.push(`the upstream got it ${records.length} times`);
    }
    const size = Number((/^size=(\d+)/.exec(job.ask || '') || [0, 0])[1]);
    const body = JSON.stringify({ id: job.id }) + '\n' + 'x'.repeat(size);
    if (answer.body.toString('latin1') !== body) {
        faults.push(`the body, ${answer.body.length} octets, is another's: `
                    + answer.body.toString('latin1', 0, 60));
    }
    const sum = crypto.createHash('sha1').update(job.body || '').digest('hex');
    if (records.length === 1 && records[0].sum !== sum) {
        faults.push('the upstream got another body');
    }
    return faults;
}

/* What is wrong, as sentences; records: what came to the upstream. */
export function faultsOf(job, answer, records) {
    return [...answer.status && !answer.error ? answerFaults(job, answer, records)
                                              : [],
            ...records.map((record) => recordFaults(job, record)).flat()];
}
