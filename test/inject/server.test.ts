import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, type RequestOptions, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect } from 'node:tls';
import { limits } from '../../src/base/limits.ts';
import type { Log } from '../../src/base/log.ts';
import { silentLog } from '../../src/base/log.ts';
import type { SpecFindings } from '../../src/inject/admit.ts';
import { openTlsFiles } from '../../src/inject/tls-files.ts';
import { Turns } from '../../src/inject/turns.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { authority } from '../peers/certificates.ts';
import { until } from '../peers/process.ts';
import { readNow } from '../spec/read-now.ts';
import { type Loose, pod } from './pods.ts';
import { startInjector, type TestInjector } from './webhooks.ts';

interface Reply {
  readonly status: number;
  readonly text: string;
  readonly json: Loose;
  /** Of the certificate that was served. */
  readonly fingerprint: string;
  /** Whether its connection was there before. */
  readonly reused: boolean;
}

/** Counts who asked for one. */
class CountedTurns extends Turns {
  count = 0;

  override async take<T>(work: () => Promise<T>): Promise<T> {
    this.count++;
    return await super.take(work);
  }
}

let injector: TestInjector;
const agent = new Agent({ keepAlive: true });

function send(path: string, body: string | object, more: RequestOptions = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port: injector.port,
      path,
      method: 'POST',
      ca: injector.ca.cert,
      agent,
      ...more,
    };
    const asked = request(options, async (response) => {
      const { fingerprint256 = '' } = (response.socket as Loose).getPeerCertificate();
      const parts: Buffer[] = [];
      for await (const part of response) parts.push(part);
      const text = Buffer.concat(parts).toString();
      resolve({
        status: response.statusCode ?? 0,
        text,
        json: text.startsWith('{') ? JSON.parse(text) : undefined,
        fingerprint: fingerprint256,
        reused: asked.reusedSocket,
      });
    });
    asked.once('error', reject);
    asked.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
}

function reviewOf(object: object | null, more: object = {}): object {
  const kind = { group: '', version: 'v1', kind: String((object as Loose)?.kind ?? 'Pod') };
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: { uid: 'u-1', kind, operation: 'CREATE', namespace: 'apps', object, ...more },
  };
}

