import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import type { AgentError } from '../../src/base/errors.ts';
import { limits } from '../../src/base/limits.ts';
import { Secret } from '../../src/base/secret.ts';
import { type Kube, openKube, openKubeAt } from '../../src/kube/client.ts';
import { isConflict } from '../../src/kube/fault.ts';
import { type KubeObject, secretIn } from '../../src/kube/resource.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { apiServerPrograms } from '../peers/apiserver.ts';
import { type FaultProxy, startFaultProxy } from '../peers/fault-proxy.ts';
import { missing } from '../peers/process.ts';
import { Cluster, Counted, drive, namespace, pod } from './cluster.ts';

const { signal } = new AbortController();
const path = `/api/v1/namespaces/${namespace}/secrets`;

describe('the client when the API server has trouble', {
  skip: missing('kubernetes', apiServerPrograms),
}, () => {
  let cluster: Cluster;
  let proxy: FaultProxy;
  let clock: ManualClock;
  let kube: Kube;
  let counted: Counted;

  before(async () => {
    cluster = await Cluster.start();
    const verbs = ['get', 'list', 'patch', 'create', 'delete'];
    await cluster.allow({ apiGroups: [''], resources: ['secrets'], verbs });
    proxy = await startFaultProxy(cluster.api.url, { ca: cluster.api.ca });
    clock = new ManualClock();
    kube = openKubeAt({ server: proxy.url, token: async () => Secret.of(cluster.token) }, clock);
    counted = new Counted(kube);
    await cluster.make('db', { key: 'v1' });
  });
  afterEach(() => {
    proxy.heal();
    proxy.forget();
  });
  after(async () => {
    await kube.close();
    await proxy.close();
    await cluster.stop();
  });

  /** The result of a call whose pauses are the clock's, and how much of its time it took. */
  const timed = async <T>(work: Promise<T>): Promise<{ result: T; tookMs: number }> => {
    const began = clock.monotonic();
    let done = false;
    const end = () => {
      done = true;
    };
    work.then(end, end);
    // The proxy answers in real time, within which the clock stands still unless somebody sleeps on it.
    await drive(clock, [], async () => {
      if (clock.sleeping === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      return done;
    });
    return { result: await work, tookMs: clock.monotonic() - began };
  };
  const db = secretIn(namespace, 'db');
  const object = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db' }, data: { key: 'djI=' } };
  const get = `GET ${path}/db`;
  const patch = `PATCH ${path}/db`;

  test('429 is tried again after the pause that it asks for', async () => {
    proxy.fail({
      on: get,
      times: 2,
      fault: { kind: 'answer', status: 429, headers: { 'retry-after': '3' } },
    });
    const { result, tookMs } = await timed(counted.kube.get(db, signal));
    assert.equal(result?.metadata.name, 'db');
    assert.equal(proxy.count(get), 3);
    assert.equal(tookMs, 6_000);
  });

  test('a pause too long is left to the loop, with its length', async () => {
    proxy.fail({ on: get, fault: { kind: 'answer', status: 429, headers: { 'retry-after': '60' } } });
    await assert.rejects(timed(counted.kube.get(db, signal)), { code: 'Throttled', retryAfterMs: 60_000 });
    assert.equal(proxy.count(get), 1);
  });

  for (const status of [500, 502, 503, 504]) {
    test(`${status} is tried again, a few times`, async () => {
      proxy.fail({ on: patch, fault: { kind: 'answer', status, body: 'upstream secret text' } });
      const apply = counted.kube.apply(db, object, { fieldManager: 'test', force: true, signal });
      await assert.rejects(timed(apply), (error: AgentError) => {
        assert.equal(error.code, 'Unavailable');
        assert.equal(error.message, `the API server answers ${status}`);
        return true;
      });
      assert.equal(proxy.count(patch), limits.kubeAttempts);
    });
  }

  test('a cut connection is tried again, but for a create, which may have happened', async () => {
    proxy.fail({ on: get, times: 1, fault: { kind: 'reset' } });
    assert.equal((await timed(counted.kube.get(db, signal))).result?.metadata.name, 'db');
    const post = `POST ${path}`;
    proxy.fail({ on: post, times: 1, fault: { kind: 'reset' } });
    const made = counted.kube.create(secretIn(namespace), { metadata: { name: 'made' } }, signal);
    await assert.rejects(timed(made), { code: 'Unavailable' });
    assert.equal(proxy.count(post), 1);
  });

  test('409 is told at once: what to do is not for the client to know', async () => {
    const stale = { ...object, metadata: { name: 'db', resourceVersion: '1' } };
    const apply = counted.kube.apply(db, stale, { fieldManager: 'test', force: true, signal });
    await assert.rejects(timed(apply), isConflict);
    assert.equal(proxy.count(patch), 1);
    const made = counted.kube.create(secretIn(namespace), { metadata: { name: 'db' } }, signal);
    await assert.rejects(timed(made), isConflict);
  });

  test("a conflict with another's fields names them both, and no value", async () => {
    const apply = counted.kube.apply(db, object, { fieldManager: 'test', signal });
    await assert.rejects(timed(apply), (error: AgentError) => {
      assert.ok(isConflict(error));
      assert.match(error.message, /^\.data\.key of secrets\/db in namespace apps belong to \S+$/);
      return true;
    });
  });

  test('a list that grew too old (410) is begun anew; every page is in it once', async () => {
    for (let i = 0; i < 3; i++)
      await cluster.make(`listed-${i}`, {}, { metadata: { labels: { list: 'a' } } });
    let pages = 0;
    // The real server's page size is ours; here its continue token is broken after a first page.
    proxy.fail({
      on: (seen) => seen.path.includes('list') && ++pages === 1,
      fault: {
        kind: 'rewrite',
        change: (answer) => {
          const list = JSON.parse(answer.body.toString());
          const items = list.items.slice(0, 1);
          const body = { ...list, items, metadata: { ...list.metadata, continue: 'old' } };
          return { ...answer, body: Buffer.from(JSON.stringify(body)) };
        },
      },
    });
    proxy.fail({
      on: (seen) => seen.path.includes('continue=old'),
      fault: { kind: 'answer', status: 410, body: { kind: 'Status', reason: 'Expired' } },
    });
    const work = counted.kube.list<KubeObject>(secretIn(namespace), { labelSelector: 'list=a' }, signal);
    const { result } = await timed(work);
    assert.deepEqual(
      result.map(({ metadata }) => metadata.name),
      ['listed-0', 'listed-1', 'listed-2'],
    );
    assert.equal(pages, 2);
  });

  test('more than may be listed is an error, not a part', async () => {
    const work = counted.kube.list(secretIn(namespace), { maxCount: 1 }, signal);
    await assert.rejects(timed(work), { code: 'DecodeFailed' });
  });

  test('absence is proven by a Status of the object alone', async () => {
    assert.equal((await timed(counted.kube.get(secretIn(namespace, 'no'), signal))).result, undefined);
    const unknown = { group: 'example.com', version: 'v1', resource: 'things', namespace, name: 'db' };
    await cluster.api.bind('cluster-admin', pod);
    await assert.rejects(timed(counted.kube.get(unknown, signal)), {
      code: 'Unavailable',
      message: 'the API server does not know things of example.com/v1',
    });
    proxy.fail({ on: get, fault: { kind: 'answer', status: 404, body: 'nginx' } });
    await assert.rejects(timed(counted.kube.get(db, signal)), { code: 'Unavailable' });
  });

  test('what the server says of a value is not repeated', async () => {
    const canary = 'CANARY-value';
    const wrong = { ...object, metadata: { name: 'bad key' }, data: { key: canary } };
    for (const work of [
      counted.kube.create(secretIn(namespace), wrong, signal),
      counted.kube.apply(
        db,
        { ...object, data: { key: canary } },
        { fieldManager: 'x', force: true, signal },
      ),
    ])
      await assert.rejects(timed(work), (error: AgentError) => {
        assert.ok(!JSON.stringify([error.message, error.remedy, error.cause]).includes(canary));
        return true;
      });
  });

  test('an answer that is no JSON is not quoted', async () => {
    proxy.fail({ on: get, fault: { kind: 'answer', status: 200, body: '{"data": CANARY' } });
    await assert.rejects(timed(counted.kube.get(db, signal)), (error: AgentError) => {
      assert.equal(error.code, 'DecodeFailed');
      assert.ok(!String(error.stack).includes('CANARY'));
      return true;
    });
  });

  describe('credentials', () => {
    let folder: string;
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'esa-kube-'));
    });
    after(async () => await rm(folder, { recursive: true, force: true }));

    test('as the kubelet mounts them; a token or CA that is replaced is used by the next request', async () => {
      const { api, token } = cluster;
      await writeFile(join(folder, 'ca.crt'), api.ca);
      await writeFile(join(folder, 'namespace'), namespace);
      await writeFile(join(folder, 'token'), 'old');
      const env = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(api.port) };
      const own = await openKube({ env, clock, serviceAccountDir: folder });
      assert.equal(own.namespace, namespace);
      await assert.rejects(own.get(db, signal), { code: 'AuthFailed' });
      await writeFile(join(folder, 'token'), `${token}\n`);
      assert.equal((await own.get(db, signal))?.metadata.name, 'db');
      await writeFile(join(folder, 'ca.crt'), 'none');
      await assert.rejects(own.get(db, signal, { attempts: 1 }), { code: 'Unavailable' });
      await writeFile(join(folder, 'ca.crt'), api.ca);
      assert.equal((await own.get(db, signal))?.metadata.name, 'db');
      await rm(join(folder, 'token'));
      await assert.rejects(own.get(db, signal), {
        code: 'AuthFailed',
        remedy: 'set automountServiceAccountToken: true on the pod',
      });
      await own.close();
    });

    const config = (user: object, more: object = {}) => ({
      'current-context': 'here',
      clusters: [{ name: 'c', cluster: { server: cluster.api.url, 'certificate-authority': 'ca.crt' } }],
      contexts: [{ name: 'here', context: { cluster: 'c', user: 'u', namespace: 'apps' } }],
      users: [{ name: 'u', user }],
      ...more,
    });
    const written = async (content: object | string): Promise<Kube> => {
      const file = join(folder, 'kubeconfig');
      await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
      return await openKube({ env: { KUBECONFIG: file }, clock });
    };

    test('by KUBECONFIG: token, token file, client certificate', async () => {
      const { api, token } = cluster;
      await writeFile(join(folder, 'a-token'), token);
      const data = (text: string) => Buffer.from(text).toString('base64');
      const cert = {
        'client-certificate-data': data(api.admin.cert),
        'client-key-data': data(api.admin.key),
      };
      for (const user of [{ token }, { tokenFile: 'a-token' }, cert]) {
        const own = await written(config(user));
        assert.equal((await own.get(db, signal))?.metadata.name, 'db');
        assert.equal(own.namespace, 'apps');
        await own.close();
      }
      const admin = await openKube({ env: { KUBECONFIG: `/nowhere:${api.kubeconfig}` }, clock });
      assert.equal((await admin.get(db, signal))?.metadata.name, 'db');
      await admin.close();
    });

    test('what a kubeconfig asks for and cannot have is refused by name', async () => {
      const refused: [object | string, RegExp][] = [
        [config({ 'auth-provider': { name: 'gcp' } }), /^auth-provider of user u/],
        [config({ username: 'u', password: 'CANARY' }), /^username of user u/],
        [config({ token: 'x' }, { 'current-context': 'there' }), /no context "there"/],
        [config({ token: 'x' }, { 'current-context': undefined }), /no current-context/],
        [config({ token: 'x' }, { users: [] }), /no user "u"/],
        [
          config({}, { clusters: [{ name: 'c', cluster: { server: 'http://10.0.0.1' } }] }),
          /is not an https URL/,
        ],
        [
          config(
            {},
            { clusters: [{ name: 'c', cluster: { server: 'https://x', 'insecure-skip-tls-verify': true } }] },
          ),
          /^insecure-skip-tls-verify of cluster c/,
        ],
        ["a: 'CANARY", /^the kubeconfig is not valid YAML$/],
      ];
      for (const [content, message] of refused) {
        await assert.rejects(written(content), (error: AgentError) => {
          assert.equal(error.code, 'SpecInvalid');
          assert.match(error.message, message);
          assert.ok(!String(error.stack).includes('CANARY'));
          return true;
        });
      }
      await assert.rejects(openKube({ env: {}, clock }), { code: 'AuthFailed' });
    });
  });
});
