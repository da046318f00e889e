/**
 * Makes expected.json anew: what External Secrets Operator itself does with each target. Needs its controller as
 * `external-secrets` on PATH, with kube-apiserver and etcd (`.ci/tools`).
 */
import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Cluster, namespace } from '../../kube/cluster.ts';
import { startEso } from '../../peers/eso.ts';
import { until } from '../../peers/process.ts';
import { held, type Row, rows } from '../../sinks/policy-rows.ts';

const group = `/apis/external-secrets.io/v1/namespaces/${namespace}`;
/** It writes nothing more after this. */
const settleMs = 5_000;
const atOnce = 8;

/** Its fake store says yes or no, and creationPolicy CreateOrMerge came later than the version that is built. */
const asked = rows.filter(
  ({ creation, state, answer }) =>
    (answer === 'value' || answer === 'absent') &&
    state !== 'eso' &&
    creation !== 'CreateOrMerge' &&
    !(creation === 'None' && state === 'ours'),
);

const cluster = await Cluster.start();
const eso = await startEso(cluster.api, 8);
const expected: Record<string, object> = {};
try {
  await cluster.api.create(`${group}/secretstores`, {
    metadata: { name: 'fake' },
    apiVersion: 'external-secrets.io/v1',
    kind: 'SecretStore',
    spec: {
      provider: {
        fake: {
          data: [
            { key: 'new', value: 'new' },
            { key: 'old', value: 'old' },
          ],
        },
      },
    },
  });
  const queue = [...asked];
  const worker = async (): Promise<void> => {
    for (let row = queue.shift(); row !== undefined; row = queue.shift()) expected[row.name] = await ask(row);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
} finally {
  await eso.stop();
  await cluster.stop();
}
const sorted = Object.fromEntries(Object.entries(expected).sort(([a], [b]) => (a < b ? -1 : 1)));
await writeFile(new URL('expected.json', import.meta.url), `${JSON.stringify(sorted, null, 2)}\n`);

async function ask(row: Row): Promise<object> {
  await prepare(row);
  const path = `${group}/externalsecrets/${row.name}`;
  const object = externalSecret(row, row.answer === 'value' ? 'new' : 'nope');
  if (row.state !== 'ours') await cluster.api.create(`${group}/externalsecrets`, object);
  else await cluster.api.call('PATCH', path, { body: object, contentType: 'application/merge-patch+json' });
  await until(async () => (await conditionOf(row)) !== undefined, 30_000, 100);
  await delay(settleMs);
  const { status, reason, message } = (await conditionOf(row))!;
  return { data: (await cluster.data(row.name)) ?? null, status, reason, message };
}

async function prepare(row: Row): Promise<void> {
  const data = held[row.state];
  if (row.state === 'ours') {
    if (row.creation === 'Merge') await cluster.make(row.name, { extra: 'hand' });
    await cluster.api.create(`${group}/externalsecrets`, externalSecret(row, 'old'));
    await until(async () => (await cluster.data(row.name))?.['key'] === 'old', 30_000, 100);
    await until(async () => (await conditionOf(row)) !== undefined, 30_000, 100);
  } else if (row.state === 'foreign') {
    const statefulSet = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: row.name, uid: 's-1' };
    const metadata = { ownerReferences: [{ ...statefulSet, controller: true }] };
    await cluster.make(row.name, data!, { metadata });
  } else if (data !== undefined) {
    await cluster.make(row.name, data, row.state === 'immutable' ? { immutable: true } : {});
  }
}

function externalSecret({ name, creation, deletion }: Row, key: string): object {
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    metadata: { name },
    spec: {
      refreshInterval: '1h',
      secretStoreRef: { name: 'fake' },
      target: { creationPolicy: creation, deletionPolicy: deletion },
      data: [{ secretKey: 'key', remoteRef: { key } }],
    },
  };
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

async function conditionOf({ name }: Row): Promise<Condition | undefined> {
  const { json } = await cluster.api.call('GET', `${group}/externalsecrets/${name}`);
  return (json.status?.conditions as readonly Condition[] | undefined)?.find(({ type }) => type === 'Ready');
}
