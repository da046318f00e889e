import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startFaultProxy } from '../peers/fault-proxy.ts';
import { missing, until } from '../peers/process.ts';
import { startVault, type Vault } from '../peers/vault.ts';
import { Sidecar } from './sidecar.ts';

/** Every value, token and credential of this run holds it; no output may. */
const canary = 'cAnArY';
const main = fileURLToPath(new URL('../../agent/main.ts', import.meta.url));

const store = (name: string, provider: string): string => `
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: ${name}}
spec: {provider: ${provider}}
---
`;

const externalSecret = (name: string, storeName: string, spec: string): string => `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: ${name}}
spec:
  refreshInterval: 1s
  secretStoreRef: {name: ${storeName}}
${spec}
---
`;

const entry = (remoteRef: string): string => `  data: [{secretKey: key, remoteRef: {${remoteRef}}}]`;
const template = (text: string): string =>
  `${entry('key: plain')}\n  target: {template: {data: {out: ${JSON.stringify(text)}}}}`;

/** A failure for every code and every place that holds a value when it fails. */
function specs(vaultUrl: string): string {
  const vault = (auth: string) => `{vault: {server: "${vaultUrl}", path: secret, auth: ${auth}}}`;
  const token = '{tokenSecretRef: {name: creds, key: token}}';
  const values = JSON.stringify([
    { key: 'plain', value: `${canary}-plain` },
    { key: 'json', value: `{"${canary}-name":{"deep":"${canary}-deep"},"list":["${canary}-item"]}` },
    { key: 'null', value: `${canary}\u0000null` },
    { key: 'broken', value: `{"a": "${canary}` },
  ]);
  return [
    store('fake', `{fake: {data: ${values}}}`),
    store('vault', vault(token)),
    store(
      'bad-login',
      vault('{appRole: {path: approle, roleId: nobody, secretRef: {name: creds, key: secret}}}'),
    ),
    store(
      'bad-user',
      vault('{userPass: {path: userpass, username: u, secretRef: {name: creds, key: password}}}'),
    ),
    `apiVersion: v1\nkind: Secret\nmetadata: {name: creds}\nstringData: {token: root, secret: ${canary}-id, password: ${canary}-pw}\n---\n`,
    externalSecret('good', 'fake', entry('key: plain')),
    externalSecret('not-base64', 'fake', entry('key: plain, decodingStrategy: Base64')),
    externalSecret('null-byte', 'fake', entry('key: "null", nullBytePolicy: Fail')),
    externalSecret('not-json', 'fake', '  dataFrom: [{extract: {key: broken}}]'),
    externalSecret('not-object', 'fake', '  dataFrom: [{extract: {key: plain}}]'),
    externalSecret('no-property', 'vault', entry('key: app, property: nope')),
    externalSecret('merge', 'fake', '  dataFrom: [{find: {name: {regexp: .*}}, rewrite: [{merge: {}}]}]'),
    externalSecret('template-fail', 'fake', template('{{ fail .key }}')),
    externalSecret('template-index', 'fake', template('{{ index .key 99 }}')),
    externalSecret('template-atoi', 'fake', template('{{ .key | fromJson | toYaml }}{{ .nope }}')),
    externalSecret('template-printf', 'fake', template('{{ slice .key 0 999 }}')),
    externalSecret('template-cert', 'fake', template('{{ .key | pkcs12cert }}')),
    externalSecret('bad-login', 'bad-login', entry('key: app')),
    externalSecret('bad-user', 'bad-user', entry('key: app')),
    externalSecret('vault', 'vault', entry('key: app, property: password')),
  ].join('');
}

