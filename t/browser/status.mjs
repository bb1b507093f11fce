// status.mjs URL [PICTURES]: the status page in a browser, as TAP: does it
// break its own policy, does it fit a phone, what does axe-core object to, in
// light and in dark. PICTURES: a directory for screenshots.
//
// Run by t/browser/status.t; JWTMAP_NODE_MODULES is where npm put the packages.

import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const require = createRequire(process.env.JWTMAP_NODE_MODULES + '/');
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const [url, pictures] = process.argv.slice(2);
const executablePath = process.env.CHROMIUM || '/usr/bin/chromium';
let tests = 0;
let failed = 0;

function ok(good, name, comment = '') {
    tests++;
    failed += good ? 0 : 1;
    console.log(`${good ? 'ok' : 'not ok'} ${tests} - ${name}`);
    if (!good && comment) {
        console.log(String(comment).replace(/^/gm, '# '));
    }
}

// The screens that people look at it on.
const screens = [
    { name: 'light', colorScheme: 'light', width: 1100, height: 1500 },
    { name: 'dark', colorScheme: 'dark', width: 1100, height: 900 },
    { name: 'phone', colorScheme: 'light', width: 390, height: 844 },
    { name: 'phone-dark', colorScheme: 'dark', width: 360, height: 740 },
];

async function look(browser, screen) {
    const context = await browser.newContext({
        colorScheme: screen.colorScheme,
        viewport: { width: screen.width, height: screen.height },
    });
    const page = await context.newPage();
    const complaints = [];
    const asked = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('request', (request) => asked.push(request.url()));
    await page.goto(url);
    if (pictures) {
        await page.screenshot({ path: `${pictures}/${screen.name}.png`,
            fullPage: screen.width < 800 });
    }
    await check(page, screen, complaints, asked);
    await context.close();
}

async function check(page, screen, complaints, asked) {
    const say = (text) => `${screen.name}: ${text}`;
    ok(complaints.length === 0, say('the policy is kept'), complaints.join('\n'));
    ok(asked.filter((what) => !what.endsWith('/favicon.ico')).length === 1,
        say('nothing else is asked for'), asked.join('\n'));
    const back = await page.evaluate(() =>
        getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number));
    ok(screen.colorScheme === 'dark' ? back[0] < 64 : back[0] > 192,
        say('it is as light as the user wants it'), back);
    const wider = await page.evaluate(() =>
        document.documentElement.scrollWidth - innerWidth);
    ok(wider <= 0, say('it does not scroll sideways'), `${wider} px`);
    await page.evaluate(() =>
        document.querySelectorAll('details').forEach((d) => { d.open = true; }));
    const found = await violations(page);
    ok(found === '', say('axe-core finds nothing'), found);
    await doubt(page, say);
}

// The checker does look: a page without a language is objected to.
async function doubt(page, say) {
    await page.evaluate(() => document.documentElement.removeAttribute('lang'));
    ok(/^html-has-lang/m.test(await violations(page)), say('and would find something'));
}

async function violations(page) {
    await page.evaluate(axe);
    const result = await page.evaluate(() => window.axe.run());
    return result.violations.map((violation) => [
        `${violation.id} (${violation.impact}): ${violation.help}`,
        ...violation.nodes.slice(0, 5).map((node) => `  ${node.html}`),
    ].join('\n')).join('\n');
}

// The numbers move while requests come in.
async function watch(browser) {
    const page = await browser.newPage();
    const requests = async () => {
        await page.goto(url);
        return Number((await page.textContent('.tile .n')).replaceAll(',', ''));
    };
    const before = await requests();
    const other = new URL('/open', url);
    await Promise.all(Array.from({ length: 40 }, () => fetch(other)));
    ok(await requests() === before + 40, 'forty more requests are forty more');
    await page.goto(`${url}?refresh=1`);
    const start = await page.textContent('.tile .n');
    await fetch(other);
    await page.waitForFunction((old) =>
        document.querySelector('.tile .n').textContent !== old, start, { timeout: 10000 });
    ok(true, 'a page with ?refresh=1 shows the next by itself');
    await page.close();
}

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
try {
    for (const screen of screens) {
        await look(browser, screen);
    }
    await watch(browser);
}
finally {
    await browser.close();
}
console.log(`1..${tests}`);
process.exitCode = failed ? 1 : 0;
