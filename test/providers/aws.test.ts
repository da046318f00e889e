import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { AgentError, type Code } from '../../src/base/errors.ts';
import { limits } from '../../src/base/limits.ts';
import type { AwsConfig } from '../../src/providers/aws-config.ts';
import { openSecretsManager } from '../../src/providers/aws-secrets-manager.ts';
import type { Client } from '../../src/providers/provider.ts';
import { type Fault, type FaultProxy, startFaultProxy } from '../peers/fault-proxy.ts';
import { type Moto, motoMissing, startMoto } from '../peers/moto.ts';
import { until } from '../peers/process.ts';
import {
  account,
  admin,
  assertNoCanary,
  canary,
  failureOf,
  find,
  mapOf,
  open,
  read,
  shown,
  signal,
  storeOf,
  textOf,
  type World,
  type WorldOptions,
  world,
} from './aws-world.ts';

const keys = { AWS_ACCESS_KEY_ID: 'AKIAPOD', AWS_SECRET_ACCESS_KEY: `${canary}-key` };
const blob = Buffer.from(Array.from({ length: 256 }, (_, i) => i));

describe('AWS Secrets Manager (moto)', { skip: motoMissing() }, () => {
  let moto: Moto;
  let proxy: FaultProxy;
  let sm: SecretsManagerClient;
  let opened: { client: Client; world: World }[] = [];

  before(async () => {
    moto = await startMoto();
    proxy = await startFaultProxy(moto.url);
    sm = admin(moto.url);
  });

  after(async () => {
    sm.destroy();
    await proxy.close();
    await moto.stop();
  });

  beforeEach(async () => {
    await moto.reset();
    proxy.heal();
    proxy.forget();
  });

  afterEach(async () => {
    for (const { client, world } of opened) {
      await client.close?.({ revoke: false });
      assertNoCanary(world.logged.join('\n'));
      assertNoCanary(shown([...world.memory]));
    }
    opened = [];
  });

  async function connect(
    provider: object = {},
    options: WorldOptions = {},
  ): Promise<{ client: Client; world: World }> {
    const env = { ...keys, AWS_ENDPOINT_URL: proxy.url, ...options.env };
    const around = world({ ...options, env });
    const client = await open(storeOf(provider), around);
    opened.push({ client, world: around });
    return { client, world: around };
  }

  async function put(Name: string, SecretString = `${canary}-${Name}`, tags: Record<string, string> = {}) {
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    return await sm.send(new CreateSecretCommand({ Name, SecretString, Tags }));
  }

  describe('get', () => {
    it('gives the current version, a stage and a version id', async () => {
      const first = await put('db', `${canary}-1`);
      await sm.send(new PutSecretValueCommand({ SecretId: 'db', SecretString: `${canary}-2` }));
      const { client, world: around } = await connect();
      assert.equal(textOf(await client.get(read('db'), signal)), `${canary}-2`);
      assert.equal(textOf(await client.get(read('db', { version: 'AWSPREVIOUS' }), signal)), `${canary}-1`);
      const byId = await client.get(read('db', { version: `uuid/${first.VersionId}` }), signal);
      assert.equal(textOf(byId), `${canary}-1`);
      assert(byId.kind === 'text');
      assert.equal(byId.version, first.VersionId);
      assert.deepEqual(around.observed, Array(3).fill('GetSecretValue success'));
    });

    it('keeps every byte of a binary secret', async () => {
      await sm.send(new CreateSecretCommand({ Name: 'blob', SecretBinary: blob }));
      const { client } = await connect();
      const fetched = await client.get(read('blob'), signal);
      assert(fetched.kind === 'text');
      assert.deepEqual(fetched.value.reveal(), blob);
      await put('other');
      const [batched] = (await client.getMany?.([read('blob'), read('other')], signal)) ?? [];
      assert(batched !== undefined && !(batched instanceof AgentError) && batched.kind === 'text');
      assert.deepEqual(batched.value.reveal(), blob);
    });

    it('keeps text beyond ASCII as UTF-8', async () => {
      await put('text', 'grün ✓ 𝄞');
      const { client } = await connect();
      assert.equal(textOf(await client.get(read('text'), signal)), 'grün ✓ 𝄞');
    });

    it('puts the prefix before keys, in batches too', async () => {
      await put('team/a');
      await put('team/b');
      const { client } = await connect({ prefix: 'team/' });
      assert.equal(textOf(await client.get(read('a'), signal)), `${canary}-team/a`);
      const outcomes = (await client.getMany?.([read('b'), read('a')], signal)) ?? [];
      assert.deepEqual(outcomes.map(textOf), [`${canary}-team/b`, `${canary}-team/a`]);
      assert.equal(proxy.count('BatchGetSecretValue'), 1);
    });

    it('gives tags as a sorted JSON object for metadataPolicy Fetch', async () => {
      await put('tagged', 'x', { zone: 'a<b>&c', app: 'shop' });
      const { client } = await connect();
      const tags = await client.get(read('tagged', { metadataPolicy: 'Fetch' }), signal);
      assert.equal(textOf(tags), '{"app":"shop","zone":"a\\u003cb\\u003e\\u0026c"}');
    });

    it('knows a missing key, a missing stage and a deleted secret as absent', async () => {
      await put('gone');
      await put('here');
      await sm.send(new DeleteSecretCommand({ SecretId: 'gone', RecoveryWindowInDays: 7 }));
      const { client } = await connect();
      const reasonOf = async (key: string, version = ''): Promise<string> => {
        const fetched = await client.get(read(key, { version }), signal);
        assert(fetched.kind === 'absent', fetched.kind);
        return fetched.reason;
      };
      assert.equal(await reasonOf('never'), 'Secrets Manager has no never in eu-west-1');
      assert.equal(await reasonOf('gone'), 'Secrets Manager has no gone in eu-west-1');
      assert.equal(
        await reasonOf('here', 'AWSPENDING'),
        'Secrets Manager has no here at version AWSPENDING in eu-west-1',
      );
    });

    it('has an error, not an absence, for the tags of a missing secret', async () => {
      const { client } = await connect();
      const error = await failureOf(client.get(read('never', { metadataPolicy: 'Fetch' }), signal));
      assert.equal(error.code, 'NotFound');
    });
  });

  describe('getMany', () => {
    it('reads three keys with one call and keeps the order asked', async () => {
      for (const name of ['a', 'b', 'c']) await put(name);
      const { client, world: around } = await connect();
      const outcomes = (await client.getMany?.([read('c'), read('a'), read('b')], signal)) ?? [];
      assert.deepEqual(
        outcomes.map(textOf),
        ['c', 'a', 'b'].map((name) => `${canary}-${name}`),
      );
      assert.deepEqual(proxy.counts(), { BatchGetSecretValue: 1 });
      assert.deepEqual(around.observed, ['BatchGetSecretValue success']);
    });

    it('asks for twenty ids a call, and for a lone last one by itself', async () => {
      const names = Array.from({ length: 41 }, (_, i) => `k${i}`);
      for (const name of names) await put(name);
      const { client } = await connect();
      const outcomes =
        (await client.getMany?.(
          names.map((name) => read(name)),
          signal,
        )) ?? [];
      assert.deepEqual(
        outcomes.map(textOf),
        names.map((name) => `${canary}-${name}`),
      );
      assert.deepEqual(proxy.counts(), { BatchGetSecretValue: 2, GetSecretValue: 1 });
    });

    it('takes a name, a whole ARN and one without its random end as they come', async () => {
      const { ARN: arn = '' } = await put('a');
      await put('b');
      const { client } = await connect();
      const reads = [read(arn), read('b'), read('a'), read(arn.slice(0, -7))];
      const outcomes = (await client.getMany?.(reads, signal)) ?? [];
      assert.deepEqual(
        outcomes.map(textOf),
        ['a', 'b', 'a', 'a'].map((name) => `${canary}-${name}`),
      );
      assert.equal(proxy.count('BatchGetSecretValue'), 1);
    });

    it('gets by itself what a batch cannot: versions and tags', async () => {
      await put('a', `${canary}-a`, { app: 'shop' });
      await put('b');
      const { client } = await connect();
      const reads = [
        read('a'),
        read('b', { version: 'AWSCURRENT' }),
        read('a', { version: 'AWSPREVIOUS' }),
        read('a', { metadataPolicy: 'Fetch' }),
      ];
      const [a, b, previous, tags] = (await client.getMany?.(reads, signal)) ?? [];
      assert.equal(textOf(a), `${canary}-a`);
      assert.equal(textOf(b), `${canary}-b`);
      assert(previous !== undefined && !(previous instanceof AgentError));
      assert.equal(previous.kind, 'absent');
      assert.equal(textOf(tags), '{"app":"shop"}');
      assert.deepEqual(proxy.counts(), { BatchGetSecretValue: 1, GetSecretValue: 1, DescribeSecret: 1 });
    });

    it('believes in absence only after asking for the key by itself', async () => {
      await put('a');
      await put('gone');
      await sm.send(new DeleteSecretCommand({ SecretId: 'gone', RecoveryWindowInDays: 7 }));
      const { client } = await connect();
      const outcomes = (await client.getMany?.([read('a'), read('never'), read('gone')], signal)) ?? [];
      assert.deepEqual(
        outcomes.map((each) => (each instanceof AgentError ? each.code : each.kind)),
        ['text', 'absent', 'absent'],
      );
      assert.deepEqual(proxy.counts(), { BatchGetSecretValue: 1, GetSecretValue: 2 });
    });

    it('fails only the keys that a batch was denied', async () => {
      await put('a');
      await put('b');
      // Moto knows no IAM: its answer is given an error as AWS documents it.
      proxy.fail({
        on: 'BatchGetSecretValue',
        fault: {
          kind: 'rewrite',
          change: (answer) => {
            const body = JSON.parse(answer.body.toString()) as { SecretValues: unknown[] };
            const error = { SecretId: 'b', ErrorCode: 'AccessDeniedException', Message: 'not allowed' };
            const rewritten = { SecretValues: body.SecretValues.slice(0, 1), Errors: [error] };
            return { ...answer, body: Buffer.from(JSON.stringify(rewritten)) };
          },
        },
      });
      const { client } = await connect();
      const [a, b] = (await client.getMany?.([read('a'), read('b')], signal)) ?? [];
      assert.equal(textOf(a), `${canary}-a`);
      assert(b instanceof AgentError);
      assert.equal(b.code, 'Denied');
      assert.equal(b.message, 'AWS denies secretsmanager:GetSecretValue of b');
      assert.equal(
        b.remedy,
        'add to the policies of its role: {"Effect":"Allow","Action":"secretsmanager:GetSecretValue",' +
          '"Resource":"arn:aws:secretsmanager:*:*:secret:b-??????"}',
      );
      assert.deepEqual(b.at, { store: 'SecretStore/aws', key: 'b' });
      assert.equal(proxy.count('GetSecretValue'), 0);
    });

    it('remembers that batches are denied, in this life and the next', async () => {
      await put('a');
      await put('b');
      const denial = { __type: 'AccessDeniedException', Message: 'no' };
      proxy.fail({ on: 'BatchGetSecretValue', fault: { kind: 'answer', status: 400, body: denial } });
      const { client, world: around } = await connect();
      for (const _ of [1, 2]) {
        const outcomes = (await client.getMany?.([read('a'), read('b')], signal)) ?? [];
        assert.deepEqual(outcomes.map(textOf), [`${canary}-a`, `${canary}-b`]);
      }
      const next = await connect({}, { memory: around.memory });
      await next.client.getMany?.([read('a'), read('b')], signal);
      assert.deepEqual(proxy.counts(), { BatchGetSecretValue: 1, GetSecretValue: 6 });
      assert.equal(around.logged.filter((line) => line.includes('BatchGetSecretValue')).length, 1);
    });

    it('never batches when told so', async () => {
      await put('a');
      await put('b');
      const { client } = await connect({}, { awsBatch: 'never' });
      await client.getMany?.([read('a'), read('b')], signal);
      assert.deepEqual(proxy.counts(), { GetSecretValue: 2 });
    });

    it('goes to single reads when batches are throttled, and does not remember it', async () => {
      await put('a');
      await put('b');
      proxy.fail({
        on: 'BatchGetSecretValue',
        times: 2,
        fault: {
          kind: 'answer',
          status: 400,
          body: { __type: 'ThrottlingException', message: 'Rate exceeded' },
        },
      });
      const { client, world: around } = await connect();
      const outcomes = (await client.getMany?.([read('a'), read('b')], signal)) ?? [];
      assert.deepEqual(outcomes.map(textOf), [`${canary}-a`, `${canary}-b`]);
      assert.deepEqual(proxy.counts(), { BatchGetSecretValue: 2, GetSecretValue: 2 });
      assert.equal(around.memory.size, 0);
    });

    it('reads one by one when a malformed id fails the whole batch', async () => {
      await put('a');
      const refusal = { __type: 'ValidationException', message: 'Invalid secret id' };
      proxy.fail({ on: 'BatchGetSecretValue', fault: { kind: 'answer', status: 400, body: refusal } });
      const { client } = await connect();
      const [a, b] = (await client.getMany?.([read('a'), read('b')], signal)) ?? [];
      assert.equal(textOf(a), `${canary}-a`);
      assert(b !== undefined && !(b instanceof AgentError));
      assert.equal(b.kind, 'absent');
    });

    it('gives every key the error of a store that is down, without asking for each', async () => {
      proxy.fail({ on: /./, fault: { kind: 'answer', status: 503, body: {} } });
      const { client } = await connect();
      const outcomes = (await client.getMany?.([read('a'), read('b')], signal)) ?? [];
      assert.deepEqual(
        outcomes.map((each) => each instanceof AgentError && each.code),
        ['Unavailable', 'Unavailable'],
      );
      assert.deepEqual(proxy.counts(), { BatchGetSecretValue: 2 });
    });
  });

  describe('find', () => {
    beforeEach(async () => {
      await put('app/db', `${canary}-db`, { team: 'shop' });
      await put('app/web', `${canary}-web`, { team: 'shop', tier: 'front' });
      await put('other', `${canary}-other`, { team: 'ops' });
      proxy.forget();
    });

    it('by name lists all and reads each that matches', async () => {
      const { client } = await connect({ prefix: 'not-for-find/' });
      const found = await client.find?.(find({ name: '^app/' }), signal);
      assert.deepEqual(mapOf(found), { 'app/db': `${canary}-db`, 'app/web': `${canary}-web` });
      assert.deepEqual(proxy.counts(), { ListSecrets: 1, GetSecretValue: 2 });
    });

    it('by name and path, by tags, and by tags and path asks in batches', async () => {
      const { client } = await connect();
      const names = async (query: Parameters<typeof find>[0]): Promise<string[]> =>
        Object.keys(mapOf(await client.find?.(find(query), signal)));
      assert.deepEqual(await names({ name: 'web', path: 'app/' }), ['app/web']);
      assert.deepEqual(await names({ tags: { team: 'shop' } }), ['app/db', 'app/web']);
      assert.deepEqual(await names({ tags: { tier: 'front', team: 'shop' } }), ['app/web']);
      assert.deepEqual(await names({ tags: { team: 'shop' }, path: 'other' }), []);
      assert.deepEqual(proxy.counts(), { BatchGetSecretValue: 4 });
    });

    it('by name and tags without a path lists, as in ESO', async () => {
      const { client } = await connect();
      const found = await client.find?.(find({ name: 'd', tags: { team: 'shop' } }), signal);
      assert.deepEqual(Object.keys(mapOf(found)), ['app/db']);
      assert.deepEqual(proxy.counts(), { ListSecrets: 1, GetSecretValue: 1 });
    });

    it('lists where batches are denied', async () => {
      const denial = { __type: 'AccessDeniedException', Message: 'no' };
      proxy.fail({ on: 'BatchGetSecretValue', fault: { kind: 'answer', status: 400, body: denial } });
      const { client } = await connect();
      const found = await client.find?.(find({ tags: { team: 'shop' } }), signal);
      assert.deepEqual(Object.keys(mapOf(found)), ['app/db', 'app/web']);
    });

    it('follows pages', async () => {
      for (let i = 0; i < 120; i++) await put(`many/${i}`);
      proxy.forget();
      const { client } = await connect();
      assert.equal(Object.keys(mapOf(await client.find?.(find({ name: 'many/' }), signal))).length, 120);
      assert.equal(proxy.count('ListSecrets'), 2);
      assert.equal(
        Object.keys(mapOf(await client.find?.(find({ name: '.', path: 'many/' }), signal))).length,
        120,
      );
      assert(proxy.count('BatchGetSecretValue') > 1);
    });

    it('is an error, not a missing key, when one that matches may not be read', async () => {
      proxy.fail({
        on: 'BatchGetSecretValue',
        fault: {
          kind: 'rewrite',
          change: (answer) => {
            const body = JSON.parse(answer.body.toString()) as { SecretValues: { Name: string }[] };
            const SecretValues = body.SecretValues.filter(({ Name }) => Name !== 'app/db');
            const arn = `arn:aws:secretsmanager:eu-west-1:${account}:secret:app/db-AbCdEf`;
            const Errors = [{ SecretId: arn, ErrorCode: 'AccessDeniedException', Message: 'no' }];
            return { ...answer, body: Buffer.from(JSON.stringify({ SecretValues, Errors })) };
          },
        },
      });
      const { client } = await connect();
      const error = await failureOf(client.find?.(find({ name: '.', path: 'app/' }), signal));
      assert.equal(error.code, 'Denied');
      assert.equal(error.at.key, 'app/db');
      // One that does not match is nobody's concern.
      const found = await client.find?.(find({ name: 'web', path: 'app/' }), signal);
      assert.deepEqual(Object.keys(mapOf(found)), ['app/web']);
    });

    it('refuses a search for nothing', async () => {
      const { client } = await connect();
      const error = await failureOf(client.find?.(find({ path: 'app/' }), signal));
      assert.equal(error.code, 'SpecInvalid');
      assert.equal(error.message, 'find has neither name nor tags');
    });
  });

  it('goes through the proxy of --proxy', async () => {
    // A store on this host would go around it, so it gets a name that only the proxy knows.
    const SecretString = `${canary}-proxied`;
    proxy.fail({
      on: (seen) => seen.headers.host === 'moto.test',
      fault: { kind: 'answer', status: 200, body: { Name: 'a', SecretString } },
    });
    const { client } = await connect({}, { proxy: proxy.url, env: { AWS_ENDPOINT_URL: 'http://moto.test' } });
    assert.equal(textOf(await client.get(read('a'), signal)), SecretString);
  });

  describe('faults', () => {
    const json = (status: number, __type: string, message = 'no'): Fault => ({
      kind: 'answer',
      status,
      body: { __type, message },
      headers: { 'x-amzn-requestid': 'request-1' },
    });
    const arn = `arn:aws:sts::${account}:assumed-role/shop/pod-7f9c`;
    const table: readonly (readonly [string, Fault, Code, string, string?])[] = [
      [
        'a denial',
        json(
          400,
          'AccessDeniedException',
          `User: ${arn} is not authorized to perform: secretsmanager:GetSecretValue on resource: db because no identity-based policy allows the secretsmanager:GetSecretValue action`,
        ),
        'Denied',
        `AWS denies secretsmanager:GetSecretValue of db to arn:aws:sts::${account}:assumed-role/shop`,
        `add to the policies of arn:aws:sts::${account}:assumed-role/shop: {"Effect":"Allow",` +
          `"Action":"secretsmanager:GetSecretValue","Resource":"arn:aws:secretsmanager:*:${account}:secret:db-??????"}`,
      ],
      [
        'an explicit deny',
        json(
          400,
          'AccessDeniedException',
          `User: ${arn} is not authorized to perform: secretsmanager:GetSecretValue on resource: db with an explicit deny in a resource-based policy`,
        ),
        'Denied',
        `AWS denies secretsmanager:GetSecretValue of db to arn:aws:sts::${account}:assumed-role/shop: an explicit deny in its resource-based policy`,
        'remove the deny of secretsmanager:GetSecretValue on db from that policy',
      ],
      [
        'a denial by KMS',
        json(400, 'AccessDeniedException', 'Access to KMS is not allowed'),
        'Denied',
        'AWS denies secretsmanager:GetSecretValue of db: the KMS key does not let it be decrypted',
        'allow kms:Decrypt on the key of db, in the key\'s policy too: {"Effect":"Allow","Action":"kms:Decrypt","Resource":"ARN of the key"}',
      ],
      [
        'a decryption failure',
        json(400, 'DecryptionFailure'),
        'Denied',
        'AWS denies secretsmanager:GetSecretValue of db: the KMS key does not let it be decrypted',
      ],
      [
        "a gateway's 403",
        { kind: 'answer', status: 403, body: '<html>Forbidden</html>' },
        'Denied',
        'AWS denies secretsmanager:GetSecretValue of db',
      ],
      [
        'an expired token',
        json(400, 'ExpiredTokenException'),
        'AuthFailed',
        'AWS does not accept the credentials for secretsmanager:GetSecretValue of db: ExpiredTokenException',
        'check that the credentials of the store are still valid, and the clock of the node',
      ],
      [
        'an unknown client',
        json(400, 'UnrecognizedClientException'),
        'AuthFailed',
        'AWS does not accept the credentials for secretsmanager:GetSecretValue of db: UnrecognizedClientException',
      ],
      [
        // AWS echoes what was signed, the session token included.
        'a bad signature',
        json(403, 'InvalidSignatureException', `should have been 'POST x-amz-security-token:${canary}'`),
        'AuthFailed',
        'AWS does not accept the credentials for secretsmanager:GetSecretValue of db: InvalidSignatureException',
      ],
      [
        'throttling',
        json(400, 'ThrottlingException', 'Rate exceeded'),
        'Throttled',
        'AWS throttles secretsmanager:GetSecretValue of db: ThrottlingException',
      ],
      ['a 429', json(429, ''), 'Throttled', 'AWS throttles secretsmanager:GetSecretValue of db: HTTP 429'],
      [
        'an internal error',
        json(500, 'InternalServiceError'),
        'Unavailable',
        'AWS fails at secretsmanager:GetSecretValue of db: InternalServiceError',
      ],
      [
        'a page of a gateway',
        { kind: 'answer', status: 502, body: `<html>${canary}</html>` },
        'Unavailable',
        'AWS fails at secretsmanager:GetSecretValue of db: HTTP 502',
      ],
      [
        'a portal',
        { kind: 'answer', status: 200, body: `<html>${canary}</html>` },
        'Unavailable',
        'what answers secretsmanager:GetSecretValue is not Secrets Manager',
      ],
      [
        'a bad name',
        json(400, 'ValidationException', 'Invalid name. RequestId: 123'),
        'SpecInvalid',
        'AWS refuses secretsmanager:GetSecretValue of db: ValidationException: Invalid name.',
      ],
      [
        'a secret in a state that cannot be read',
        json(400, 'InvalidRequestException', 'not while it is being made'),
        'Denied',
        'AWS refuses secretsmanager:GetSecretValue of db: InvalidRequestException: not while it is being made',
      ],
      [
        'an answer without a value',
        { kind: 'answer', status: 200, body: { Name: 'db' } },
        'DecodeFailed',
        'db holds neither SecretString nor SecretBinary',
      ],
    ];
    for (const [what, fault, code, message, remedy] of table) {
      it(`${what} is ${code}, the same each time, and never absence`, async () => {
        proxy.fail({ on: 'GetSecretValue', fault });
        const { client } = await connect({}, { clock: new HastyClock() });
        const first = await failureOf(client.get(read('db'), signal));
        assert.equal(first.code, code);
        assert.equal(first.message, message);
        if (remedy !== undefined) assert.equal(first.remedy, remedy);
        assert(first.remedy !== undefined);
        assert.deepEqual(first.at, { ...first.at, key: 'db' });
        assert.equal((await failureOf(client.get(read('db'), signal))).message, first.message);
        if (fault.kind === 'answer' && fault.headers !== undefined)
          assert.equal(first.requestId, 'request-1');
      });
    }

    it('a reset, a cut answer and a refused connection are Unavailable', async () => {
      const { client } = await connect({}, { clock: new HastyClock() });
      await put('db');
      proxy.fail({ on: 'GetSecretValue', fault: { kind: 'reset' } });
      assert.equal((await failureOf(client.get(read('db'), signal))).code, 'Unavailable');
      proxy.heal();
      proxy.fail({ on: 'GetSecretValue', fault: { kind: 'truncate', bytes: 5 } });
      assert.equal((await failureOf(client.get(read('db'), signal))).code, 'Unavailable');
      const nobody = await connect({}, { env: { AWS_ENDPOINT_URL: 'http://127.0.0.1:9' } });
      assert.equal((await failureOf(nobody.client.get(read('db'), signal))).code, 'Unavailable');
    });

    it('a store that hangs or drips is Unavailable after its time', async () => {
      await put('db');
      const around = world({ env: { ...keys, AWS_ENDPOINT_URL: proxy.url }, clock: new HastyClock() });
      const store = storeOf();
      const place = { region: 'eu-west-1', endpoint: proxy.url, stsEndpoint: proxy.url };
      const config = store.config as AwsConfig;
      const client = await openSecretsManager({
        store,
        config,
        place,
        context: around.context,
        requestMs: 150,
      });
      opened.push({ client, world: around });
      for (const fault of [{ kind: 'hang' }, { kind: 'drip', everyMs: 50 }] as const) {
        proxy.heal();
        proxy.fail({ on: 'GetSecretValue', fault });
        const error = await failureOf(client.get(read('db'), signal));
        assert.equal(error.code, 'Unavailable');
        assert.match(error.message, /did not answer within 0.15 s/);
      }
    });

    it('a caller that gives up is obeyed at once', async () => {
      proxy.fail({ on: 'GetSecretValue', fault: { kind: 'hang' } });
      const { client } = await connect();
      const controller = new AbortController();
      const pending = client.get(read('db'), controller.signal);
      await until(() => proxy.count('GetSecretValue') === 1);
      controller.abort(new Error('shutting down'));
      await assert.rejects(pending, { message: 'shutting down' });
    });

    it('a passing fault is tried once more, a long Retry-After is left to the caller', async () => {
      await put('db');
      const { client, world: around } = await connect({}, { clock: new HastyClock() });
      proxy.fail({ on: 'GetSecretValue', times: 1, fault: { kind: 'reset' } });
      assert.equal(textOf(await client.get(read('db'), signal)), `${canary}-db`);
      proxy.fail({ on: 'GetSecretValue', times: 1, fault: json(500, 'InternalFailure') });
      assert.equal(textOf(await client.get(read('db'), signal)), `${canary}-db`);
      assert.deepEqual(around.observed, [
        'GetSecretValue error',
        'GetSecretValue success',
        'GetSecretValue error',
        'GetSecretValue success',
      ]);
      proxy.forget();
      const headers = { 'retry-after': '90' };
      proxy.fail({ on: 'GetSecretValue', fault: { kind: 'answer', status: 429, headers } });
      const error = await failureOf(client.get(read('db'), signal));
      assert.equal(error.retryAfterMs, 90_000);
      assert.equal(proxy.count('GetSecretValue'), 1);
    });

    it('retrySettings say how often and how far apart', async () => {
      proxy.fail({ on: 'GetSecretValue', fault: json(500, 'InternalFailure') });
      const clock = new HastyClock();
      const around = world({ env: { ...keys, AWS_ENDPOINT_URL: proxy.url }, clock });
      const retry = { maxRetries: 4, retryIntervalMs: 700 };
      const client = await open(storeOf({}, { retry }), around);
      opened.push({ client, world: around });
      await failureOf(client.get(read('db'), signal));
      assert.equal(proxy.count('GetSecretValue'), 4);
      assert.deepEqual(clock.slept, [700, 700, 700]);
    });
  });
});

/** Real time that does not wait: pauses between tries are noted and skipped. */
class HastyClock implements Clock {
  readonly slept: number[] = [];
  now(): number {
    return Date.now();
  }
  monotonic(): number {
    return performance.now();
  }
  random(): number {
    return 0.5;
  }
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    // A login's deadline sleeps too; that one has to last.
    if (ms >= limits.awsLoginMs) return await systemClock.sleep(ms, signal);
    this.slept.push(ms);
  }
}