describe('the webhook', () => {
  before(async () => {
    injector = await startInjector();
  });
  after(async () => {
    agent.destroy();
    await injector.close();
  });

  describe('/mutate', () => {
    test('answers with the uid and a patch', async () => {
      const { json } = await send('/mutate', reviewOf(pod()));
      assert.equal(json.apiVersion, 'admission.k8s.io/v1');
      assert.equal(json.response.uid, 'u-1');
      assert.equal(json.response.patchType, 'JSONPatch');
      assert.equal(JSON.parse(Buffer.from(json.response.patch, 'base64').toString())[0].op, 'add');
    });

    test('leaves what is no new pod alone', async () => {
      for (const review of [
        reviewOf(pod(), { operation: 'UPDATE' }),
        reviewOf(pod(), { subResource: 'ephemeralcontainers' }),
        reviewOf({ kind: 'Service' }),
        reviewOf(null, { operation: 'DELETE' }),
      ]) {
        const { json } = await send('/mutate', review);
        assert.deepEqual(json.response, { uid: 'u-1', allowed: true });
      }
    });

    test('warns, in as many letters as the API server shows', async () => {
      const container = { volumeMounts: [{ name: 'esa-secrets', mountPath: '/x', subPath: 'y' }] };
      const { json } = await send('/mutate', reviewOf(pod({ container })));
      assert.match(json.response.warnings[0], /by subPath/);
      for (const warning of json.response.warnings) assert.ok(warning.length <= limits.reviewWarningLength);
    });

    test('what is no review is 400, and no denial', async () => {
      const cases: readonly (readonly [string | object, string])[] = [
        ['', 'the body is not JSON\n'],
        ['nonsense', 'the body is not JSON\n'],
        ['[]', 'the body is no AdmissionReview\n'],
        [
          { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1beta1' },
          'admission.k8s.io/v1beta1 is not admission.k8s.io/v1\n',
        ],
        [
          { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request: {} },
          'the request has no uid\n',
        ],
      ];
      for (const [body, said] of cases) {
        const { status, text } = await send('/mutate', body);
        assert.deepEqual([status, text], [400, said]);
      }
    });

    test('3 MiB are taken, more than a review can have are not', async () => {
      const large = pod();
      large.spec.containers[0].args = ['x'.repeat(3 * 1024 * 1024)];
      assert.equal((await send('/mutate', reviewOf(large))).json.response.allowed, true);
      assert.equal((await send('/mutate', 'x'.repeat(limits.reviewBytes + 1))).status, 413);
    });

    test('an error of ours is 500, which the failurePolicy decides about', async () => {
      const told: string[] = [];
      const log: Log = { ...silentLog, error: (_fields: object, message: string) => told.push(message) };
      const own = await startInjector({ checkSpecs: () => Promise.reject(new Error('a bug')) }, log);
      try {
        const asked = { port: own.port, ca: own.ca.cert, agent: false as const };
        const { status, text } = await send(
          '/mutate',
          reviewOf(pod({ annotations: { spec: 'a: 1' } })),
          asked,
        );
        assert.deepEqual([status, text], [500, 'an error of the injector itself, see its log\n']);
        assert.deepEqual(told, ['a review was not answered']);
        assert.match(await own.metrics(), /review_total\{result="failed",reason="InternalError",mode=""\} 1/);
      } finally {
        await own.close();
      }
    });

    test('500 containers of everything are as good as one', async () => {
      const many = (prefix: string) =>
        Array.from({ length: 500 }, (_, i) => ({
          name: `${prefix}${i}`,
          volumeMounts: Array.from({ length: 20 }, (_, j) => ({ name: `v${j}`, mountPath: `/m${j}` })),
        }));
      const spec = { containers: many('c'), initContainers: many('i') };
      const { json } = await send('/mutate', reviewOf(pod({ spec })));
      const patch = JSON.parse(Buffer.from(json.response.patch, 'base64').toString());
      assert.equal(patch.filter(({ path }: Loose) => /volumeMounts\/-$/.test(path)).length, 1_000);
    });

    test('other paths and methods are told what there is', async () => {
      assert.deepEqual((await send('/', '')).text, 'nothing here; there is /mutate, /validate\n');
      assert.equal((await send('/mutate', '', { method: 'PUT' })).status, 405);
      assert.equal((await send('/__proto__', '')).status, 404);
    });
  });

  describe('who means no good', () => {
    const open = async () => {
      const socket = connect({ host: '127.0.0.1', port: injector.port, ca: injector.ca.cert });
      socket.on('error', () => {});
      await once(socket, 'secureConnect');
      return socket;
    };

    test('and says nothing, or says it slowly, holds no connection; one that pauses keeps its own', async () => {
      const first = await send('/mutate', reviewOf(pod()));
      const beganMs = performance.now();
      const sockets = await Promise.all([open(), open(), open()]);
      const [, headers, body] = sockets;
      headers!.write('POST /mutate HTTP/1.1\r\nhost: x\r\n');
      body!.write('POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{');
      for (const socket of sockets) socket.resume();
      await Promise.all(sockets.map((socket) => socket.closed || once(socket, 'close')));
      const tookMs = performance.now() - beganMs;
      assert.ok(tookMs >= limits.reviewMs && tookMs < 2 * limits.reviewMs, `${tookMs} ms`);
      const { reused, ...later } = await send('/mutate', reviewOf(pod()));
      assert.deepEqual([first.status, later.status, reused], [200, 200, true]);
    });

    test('and sends more than fits is asked to come again; what is usual is taken all the time', async () => {
      const sent = Buffer.alloc(limits.reviewBytes - 1, ' ');
      const count = Math.ceil(limits.reviewHeldBytes / limits.reviewBytes) + 2;
      const answers: string[] = [];
      const sockets = await Promise.all(Array.from({ length: count }, open));
      for (const socket of sockets) {
        socket.on('data', (data: Buffer) => answers.push(data.toString()));
        socket.write(`POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-length: ${limits.reviewBytes}\r\n\r\n`);
        socket.write(sent);
      }
      try {
        await until(() => answers.length > 0);
        for (const answer of answers) assert.match(answer, /^HTTP\/1\.1 503 .*\r\n/);
        assert.match(await injector.metrics(), /review_total\{result="failed",reason="Busy",mode=""\} [1-9]/);
        assert.equal((await send('/mutate', reviewOf(pod()))).json.response.allowed, true);
      } finally {
        for (const socket of sockets) socket.destroy();
      }
      const large = pod({ container: { args: ['x'.repeat(3 * 1024 * 1024)] } });
      await until(async () => (await send('/mutate', reviewOf(large))).status === 200);
    });

    test('and sends large ones faster than they are checked is told the same', {
      timeout: 30_000,
    }, async () => {
      const gate = Promise.withResolvers<SpecFindings>();
      const turns = new CountedTurns();
      const own = await startInjector({ checkSpecs: () => gate.promise, turns });
      const labels = { 'agent.external-secrets.io/specs': 'true' };
      const binaryData = { 'large.bin': 'x'.repeat(limits.reviewBytes - 2_000) };
      const data = { 'a.yaml': '# none' };
      const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm', labels }, data, binaryData };
      const validate = () =>
        send('/validate', reviewOf(map), { port: own.port, ca: own.ca.cert, agent: false });
      try {
        const first = validate();
        await until(() => turns.count === 1);
        const second = validate();
        await until(() => turns.count === 2);
        assert.equal((await validate()).status, 503);
        gate.resolve({ faults: [], advice: [] });
        assert.deepEqual([(await first).status, (await second).status], [200, 200]);
        assert.equal((await validate()).status, 200);
      } finally {
        await own.close();
      }
    });

    test('and goes away in the middle is nothing to cry about', async () => {
      const told: object[] = [];
      const log: Log = { ...silentLog, error: (fields: object) => told.push(fields) };
      const own = await startInjector({}, log);
      const socket = connect({ host: '127.0.0.1', port: own.port, ca: own.ca.cert });
      await once(socket, 'secureConnect');
      socket.write('POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{', () =>
        socket.destroy(),
      );
      await once(socket, 'close');
      await own.close();
      assert.deepEqual(told, []);
    });

    test('and sends what is small and grows is refused before it is read', async () => {
      const deep = '['.repeat(limits.reviewUsualBytes + 1);
      const wide = `[${'{},'.repeat(limits.reviewValueCount / 2)}{}]`;
      for (const body of [deep, wide]) {
        const { status, text } = await send('/mutate', body);
        assert.deepEqual(
          [status, text],
          [400, 'the body has more values, or nests deeper, than any object\n'],
        );
      }
      // In texts they are letters, whatever stands before them.
      const args = [',[{'.repeat(limits.reviewValueCount), '\\', '"\\",', ',['.repeat(limits.reviewDepth)];
      const { json } = await send('/mutate', reviewOf(pod({ container: { args } })));
      assert.equal(json.response.allowed, true);
    });

    test('and nests an object thousands deep is refused', async () => {
      const depth = limits.reviewDepth - 10;
      const nested = `${'['.repeat(depth)}${']'.repeat(depth)}`;
      const object = `{"apiVersion":"external-secrets.io/v1","kind":"ExternalSecret","spec":{"x":${nested}}}`;
      for (const more of ['', `"oldObject":${object},`]) {
        const body = JSON.stringify(reviewOf({})).replace('"object":{}', `${more}"object":${object}`);
        const { json } = await send('/validate', body);
        assert.match(json.response.status.message, /^SpecInvalid: the object is nested too deeply/);
      }
      const { json } = await send('/mutate', JSON.stringify(reviewOf(pod())).replace('"app:1"', nested));
      assert.equal(json.response.allowed, true);
    });

    test('and writes more specs than the webhook has time for is told to write less', async () => {
      const map = (text: string) => ({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'm', labels: { 'agent.external-secrets.io/specs': 'true' } },
        data: { 'a.yaml': text },
      });
      const { json } = await send('/validate', reviewOf(map(`# ${'x'.repeat(limits.reviewSpecBytes)}`)));
      assert.match(json.response.status.message, /^SpecInvalid: specs of 262146 bytes .* several ConfigMaps/);
      const many = await send('/validate', reviewOf(map(`[${'1,'.repeat(limits.reviewSpecLines)}1,1]`)));
      assert.match(many.json.response.status.message, /^SpecInvalid: specs of 20001 lines or list elements/);
      const inline = pod({ annotations: { spec: `${'\n'.repeat(limits.reviewSpecLines + 1)}x` } });
      const pods = await send('/mutate', reviewOf(inline));
      assert.match(pods.json.response.status.message, /^SpecInvalid: specs of 20001 lines/);
      const data = Object.fromEntries([['x', 'x'.repeat(limits.reviewSpecBytes)]]);
      const large = (kind: string) => ({
        apiVersion: 'external-secrets.io/v1',
        kind,
        metadata: { name: 'l' },
        spec: { target: { template: { data } } },
      });
      const theirs = (await send('/validate', reviewOf(large('ExternalSecret')))).json.response;
      assert.equal(theirs.allowed, true);
      assert.match(theirs.warnings.join(), /specs of \d+ bytes/);
      const store = (await send('/validate', reviewOf(large('SecretStore')))).json.response;
      assert.equal(store.allowed, false, 'a policy may be about stores');
    });
  });

  describe('/validate', () => {
    const store = (provider: object, more: object = {}) => ({
      apiVersion: 'external-secrets.io/v1',
      kind: 'SecretStore',
      metadata: { name: 's', namespace: 'apps', ...more },
      spec: { provider },
    });
    const verdict = async (object: object) => (await send('/validate', reviewOf(object))).json.response;
    const externalSecret = (spec: object = {}) => ({
      apiVersion: 'external-secrets.io/v1',
      kind: 'ExternalSecret',
      metadata: { name: 'db', namespace: 'apps' },
      spec: {
        secretStoreRef: { name: 'elsewhere' },
        data: [{ secretKey: 'a', remoteRef: { key: 'b' } }],
        ...spec,
      },
    });

    test('objects that are right pass, stores of theirs being elsewhere', async () => {
      assert.deepEqual(await verdict(store({ fake: { data: [] } })), { uid: 'u-1', allowed: true });
      assert.deepEqual(await verdict(externalSecret()), { uid: 'u-1', allowed: true });
    });

    test('objects that check would refuse are refused in its words, without lines that nobody wrote', async () => {
      const { allowed, status } = await verdict(externalSecret({ refreshIntervall: '1h' }));
      assert.equal(allowed, false);
      assert.match(
        status.message,
        /^ExternalSecret\/db: spec\.refreshIntervall: SpecInvalid: .*refreshInterval/,
      );
      const bad = await verdict(externalSecret({ target: { template: { data: { url: '{{ .a' } } } }));
      assert.match(bad.status.message, /TemplateFailed/);
    });

    test('what ESO may use, and this version cannot, is warned of', async () => {
      const { allowed, warnings } = await verdict(store({ gcpsm: { projectID: 'p' } }));
      assert.equal(allowed, true);
      assert.match(warnings[0], /not supported by this version: spec\.provider\.gcpsm/);
    });

    test('stores of other controllers and objects of other groups are not ours', async () => {
      const foreign = store({ fake: { data: 1 } });
      assert.equal(
        (await verdict({ ...foreign, spec: { ...foreign.spec, controller: 'other' } })).allowed,
        true,
      );
      assert.equal(
        (
          await verdict({
            ...foreign,
            apiVersion: 'secrets-store.csi.x-k8s.io/v1',
            kind: 'SecretProviderClass',
          })
        ).allowed,
        true,
      );
    });

    test('plain http and a short interval are worth a warning', async () => {
      const http = store({
        vault: { server: 'http://vault:8200', path: 'kv', auth: { tokenSecretRef: { name: 'a', key: 'b' } } },
      });
      const said = await verdict(http);
      assert.equal(said.allowed, true, said.status?.message);
      assert.match(said.warnings.join(), /vault:8200 would be reached over plain http/);
      assert.match(
        (await verdict(externalSecret({ refreshInterval: '1m' }))).warnings.join(),
        /reads its stores each 1m/,
      );
    });

    test('what is being deleted, or says what it said before, is not stopped by specs older than the webhook', async () => {
      const update = async (before: Loose, now: Loose) =>
        (await send('/validate', reviewOf(now, { operation: 'UPDATE', oldObject: before }))).json.response;
      const bad = externalSecret({ refreshIntervall: '1h' }) as Loose;
      const kept = { ...bad, metadata: { ...bad.metadata, resourceVersion: '7', labels: { a: 'b' } } };
      assert.deepEqual(await update(bad, kept), { uid: 'u-1', allowed: true });
      const ending = { ...bad.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' };
      assert.equal((await update(externalSecret(), { ...bad, metadata: ending })).allowed, true);
      assert.equal((await update(externalSecret(), bad)).allowed, false, 'newly wrong');
      const otherwise = externalSecret({ refreshIntervall: '2h' });
      assert.equal((await update(bad, otherwise)).allowed, false, 'wrong in another way');
      const annotations = { 'agent.external-secrets.io/format': 'tar' };
      const right = externalSecret() as Loose;
      const annotated = { ...right, metadata: { ...right.metadata, annotations } };
      assert.equal(
        (await update(right, annotated)).allowed,
        false,
        'an annotation of ours is part of the spec',
      );
      const map = (labels: object, text: string) => ({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'm', labels },
        data: { 'a.yaml': text },
      });
      const specs = { 'agent.external-secrets.io/specs': 'true' };
      assert.equal((await update(map(specs, 'x: ['), map({ ...specs, a: 'b' }, 'x: ['))).allowed, true);
      assert.equal((await update(map({}, 'x: ['), map(specs, 'x: ['))).allowed, false, 'newly labelled');
    });

    test('a ConfigMap without a spec in it is refused, one that needs another is warned of', async () => {
      const map = (data: object) => ({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'm', labels: { 'agent.external-secrets.io/specs': 'true' } },
        data,
      });
      assert.match(
        (await verdict(map({ readme: 'x' }))).status.message,
        /ConfigMap\/m: SpecInvalid: the ConfigMap holds no spec file/,
      );
      assert.match(
        (await verdict(map({ 'a.yaml': '' }))).status.message,
        /a\.yaml: SpecInvalid: the file is empty/,
      );
      const { warnings } = await verdict(map({ 'a.json': JSON.stringify(externalSecret()) }));
      assert.match(warnings.join(), /SecretStore\/elsewhere is not in this ConfigMap/);
    });

    test('with the policy, TLS is required', async () => {
      const { specFindings } = await import('../../agent/spec-findings.ts');
      const text = JSON.stringify(
        store({
          vault: {
            server: 'http://vault:8200',
            path: 'kv',
            auth: { tokenSecretRef: { name: 'a', key: 'b' } },
          },
        }),
      );
      const files = readNow([{ path: 's', text }]);
      const { faults } = await specFindings(files, 'apps', {
        requireTls: true,
        storesAllow: [],
      });
      assert.match(faults[0]?.message ?? '', /plain http/);
      const allowed = await specFindings(files, 'apps', {
        requireTls: false,
        storesAllow: ['other'],
      });
      assert.match(allowed.faults[0]?.message ?? '', /not among the hosts of --stores-allow/);
    });
  });

  describe('certificates', () => {
    test('a new one serves new connections, and open ones go on', async () => {
      const before = await send('/mutate', reviewOf(pod()));
      injector.rotate(injector.ca.issue({ names: ['127.0.0.1'] }));
      const kept = await send('/mutate', reviewOf(pod()));
      const fresh = await send('/mutate', reviewOf(pod()), { agent: false });
      assert.equal(kept.status, 200);
      assert.notEqual(fresh.fingerprint, before.fingerprint);
    });

    test('one that does not fit its key is not used', async () => {
      const { fingerprint } = await send('/mutate', reviewOf(pod()), { agent: false });
      injector.rotate({ cert: injector.ca.issue({ names: ['127.0.0.1'] }).cert, key: 'nonsense' });
      assert.equal((await send('/mutate', reviewOf(pod()), { agent: false })).fingerprint, fingerprint);
      assert.equal(injector.ready, true);
    });

    test('files are read again, a pair at a time', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'tls-'));
      const [certFile, keyFile] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
      const ca = authority('Files CA');
      const [first, second] = [ca.issue({ names: ['a'] }), ca.issue({ names: ['b'] })];
      const clock = new ManualClock();
      const errors: string[] = [];
      const log: Log = { ...silentLog, error: (fields: Loose) => errors.push(fields.err.message) };
      try {
        await assert.rejects(openTlsFiles({ certFile, keyFile, clock, log }), /cannot be read: ENOENT/);
        await Promise.all([writeFile(certFile, first.cert), writeFile(keyFile, second.key)]);
        await assert.rejects(
          openTlsFiles({ certFile, keyFile, clock, log }),
          /the key is not that of the certificate/,
        );
        await writeFile(keyFile, first.key);
        const files = await openTlsFiles({ certFile, keyFile, clock, log });
        let changes = 0;
        files.onTlsChange(() => changes++);
        await writeFile(certFile, second.cert);
        await clock.advance(limits.tlsPollMs);
        await until(() => errors.length === 1 && clock.sleeping > 0);
        assert.equal(files.tls()?.cert, first.cert);
        await writeFile(keyFile, second.key);
        await clock.advance(limits.tlsPollMs);
        await until(() => changes === 1);
        assert.equal(files.tls()?.cert, second.cert);
        await files.close();
      } finally {
        await rm(folder, { recursive: true });
      }
    });
  });

  test('at its end what is asked is answered, and new connections are not taken', async () => {
    const own = await startInjector();
    own.drain();
    assert.equal(own.ready, false);
    await own.close();
    await assert.rejects(send('/mutate', '', { port: own.port, agent: false }), /ECONNREFUSED/);
  });
});
