/*
 * tables.mjs: two route tables, and the configuration that leads to them. The
 * second one, below /other, trusts one of the issuers of the first, and maps
 * another claim of the same token to the same name.
 */
import fs from 'fs';

import { remoteTimes } from './issuers.mjs';

const audience = 'api://soak';

/* What is mapped by each table: name -> claim. */
export const mapped = {
    main: { headers: { 'x-user-id': 'sub', 'x-org': 'org', 'x-token-id': 'jti',
                       'x-roles': 'roles', 'x-issuer': 'iss' },
            query: { actor: 'sub', tenant: 'org' } },
    other: { headers: { 'x-user-id': 'email', 'x-token-id': 'jti' },
             query: { who: 'email' } }
};

function mapping(table) {
    const headers = {};
    const query = {};
    for (const [name, claim] of Object.entries(mapped[table].headers)) {
        headers[name] = claim === 'roles'
            ? { from: '$request.jwt.roles', format: 'csv' }
            : `$request.jwt.${claim}`;
    }
    for (const [name, claim] of Object.entries(mapped[table].query)) {
        query[name] = `$request.jwt.${claim}`;
    }
    return { headers, query };
}

function main(ports, issuers, upstream2) {
    const route = (path, auth, server, more) => ({
        method: 'ANY', path, auth, mapping: mapping('main'),
        ...(server ? { integration: { type: 'http_proxy', server } } : {}), ...more
    });
    const any = ['default', 'file', 'remote'];
    const { pem, file, remote } = authorizers(issuers);
    return {
        servers: [
            { alias: 'up', url: `http://127.0.0.1:${ports.http}` },
            { alias: 'up2', url: upstream2 },
            { alias: 'slow', url: `http://127.0.0.1:${ports.slow}` },
            { alias: 'reset', url: `http://127.0.0.1:${ports.reset}` },
            { alias: 'closed', url: 'unix:/nowhere.sock|http://closed/' }
        ],
        authorizer: pem,
        authorizers: { file, remote },
        paths: [
            route('/pem/{.+}', true, 'up'), route('/file/{.+}', 'file', 'up'),
            route('/remote/{.+}', 'remote', 'up'), route('/any/{.+}', any, 'up2'),
            route('/pass/{.+}', any), route('/slow/{.+}', any, 'slow'),
            route('/reset/{.+}', any, 'reset'),
            route('/closed/{.+}', any, 'closed'),
            route('/admin/{.+}', any, 'up', { require: { roles: 'admin' } }),
            route('/maybe/{.+}', 'optional', 'up'),
            route('/get', any, 'up', { method: 'GET' }),
            { method: 'ANY', path: '/open/{.+}', auth: false,
              integration: { type: 'http_proxy', server: 'up' } }
        ]
    };
}

function authorizers(issuers) {
    const common = (issuer) => ({ type: 'jwt', issuer: issuer.iss, audience,
                                  leeway: 0 });
    return {
        pem: { ...common(issuers.pem), public_key_file: 'issuer.pem' },
        file: { ...common(issuers.file), jwks_file: 'jwks.json',
                revoked_file: 'jwks.json.revoked' },
        remote: { ...common(issuers.remote), jwks_uri: issuers.remote.url,
                  ...remoteTimes }
    };
}

/* Writes the tables to dir; the text for httpd.conf. */
export function writeTables(dir, ports, issuers, mpm) {
    const upstream2 = mpm === 'prefork' ? `http://127.0.0.1:${ports.http}/`
                                        : `h2c://127.0.0.1:${ports.h2c}`;
    const { file } = authorizers(issuers);
    const table = main(ports, issuers, upstream2);
    const other = {
        servers: table.servers, authorizer: file,
        paths: [{ method: 'ANY', path: '/other/{.+}', auth: true,
                  mapping: mapping('other'),
                  integration: { type: 'http_proxy', server: 'up' } }]
    };
    fs.writeFileSync(`${dir}/main.json`, JSON.stringify(table));
    fs.writeFileSync(`${dir}/other.json`, JSON.stringify(other));
    return `
        JwtMapReload 1
        JwtMapCache 128
        JwtMapConfig main.json
        <Location /other/>
            JwtMapConfig other.json
        </Location>
        ProxyPass /pass/ http://127.0.0.1:${ports.http}/pass/
        <Proxy http://127.0.0.1:${ports.slow}>
            ProxySet timeout=2
        </Proxy>
        <Proxy unix:/nowhere.sock|http://closed/>
            ProxySet retry=0
        </Proxy>
        <Proxy http://127.0.0.1:${ports.reset}>
            ProxySet retry=0
        </Proxy>`;
}
