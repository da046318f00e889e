import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { startFaultProxy } from '../peers/fault-proxy.ts';
import { motoMissing, startMoto } from '../peers/moto.ts';
import type { Vault } from '../peers/vault.ts';
import { start } from './contender.ts';
import {
  type AppRole,
  agent,
  entryOf,
  externalSecret,
  nameOf,
  numbers,
  object,
  vaultStore,
} from './contenders.ts';
import type { Table } from './record.ts';

const keys = numbers(3);
const entriesOfKey = numbers(10);

/** What a store is asked for 30 entries over 3 of its keys: requests by what they ask, logins aside. */
export async function countRequests(vault: Vault, role: AppRole, entry: string): Promise<Table> {
  const lines = [['HashiCorp Vault', await requestsToVault(vault, role, entry)]];
  const noMoto = motoMissing();
  lines.push([
    'AWS Secrets Manager',
    noMoto === false ? await requestsToAws(entry) : `not measured: ${noMoto}`,
  ]);
  return [['store', 'requests for 30 entries over 3 keys'], ...lines];
}

async function requestsToVault(vault: Vault, role: AppRole, entry: string): Promise<string> {
  const proxy = await startFaultProxy(vault.url);
  try {
    await deliver(entry, { store: 'vault', documents: vaultStore(proxy.url, role), prefix: 'bench/' });
    return `${proxy.count(/\/v1\/secret\/data\//)}`;
  } finally {
    await proxy.close();
  }
}

async function requestsToAws(entry: string): Promise<string> {
  const moto = await startMoto();
  const proxy = await startFaultProxy(moto.url);
  try {
    const credentials = { accessKeyId: 'ADMIN', secretAccessKey: 'admin' };
    const admin = new SecretsManagerClient({ endpoint: moto.url, region: 'eu-west-1', credentials });
    for (const i of keys)
      await admin.send(new CreateSecretCommand({ Name: nameOf(i), SecretString: '{"value": "v"}' }));
    admin.destroy();
    const secretRef = {
      accessKeyIDSecretRef: { name: 'aws', key: 'id' },
      secretAccessKeySecretRef: { name: 'aws', key: 'secret' },
    };
    const aws = { service: 'SecretsManager', region: 'eu-west-1', auth: { secretRef } };
    const documents = [
      { ...object('SecretStore', 'aws'), spec: { provider: { aws } } },
      { ...object('Secret', 'aws', 'v1'), stringData: { id: 'AKIAEXAMPLE', secret: 'none' } },
    ];
    const env = { AWS_ENDPOINT_URL: proxy.url };
    await deliver(entry, { store: 'aws', documents, prefix: '', env });
    return `${proxy.seen.length}`;
  } finally {
    await proxy.close();
    await moto.stop();
  }
}

/** One start, until all is delivered. */
async function deliver(
  entry: string,
  from: {
    readonly store: string;
    readonly documents: readonly object[];
    readonly prefix: string;
    readonly env?: Readonly<Record<string, string>>;
  },
): Promise<void> {
  const names = keys.flatMap((key) => entriesOfKey.map((i) => ({ key, name: `${nameOf(key)}-${i}` })));
  const data = names.map(({ key, name }) => entryOf(name, `${from.prefix}${nameOf(key)}`));
  const contender = agent({
    name: from.store,
    entry,
    specs: () => [...from.documents, externalSecret('app', { secretStoreRef: { name: from.store }, data })],
    files: () => names.map(({ name }) => ({ path: `app/${name}`, text: undefined })),
    ...(from.env && { env: from.env }),
  });
  await (await start(contender, names.length)).stop();
}
