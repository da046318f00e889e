import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import {
  CreateSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { Sidecar } from '../agent/sidecar.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { type Moto, motoMissing, startMoto } from './moto.ts';
import { until } from './process.ts';

const store = `
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: aws}
spec: {provider: {aws: {service: SecretsManager, region: eu-west-1}}}
---
`;

function externalSecret(name: string, entries: readonly string[], refreshInterval = '1s'): string {
  return `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: ${name}}
spec:
  refreshInterval: ${refreshInterval}
  secretStoreRef: {name: aws}
  data:
${entries.map((entry) => `  - ${entry}`).join('\n')}
---
`;
}

/** moto checks neither tokens nor IAM: what AWS would refuse is put in by the proxy. */
describe('the agent beside the AWS API', { skip: motoMissing() }, () => {
  let moto: Moto;
  let proxy: FaultProxy;
  let admin: SecretsManagerClient;
  let agent: Sidecar | undefined;

  before(async () => {
    moto = await startMoto();
    proxy = await startFaultProxy(moto.url);
    admin = new SecretsManagerClient({
      endpoint: moto.url,
      region: 'eu-west-1',
      credentials: { accessKeyId: 'ADMIN', secretAccessKey: 'admin' },
    });
    for (const name of ['one', 'two', 'three']) {
      await admin.send(
        new CreateSecretCommand({ Name: name, SecretString: JSON.stringify({ a: name, b: name }) }),
      );
    }
  });
  after(async () => {
    await agent?.remove();
    admin?.destroy();
    await proxy?.close();
    await moto?.stop();
  });

  const start = async (specs: string, env: Record<string, string> = {}): Promise<Sidecar> => {
    await agent?.remove();
    proxy.heal();
    agent = await Sidecar.prepare({ 'all.yaml': store + specs });
    const tokenFile = agent.path('tokens', 'web-identity');
    await writeFile(tokenFile, 'a.web.identity');
    const irsa = {
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/app',
      AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile,
    };
    const endpoints = { AWS_ENDPOINT_URL: proxy.url };
    const { root } = agent;
    agent = await Sidecar.at(root, { env: { ...endpoints, ...irsa, ...env } });
    await agent.start();
    return agent;
  };

  it('thirty entries over three keys are one batch, logged in once by IRSA', async () => {
    const entries = ['one', 'two', 'three'].flatMap((key) =>
      Array.from({ length: 10 }, (_, i) => `{secretKey: ${key}${i}, remoteRef: {key: ${key}, property: a}}`),
    );
    const sidecar = await start(externalSecret('many', entries, '1h'));
    await until(async () => (await sidecar.keys('many')).length === 30);
    const { BatchGetSecretValue, GetSecretValue, AssumeRoleWithWebIdentity } = proxy.counts();
    assert.deepEqual([BatchGetSecretValue, GetSecretValue, AssumeRoleWithWebIdentity], [1, undefined, 1]);
  });

  it('a rotation reaches the file within one interval', async () => {
    const sidecar = await start(externalSecret('db', ['{secretKey: a, remoteRef: {key: one, property: a}}']));
    await until(async () => (await sidecar.text('db', 'a')) === 'one');
    await admin.send(new PutSecretValueCommand({ SecretId: 'one', SecretString: '{"a":"rotated"}' }));
    await until(async () => (await sidecar.text('db', 'a')) === 'rotated', 1_500);
  });

  it('throttling and denial leave the files and are told apart', async () => {
    const sidecar = await start(externalSecret('db', ['{secretKey: a, remoteRef: {key: two, property: a}}']));
    await until(async () => (await sidecar.text('db', 'a')) === 'two');
    const fault = (type: string) => ({
      kind: 'answer' as const,
      status: 400,
      headers: { 'content-type': 'application/x-amz-json-1.1' },
      body: { __type: type, message: 'no' },
    });
    proxy.fail({ on: 'GetSecretValue', fault: fault('ThrottlingException') });
    await until(async () => (await sidecar.target('db'))['code'] === 'Throttled');
    proxy.fail({ on: 'GetSecretValue', fault: fault('AccessDeniedException') });
    await until(async () => (await sidecar.target('db'))['code'] === 'Denied', 15_000);
    assert.equal(await sidecar.text('db', 'a'), 'two');
    assert.equal((await sidecar.get('/readyz')).status, 200);
    proxy.heal();
    await until(async () => (await sidecar.target('db'))['state'] === 'synced', 20_000);
  });
});