describe('no output ever holds a value', { skip: missing('vault', ['vault']) }, () => {
  let vault: Vault;
  before(async () => {
    vault = await startVault();
    await vault.put('secret/app', { password: `${canary}-vault`, [`other`]: `${canary}-other` });
    await vault.api('POST', 'sys/auth/approle', { type: 'approle' });
    await vault.api('POST', 'sys/auth/userpass', { type: 'userpass' });
  });
  after(async () => await vault?.stop());

  it('over every failure path, door and command', async () => {
    const proxy = await startFaultProxy(vault.url);
    const sidecar = await Sidecar.prepare(
      { 'all.yaml': specs(proxy.url) },
      { args: ['--log-level', 'debug'] },
    );
    const outputs = new Map<string, string>();
    try {
      await sidecar.start();
      await until(async () => (await sidecar.text('vault', 'key')) === `${canary}-vault`);
      await until(async () =>
        JSON.parse((await sidecar.get('/status')).text).targets.every(
          (target: { state: string }) => target.state !== 'pending',
        ),
      );
      // Answers of the store that hold values where an error is looked for.
      for (const [status, code] of [
        [403, 'Denied'],
        [500, 'Unavailable'],
      ] as const) {
        proxy.heal();
        proxy.fail({
          on: /secret\/data/,
          fault: { kind: 'answer', status, body: { errors: [`${canary}-error`], data: `${canary}-data` } },
        });
        sidecar.signal('SIGHUP');
        await until(async () => (await sidecar.target('vault'))['code'] === code);
      }
      proxy.fail({
        on: /secret\/data/,
        fault: { kind: 'answer', status: 200, body: `{"data": {"data": {"password": "${canary}` },
      });
      sidecar.signal('SIGHUP');
      await sidecar.spec('broken.yaml', `kind: Secret\nstringData: {a: ${canary}-doc\n`);
      await sidecar.spec(
        'badsecret.yaml',
        `apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata: {a: ${canary}}\n`,
      );
      await until(async () => JSON.parse((await sidecar.get('/status')).text).problems.length >= 2);
      for (const path of ['/metrics', '/status', '/livez', '/readyz', '/startupz', '/refresh', '/nothing']) {
        outputs.set(path, (await sidecar.get(path)).text);
      }
      outputs.set('socket', await overSocket(sidecar.path('state', 'control.sock'), '/status'));
      outputs.set('probe', await command('probe', 'startup', '--state', sidecar.path('state')));
      outputs.set('status', await command('status', '--state', sidecar.path('state')));
      outputs.set('check', await command('check', sidecar.path('specs')));
      await mkdir(sidecar.path('values'));
      const values = sidecar.path('values', 'values.json');
      await writeFile(values, JSON.stringify({ key: `${canary}-value` }));
      outputs.set(
        'once',
        await command(
          'run',
          '--once',
          '--timeout',
          '3s',
          '--specs',
          sidecar.path('specs'),
          '--output',
          sidecar.path('again'),
          '--state',
          sidecar.path('state2'),
        ),
      );
    } finally {
      await sidecar.stop();
      outputs.set('log', sidecar.output);
      await sidecar.remove();
      await proxy.close();
    }
    for (const [name, output] of outputs) {
      assert.ok(output.length > 0, `${name} said nothing`);
      // The store's own error text may be told on the socket and in the log; what it answered as data may not.
      const leak = output
        .split('\n')
        .find((line) =>
          line.replaceAll(`${canary}-error`, '').replaceAll(`${canary}-name`, '').includes(canary),
        );
      assert.equal(leak, undefined, `${name} holds a value`);
    }
    const codes = new Set(
      [...(outputs.get('log') ?? '').matchAll(/"code":"([A-Za-z]+)"/g)].map((match) => match[1]),
    );
    const reached = [
      'AuthFailed',
      'DecodeFailed',
      'Denied',
      'PropertyMissing',
      'SpecInvalid',
      'TemplateFailed',
      'Unavailable',
    ];
    for (const code of reached)
      assert.ok(codes.has(code), `no failure was ${code}: this test has lost a path`);
    const overTcp = ['/metrics', '/status', '/livez', '/readyz', '/startupz', '/refresh', '/nothing'];
    for (const name of overTcp) assert.doesNotMatch(outputs.get(name) ?? '', new RegExp(canary), name);
  });
});

/** Each is the name of a target, and how the API server refuses its Secret. */
const refusals: Readonly<Record<string, { readonly status: number; readonly reason: string }>> = {
  invalid: { status: 422, reason: 'Invalid' },
  denied: { status: 403, reason: 'Forbidden' },
  conflict: { status: 409, reason: 'Conflict' },
  large: { status: 413, reason: 'RequestEntityTooLarge' },
  broken: { status: 500, reason: 'InternalError' },
  odd: { status: 418, reason: '' },
};

describe('no output holds a value that an API server sends back', () => {
  // A real one quotes parts of an object at most: this one quotes all of it, wherever a Status has text.
  const events: string[] = [];
  const server = createServer((request, response) => {
    void bodyOf(request).then((object) => {
      const name = request.url?.split('?')[0]?.split('/').pop() ?? '';
      if (request.url?.includes('/events')) events.push(JSON.stringify(object));
      const absent = { status: 404, reason: 'NotFound' };
      const { status, reason } = (request.method === 'PATCH' && refusals[name]) || absent;
      const { data } = object as { data?: Record<string, string> };
      const value = Buffer.from(data?.['key'] ?? '', 'base64').toString();
      const message = `admission webhook "w" denied: ${JSON.stringify(object)} ${value}`;
      const cause = { reason: 'FieldValueInvalid', message, field: 'data[key]' };
      const details = { name, kind: 'secrets', causes: [cause] };
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ kind: 'Status', message, reason, details, object, value }));
    });
  });
  before(async () => await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  it('in the log, in an Event, in status and in the metrics', async () => {
    const names = Object.keys(refusals);
    const documents = names.map((name) => externalSecret(name, 'fake', entry('key: plain')));
    const fake = store('fake', `{fake: {data: [{key: plain, value: ${canary}-plain}]}}`);
    const prepared = await Sidecar.prepare({ 'all.yaml': [fake, ...documents].join('') });
    const { port } = server.address() as AddressInfo;
    const kubeconfig = {
      'current-context': 'x',
      clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}` } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: 'apps' } }],
      users: [{ name: 'u', user: { token: `${canary}-token` } }],
    };
    await writeFile(prepared.path('kubeconfig'), JSON.stringify(kubeconfig));
    const pod = { POD_NAME: 'p', POD_NAMESPACE: 'apps', POD_UID: 'u' };
    const sidecar = await Sidecar.at(prepared.root, {
      args: ['--sync-secret', '--events', '--log-level', 'debug'],
      env: { KUBECONFIG: prepared.path('kubeconfig'), ...pod },
    });
    const outputs = new Map<string, string>();
    try {
      await sidecar.start();
      for (const name of names.filter((each) => each !== 'conflict'))
        await until(async () => (await sidecar.target(name))['code'] !== undefined, 20_000);
      await until(() => events.length > 0);
      for (const path of ['/metrics', '/status']) outputs.set(path, (await sidecar.get(path)).text);
      outputs.set('socket', await overSocket(sidecar.path('state', 'control.sock'), '/status'));
    } finally {
      await sidecar.stop();
      outputs.set('log', sidecar.output);
      await sidecar.remove();
    }
    outputs.set('events', events.join('\n'));
    const encoded = Buffer.from(`${canary}-plain`).toString('base64');
    for (const [name, output] of outputs) {
      assert.ok(output.length > 0, `${name} said nothing`);
      assert.ok(!output.includes(canary) && !output.includes(encoded), `${name} holds a value`);
    }
  });
});

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  return JSON.parse((await text(request)) || '{}');
}

function command(...args: string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], { timeout: 30_000 }, (_error, stdout, stderr) =>
      resolve(stdout + stderr),
    );
  });
}

function overSocket(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve(Buffer.concat(chunks).toString()));
    });
    asked.on('error', reject);
    asked.end();
  });
}
