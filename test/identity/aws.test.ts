import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { constants } from 'node:fs';
import { mkdtemp, open as openFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { systemClock, withDeadline } from '../../src/base/clock.ts';
import type { Client } from '../../src/providers/provider.ts';
import type { Store } from '../../src/spec/spec.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { type Answer, type FaultProxy, type SeenRequest, startFaultProxy } from '../peers/fault-proxy.ts';
import { type Moto, motoMissing, startMoto } from '../peers/moto.ts';
import {
  account,
  admin,
  assertNoCanary,
  canary,
  failureOf,
  open,
  read,
  shown,
  signal,
  storeOf,
  textOf,
  type World,
  type WorldOptions,
  world,
} from '../providers/aws-world.ts';

const roleArn = `arn:aws:iam::${account}:role/shop`;
const minute = 60_000;

/** As the API server projects it, unsigned: moto does not verify. */
function jwt(id: string): string {
  const claims = {
    iss: 'https://oidc.eks.eu-west-1.amazonaws.com/id/ABC',
    sub: 'system:serviceaccount:shop:shop-app',
    aud: ['sts.amazonaws.com'],
    id,
  };
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part(claims)}.${canary}-${id}`;
}

const warnings = ({ logged }: World): readonly string[] => logged.filter((line) => line.startsWith('warn '));
const loggedIn = ({ logged }: World): readonly string[] =>
  logged.filter((line) => line.startsWith('info logged in '));

describe('AWS identity (moto)', { skip: motoMissing() }, () => {
  let moto: Moto;
  let proxy: FaultProxy;
  let dir: string;
  let opened: { client: Client; world: World }[] = [];

  before(async () => {
    moto = await startMoto();
    proxy = await startFaultProxy(moto.url);
    const sm = admin(moto.url);
    await sm.send(new CreateSecretCommand({ Name: 'db', SecretString: `${canary}-value` }));
    sm.destroy();
  });

  after(async () => {
    await proxy.close();
    await moto.stop();
  });

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'aws-identity-'));
    proxy.heal();
    proxy.forget();
  });

  afterEach(async () => {
    for (const { client, world: around } of opened) {
      await client.close?.({ revoke: false });
      assertNoCanary(around.logged.join('\n'));
    }
    opened = [];
    await rm(dir, { recursive: true });
  });

  async function connect(
    provider: object,
    options: WorldOptions,
    store: Partial<Store> = {},
  ): Promise<{ client: Client; world: World }> {
    const around = world({ ...options, env: { AWS_ENDPOINT_URL: proxy.url, ...options.env } });
    const client = await open(storeOf(provider, store), around);
    opened.push({ client, world: around });
    return { client, world: around };
  }

  async function tokenFile(id: string, name = 'token'): Promise<string> {
    const file = join(dir, name);
    await writeFile(file, jwt(id));
    return file;
  }

  /** The form of the nth call of an STS action. */
  function formOf(action: string, n = 0): Record<string, string> {
    const seen = proxy.seen.filter((one) => one.action === action)[n];
    assert(seen, `call ${n} of ${action}`);
    return Object.fromEntries(new URLSearchParams(seen.body.toString()));
  }

  /** Whose key signed a request. */
  function signerOf(seen: SeenRequest | undefined): string {
    return /Credential=([^/]+)\//.exec(String(seen?.headers.authorization))?.[1] ?? '';
  }

  /** Makes STS give credentials that end `ms` from the clock's now. */
  function expireAfter(ms: number, clock: ManualClock): void {
    proxy.fail({
      on: /^AssumeRole/,
      fault: {
        kind: 'rewrite',
        change: (answer: Answer) => {
          const end = new Date(clock.now() + ms).toISOString();
          const body = answer.body.toString().replace(/(<Expiration>)[^<]*/, `$1${end}`);
          return { ...answer, body: Buffer.from(body) };
        },
      },
    });
  }

  describe('web identity (IRSA)', () => {
    it('logs in with role and token file, once for many reads', async () => {
      const env = { AWS_ROLE_ARN: roleArn, AWS_WEB_IDENTITY_TOKEN_FILE: await tokenFile('one') };
      const { client, world: around } = await connect({}, { env });
      const reads = await Promise.all([1, 2, 3].map(() => client.get(read('db'), signal)));
      assert.deepEqual(reads.map(textOf), Array(3).fill(`${canary}-value`));
      assert.deepEqual(proxy.counts(), { AssumeRoleWithWebIdentity: 1, GetSecretValue: 3 });
      const form = formOf('AssumeRoleWithWebIdentity');
      assert.equal(form['RoleArn'], roleArn);
      assert.equal(form['WebIdentityToken'], jwt('one'));
      assert.equal(form['RoleSessionName'], 'external-secrets-agent');
      assert.equal(proxy.seen[0]?.headers.authorization, undefined);
      assert.match(signerOf(proxy.seen[1]), /^ASIA/);
      assert.equal(around.observed[0], 'AssumeRoleWithWebIdentity success');
      const told = loggedIn(around);
      assert.equal(told.length, 1);
      for (const fact of [/method: 'irsa'/, /role: 'arn:aws:iam/, /region: 'eu-west-1'/, /expires: '20/])
        assert.match(told[0] ?? '', fact);
    });

    it('says who it is', async () => {
      const env = { AWS_ROLE_ARN: roleArn, AWS_WEB_IDENTITY_TOKEN_FILE: await tokenFile('one') };
      const { client } = await connect({}, { env });
      const identity = await client.whoami?.(signal);
      assert(identity);
      assert.equal(identity.principal, `arn:aws:sts::${account}:assumed-role/shop/external-secrets-agent`);
      assert.equal(identity.method, 'irsa');
      const { expires, tokenFile: file, ...details } = identity.details;
      assert.deepEqual(details, { role: roleArn, account, region: 'eu-west-1' });
      assert(Date.parse(expires ?? '') > Date.now());
      assert.equal(file, env.AWS_WEB_IDENTITY_TOKEN_FILE);
      assertNoCanary(shown(identity));
    });

    it('uses the token that is in the file at the next login', async () => {
      const clock = new ManualClock({ now: Date.now() });
      expireAfter(60 * minute, clock);
      const env = { AWS_ROLE_ARN: roleArn, AWS_WEB_IDENTITY_TOKEN_FILE: await tokenFile('one') };
      const { client } = await connect({}, { env, clock });
      await client.get(read('db'), signal);
      await tokenFile('two');
      await clock.advance(53 * minute);
      await client.get(read('db'), signal);
      assert.equal(proxy.count('AssumeRoleWithWebIdentity'), 1);
      // Five minutes before the end, and up to one sooner.
      await clock.advance(2 * minute);
      await client.get(read('db'), signal);
      assert.equal(proxy.count('AssumeRoleWithWebIdentity'), 2);
      assert.equal(formOf('AssumeRoleWithWebIdentity', 1)['WebIdentityToken'], jwt('two'));
      const signers = proxy.seen.filter((one) => one.action === 'GetSecretValue').map(signerOf);
      assert.equal(signers[0], signers[1]);
      assert.notEqual(signers[1], signers[2]);
    });

    it('logs in anew, once, when the store says that the token expired', async () => {
      const env = { AWS_ROLE_ARN: roleArn, AWS_WEB_IDENTITY_TOKEN_FILE: await tokenFile('one') };
      const { client } = await connect({}, { env });
      const expired = { __type: 'ExpiredTokenException', message: 'expired' };
      proxy.fail({ on: 'GetSecretValue', times: 1, fault: { kind: 'answer', status: 400, body: expired } });
      assert.equal(textOf(await client.get(read('db'), signal)), `${canary}-value`);
      assert.deepEqual(proxy.counts(), { AssumeRoleWithWebIdentity: 2, GetSecretValue: 2 });
      proxy.fail({ on: 'GetSecretValue', fault: { kind: 'answer', status: 400, body: expired } });
      assert.equal((await failureOf(client.get(read('db'), signal))).code, 'AuthFailed');
      assert.deepEqual(proxy.counts(), { AssumeRoleWithWebIdentity: 3, GetSecretValue: 4 });
    });

    it('goes on with credentials that still hold while STS is down', async () => {
      const clock = new ManualClock({ now: Date.now() });
      expireAfter(60 * minute, clock);
      const env = { AWS_ROLE_ARN: roleArn, AWS_WEB_IDENTITY_TOKEN_FILE: await tokenFile('one') };
      const { client, world: around } = await connect({}, { env, clock });
      await client.get(read('db'), signal);
      proxy.fail({
        on: 'AssumeRoleWithWebIdentity',
        fault: { kind: 'answer', status: 400, body: '<Error><Code>InvalidIdentityToken</Code></Error>' },
      });
      await clock.advance(56 * minute);
      await client.get(read('db'), signal);
      await client.get(read('db'), signal);
      assert.equal(proxy.count('AssumeRoleWithWebIdentity'), 2);
      assert.equal(warnings(around).length, 1);
      await clock.advance(5 * minute);
      assert.equal((await failureOf(client.get(read('db'), signal))).code, 'AuthFailed');
    });

    const faults: readonly (readonly [string, string, string])[] = [
      [
        'InvalidIdentityToken',
        'AuthFailed',
        'AWS does not accept the credentials for sts:AssumeRoleWithWebIdentity of',
      ],
      [
        'ExpiredTokenException',
        'AuthFailed',
        'AWS does not accept the credentials for sts:AssumeRoleWithWebIdentity of',
      ],
      ['AccessDenied', 'AuthFailed', 'AWS denies sts:AssumeRoleWithWebIdentity of'],
    ];
    for (const [code, expected, start] of faults) {
      it(`${code} names the trust that is missing`, async () => {
        const body = `<ErrorResponse><Error><Code>${code}</Code><Message>Not authorized: ${canary}</Message></Error><RequestId>r-1</RequestId></ErrorResponse>`;
        proxy.fail({ on: 'AssumeRoleWithWebIdentity', fault: { kind: 'answer', status: 403, body } });
        const env = { AWS_ROLE_ARN: roleArn, AWS_WEB_IDENTITY_TOKEN_FILE: await tokenFile('one') };
        const { client } = await connect({}, { env });
        const error = await failureOf(client.get(read('db'), signal));
        assert.equal(error.code, expected);
        assert(error.message.startsWith(`${start} ${roleArn}`), error.message);
        const issuer = 'oidc.eks.eu-west-1.amazonaws.com/id/ABC';
        assert.equal(
          error.remedy,
          `the trust policy of ${roleArn} must allow sts:AssumeRoleWithWebIdentity to the OIDC provider ${issuer} with ${issuer}:sub = system:serviceaccount:shop:shop-app and ${issuer}:aud = sts.amazonaws.com`,
        );
        assert.equal(error.requestId, 'r-1');
        assert.equal(proxy.count('GetSecretValue'), 0);
      });
    }

    it('tells an STS that is down from one that refuses', async () => {
      proxy.fail({ on: 'AssumeRoleWithWebIdentity', fault: { kind: 'answer', status: 503, body: '' } });
      const env = { AWS_ROLE_ARN: roleArn, AWS_WEB_IDENTITY_TOKEN_FILE: await tokenFile('one') };
      const { client } = await connect({}, { env });
      assert.equal((await failureOf(client.get(read('db'), signal))).code, 'Unavailable');
      proxy.heal();
      proxy.fail({
        on: 'AssumeRoleWithWebIdentity',
        fault: { kind: 'answer', status: 200, body: `<html>${canary}` },
      });
      assert.equal((await failureOf(client.get(read('db'), signal))).code, 'Unavailable');
    });

    it('names a token file that is not there, and one that is empty', async () => {
      const file = join(dir, 'none');
      const { client } = await connect(
        {},
        { env: { AWS_ROLE_ARN: roleArn, AWS_WEB_IDENTITY_TOKEN_FILE: file } },
      );
      const error = await failureOf(client.get(read('db'), signal));
      assert.equal(error.code, 'AuthFailed');
      assert.equal(error.message, `the web identity token file ${file} cannot be read: ENOENT`);
      await writeFile(file, '\n');
      const empty = await failureOf(client.get(read('db'), signal));
      assert.equal(empty.message, `the web identity token file ${file} is empty`);
    });
  });

  describe('what is not configured is not guessed', () => {
    const cases: readonly (readonly [string, Record<string, string>, string])[] = [
      [
        'nothing at all',
        {},
        'this pod has no AWS credentials: neither AWS_ROLE_ARN with AWS_WEB_IDENTITY_TOKEN_FILE (IRSA) nor AWS_CONTAINER_CREDENTIALS_FULL_URI (EKS Pod Identity) is set, and the instance role is never used',
      ],
      [
        'IRSA without its token',
        { AWS_ROLE_ARN: roleArn },
        `IRSA is half configured: AWS_ROLE_ARN is ${roleArn}, but AWS_WEB_IDENTITY_TOKEN_FILE is not set`,
      ],
      [
        'IRSA without its role, other credentials at hand',
        { AWS_WEB_IDENTITY_TOKEN_FILE: '/token', AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: canary },
        'IRSA is half configured: AWS_WEB_IDENTITY_TOKEN_FILE is /token, but AWS_ROLE_ARN is not set',
      ],
      [
        'Pod Identity without its token',
        { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://169.254.170.23/v1/credentials' },
        'EKS Pod Identity is half configured: AWS_CONTAINER_CREDENTIALS_FULL_URI is set, but AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE is not set',
      ],
      [
        'container credentials from the instance metadata service',
        { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://169.254.169.254/latest/meta-data/iam' },
        'AWS_CONTAINER_CREDENTIALS_FULL_URI names 169.254.169.254, where container credentials are not served over plain http',
      ],
      [
        'half a static key',
        { AWS_ACCESS_KEY_ID: 'A' },
        'the static AWS credentials are half configured: AWS_SECRET_ACCESS_KEY is not set',
      ],
    ];
    for (const [what, env, message] of cases) {
      it(`${what}: refused at once, and nobody is asked`, async () => {
        const { client } = await connect({}, { env });
        const error = await failureOf(client.get(read('db'), signal));
        assert.equal(error.code, 'AuthFailed');
        assert.equal(error.message, message);
        assert(error.remedy !== undefined);
        assert.deepEqual(proxy.counts(), {});
      });
    }

    it('neither shared config nor profile is opened', async () => {
      // Opening a FIFO to read waits for a writer that never comes.
      const fifo = join(dir, 'fifo');
      execFileSync('mkfifo', [fifo]);
      const poison = {
        AWS_CONFIG_FILE: fifo,
        AWS_SHARED_CREDENTIALS_FILE: fifo,
        AWS_PROFILE: 'other',
        HOME: dir,
      };
      const old = Object.fromEntries(Object.keys(poison).map((name) => [name, process.env[name]]));
      Object.assign(process.env, poison);
      try {
        const env = { ...poison, AWS_ACCESS_KEY_ID: 'AKIAPOD', AWS_SECRET_ACCESS_KEY: canary };
        const { client } = await connect({}, { env });
        const late = {
          ms: 5_000,
          signal,
          expired: () => new Error('something waits for a shared config file'),
        };
        const fetched = await withDeadline(systemClock, late, (within) => client.get(read('db'), within));
        assert.equal(textOf(fetched), `${canary}-value`);
      } finally {
        // Lets a reader go that should not be there, so that the test fails instead of hanging.
        await (await openFile(fifo, constants.O_RDWR | constants.O_NONBLOCK)).close();
        for (const [name, value] of Object.entries(old)) {
          if (value === undefined) delete process.env[name];
          else process.env[name] = value;
        }
      }
    });
  });

  describe('EKS Pod Identity', () => {
    /** The agent that EKS runs on every node cannot be had here; this is its documented answer. */
    async function podIdentityAgent(
      answer: (headers: IncomingHttpHeaders) => { status: number; body: unknown },
    ) {
      const seen: IncomingHttpHeaders[] = [];
      const server = createServer((incoming, outgoing) => {
        seen.push(incoming.headers);
        const { status, body } = answer(incoming.headers);
        outgoing.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      return { url: `http://127.0.0.1:${port}/v1/credentials`, seen, close: () => server.close() };
    }

    /** What the agent does for the pod, so that moto knows whose credentials it meets. */
    async function assumeByHand(): Promise<string> {
      const body = new URLSearchParams({
        Action: 'AssumeRole',
        Version: '2011-06-15',
        RoleArn: roleArn,
        RoleSessionName: 'pod-x',
      });
      const authorization = 'AWS4-HMAC-SHA256 Credential=NODE/20260101/eu-west-1/sts/aws4_request';
      return await (await fetch(moto.url, { method: 'POST', headers: { authorization }, body })).text();
    }

    it('takes credentials with the token, read anew at each login, and knows its own role', async () => {
      const clock = new ManualClock({ now: Date.now() });
      const assumed = await assumeByHand();
      const field = (name: string): string => new RegExp(`<${name}>([^<]*)`).exec(assumed)?.[1] ?? '';
      const agent = await podIdentityAgent(() => ({
        status: 200,
        body: {
          AccessKeyId: field('AccessKeyId'),
          SecretAccessKey: `${canary}-secret`,
          Token: `${canary}-token`,
          Expiration: new Date(clock.now() + 30 * minute).toISOString(),
        },
      }));
      try {
        const env = {
          AWS_CONTAINER_CREDENTIALS_FULL_URI: agent.url,
          AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: await tokenFile('one'),
        };
        // The role of the association, with a path, as the spec may repeat it: not assumed by itself.
        const role = `arn:aws:iam::${account}:role/teams/shop`;
        const { client } = await connect({ role }, { env, clock });
        assert.equal(textOf(await client.get(read('db'), signal)), `${canary}-value`);
        assert.deepEqual(proxy.counts(), { GetCallerIdentity: 1, GetSecretValue: 1 });
        assert.equal((await client.whoami?.(signal))?.method, 'pod-identity');
        await tokenFile('two');
        await clock.advance(26 * minute);
        await client.get(read('db'), signal);
        assert.deepEqual(
          agent.seen.map((headers) => headers.authorization),
          [jwt('one'), jwt('two')],
        );
        assert.equal(proxy.seen.at(-1)?.headers['x-amz-security-token'], `${canary}-token`);
      } finally {
        agent.close();
      }
    });

    it('tells a refusal of the agent, and an answer that holds no credentials', async () => {
      let answer: { status: number; body: unknown } = {
        status: 404,
        body: { code: 'ResourceNotFoundException', message: `no association ${canary}` },
      };
      const agent = await podIdentityAgent(() => answer);
      try {
        const env = {
          AWS_CONTAINER_CREDENTIALS_FULL_URI: agent.url,
          AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: await tokenFile('one'),
        };
        const { client } = await connect({}, { env });
        const host = new URL(agent.url).host;
        const refusal = await failureOf(client.get(read('db'), signal));
        assert.equal(refusal.code, 'AuthFailed');
        assert.equal(
          refusal.message,
          `AWS refuses credentials of the container credentials endpoint ${host}: ResourceNotFoundException`,
        );
        answer = { status: 200, body: { secret: canary } };
        const nonsense = await failureOf(client.get(read('db'), signal));
        assert.equal(nonsense.message, `${host} answers with something that is not credentials`);
      } finally {
        agent.close();
      }
    });
  });

  describe('the credentials of the store', () => {
    const jwtAuth = (name: string, rest: object = {}): object => ({
      auth: { jwt: { serviceAccountRef: { name, ...rest } } },
    });

    it('jwt logs in as the pod, by the role of the store, of the injector, of IRSA', async () => {
      const tokens = { 'sts.amazonaws.com': jwt('projected') };
      const annotations = new Map([['agent.external-secrets.io/role-arn', `${roleArn}-store`]]);
      const env = { ESA_ROLE_ARN: `${roleArn}-pod`, AWS_ROLE_ARN: `${roleArn}-irsa` };
      const roles: (string | undefined)[] = [];
      for (const [set, store] of [
        [env, { annotations }],
        [env, {}],
        [{ AWS_ROLE_ARN: env.AWS_ROLE_ARN }, {}],
      ] as const) {
        proxy.forget();
        const { client } = await connect(jwtAuth('shop-app'), { env: set, tokens }, store);
        assert.equal(textOf(await client.get(read('db'), signal)), `${canary}-value`);
        assert.equal(formOf('AssumeRoleWithWebIdentity')['WebIdentityToken'], jwt('projected'));
        roles.push(formOf('AssumeRoleWithWebIdentity')['RoleArn']);
      }
      assert.deepEqual(roles, [`${roleArn}-store`, `${roleArn}-pod`, `${roleArn}-irsa`]);
    });

    it('jwt asks for the audience of the ref, and takes the token of IRSA where none was projected', async () => {
      const env = { AWS_ROLE_ARN: roleArn, AWS_WEB_IDENTITY_TOKEN_FILE: await tokenFile('irsa') };
      const tokens = { 'sts.amazonaws.com.cn': jwt('china') };
      const own = await connect(jwtAuth('shop-app', { audiences: ['sts.amazonaws.com.cn'] }), {
        env,
        tokens,
      });
      await own.client.get(read('db'), signal);
      const irsa = await connect(jwtAuth('shop-app'), { env });
      await irsa.client.get(read('db'), signal);
      const none = await connect(jwtAuth('shop-app', { audiences: ['x'] }), { env });
      assert.equal((await failureOf(none.client.get(read('db'), signal))).message, 'no token for audience x');
      const used = [0, 1].map((n) => formOf('AssumeRoleWithWebIdentity', n)['WebIdentityToken']);
      assert.deepEqual(used, [jwt('china'), jwt('irsa')]);
    });

    it('jwt of another account is refused with the reason', async () => {
      const refused = async (ref: object, options: WorldOptions = {}) => {
        const { client } = await connect(ref, options);
        return await failureOf(client.get(read('db'), signal));
      };
      const other = await refused(jwtAuth('admin'));
      assert.equal(other.code, 'SpecInvalid');
      assert.equal(
        other.message,
        'serviceAccountRef names admin, but this pod runs as shop-app and can only log in as itself',
      );
      assert.equal(other.remedy, 'run the pod as admin, or name shop-app in the store');
      const elsewhere = await refused(jwtAuth('shop-app', { namespace: 'ops' }));
      assert.equal(
        elsewhere.message,
        'serviceAccountRef names ops/shop-app, but this pod runs as shop/shop-app and can only log in as itself',
      );
      const unknown = await refused(jwtAuth('shop-app'), { serviceAccount: undefined });
      assert.equal(unknown.code, 'AuthFailed');
      assert.match(unknown.remedy ?? '', /POD_SERVICE_ACCOUNT/);
      const roleless = await refused(jwtAuth('shop-app'));
      assert.equal(roleless.message, 'no IAM role is known for service account shop-app');
      assert.deepEqual(proxy.counts(), {});
    });

    const refs = (rest: object = {}): object => ({
      auth: {
        secretRef: {
          accessKeyIDSecretRef: { name: 'aws', key: 'id' },
          secretAccessKeySecretRef: { name: 'aws', key: 'secret' },
          ...rest,
        },
      },
    });

    it('secretRef is used as it is, with a warning, and read anew when refused', async () => {
      const secrets: Record<string, string> = {
        'aws/id': 'AKIAONE',
        'aws/secret': canary,
        'aws/token': `${canary}-t`,
      };
      const withToken = refs({ sessionTokenSecretRef: { name: 'aws', key: 'token' } });
      const { client, world: around } = await connect(withToken, {
        secrets,
        env: { AWS_ROLE_ARN: 'ignored' },
      });
      await client.get(read('db'), signal);
      assert.equal(signerOf(proxy.seen[0]), 'AKIAONE');
      assert.equal(proxy.seen[0]?.headers['x-amz-security-token'], `${canary}-t`);
      assert.match(warnings(around)[0] ?? '', /static AWS credentials: auth.secretRef/);
      secrets['aws/id'] = 'AKIATWO';
      const body = { __type: 'UnrecognizedClientException' };
      proxy.fail({ on: 'GetSecretValue', times: 1, fault: { kind: 'answer', status: 400, body } });
      await client.get(read('db'), signal);
      assert.equal(signerOf(proxy.seen.at(-1)), 'AKIATWO');
      assert.equal(warnings(around).length, 1);
      assert.equal(loggedIn(around).length, 1);
    });

    it('secretRef of a missing key or of another namespace is an error with its place', async () => {
      const missing = await connect(refs(), { secrets: { 'aws/id': 'AKIAONE' } });
      const error = await failureOf(missing.client.get(read('db'), signal));
      assert.equal(error.message, 'no key secret in Secret aws');
      assert.equal(error.at.field, 'spec.provider.aws.auth.secretRef.secretAccessKeySecretRef');
      const sessionTokenSecretRef = { name: 'aws', key: 'token', namespace: 'ops' };
      const foreign = await connect(refs({ sessionTokenSecretRef }), {});
      const refusal = await failureOf(foreign.client.get(read('db'), signal));
      assert.equal(refusal.code, 'SpecInvalid');
      assert.equal(refusal.message, 'the Secret ops/aws is in another namespace than this pod');
    });

    it('static keys of the environment work, with a warning', async () => {
      const env = {
        AWS_ACCESS_KEY_ID: 'AKIAENV',
        AWS_SECRET_ACCESS_KEY: canary,
        AWS_SESSION_TOKEN: `${canary}-t`,
      };
      const { client, world: around } = await connect({}, { env });
      await client.get(read('db'), signal);
      assert.equal(signerOf(proxy.seen[0]), 'AKIAENV');
      assert.match(warnings(around)[0] ?? '', /static AWS credentials: environment keys/);
      assert.equal((await client.whoami?.(signal))?.method, 'static-env');
    });
  });

  describe('roles', () => {
    const env = { AWS_ACCESS_KEY_ID: 'AKIABASE', AWS_SECRET_ACCESS_KEY: canary };

    it('are assumed in order, the last with external id and tags, each with the one before', async () => {
      const provider = {
        additionalRoles: [`${roleArn}-1`, `${roleArn}-2`],
        role: `${roleArn}-3`,
        externalID: 'ext & id',
        sessionTags: [{ key: 'team', value: 'shop' }],
        transitiveTagKeys: ['team'],
      };
      const { client } = await connect(provider, { env });
      assert.equal(textOf(await client.get(read('db'), signal)), `${canary}-value`);
      const forms = [0, 1, 2].map((n) => formOf('AssumeRole', n));
      assert.deepEqual(
        forms.map((form) => form['RoleArn']),
        [`${roleArn}-1`, `${roleArn}-2`, `${roleArn}-3`],
      );
      assert.deepEqual(Object.keys(forms[0] ?? {}), ['Action', 'Version', 'RoleArn', 'RoleSessionName']);
      const { ExternalId, 'Tags.member.1.Key': key, 'Tags.member.1.Value': value } = forms[2] ?? {};
      assert.deepEqual([ExternalId, key, value], ['ext & id', 'team', 'shop']);
      assert.equal(forms[2]?.['TransitiveTagKeys.member.1'], 'team');
      const signers = proxy.seen.map(signerOf);
      assert.equal(signers[0], 'AKIABASE');
      assert.equal(new Set(signers).size, 4);
    });

    it('Simple and Custom tag the session with where the store is', async () => {
      const tagsOf = async (provider: object): Promise<string[]> => {
        proxy.forget();
        const { client } = await connect({ role: roleArn, ...provider }, { env });
        await client.get(read('db'), signal);
        const form = formOf('AssumeRole');
        const tags: string[] = [];
        for (let i = 1; form[`Tags.member.${i}.Key`] !== undefined; i++) {
          tags.push(`${form[`Tags.member.${i}.Key`]}=${form[`Tags.member.${i}.Value`]}`);
        }
        return tags;
      };
      const own = ['esoNamespace=shop', 'esoStoreName=aws', 'esoStoreKind=SecretStore'];
      const sessionTags = [{ key: 'a', value: 'b' }];
      assert.deepEqual(await tagsOf({ sessionTagsPolicy: 'Simple', sessionTags }), own);
      const customSessionTags = { tier: 'front', empty: '' };
      assert.deepEqual(await tagsOf({ sessionTagsPolicy: 'Custom', customSessionTags, sessionTags }), [
        'tier=front',
        ...own,
      ]);
      assert.deepEqual(await tagsOf({}), []);
    });

    it('a role is not assumed by itself', async () => {
      const irsa = { AWS_ROLE_ARN: roleArn, AWS_WEB_IDENTITY_TOKEN_FILE: await tokenFile('one') };
      const { client } = await connect({ role: roleArn }, { env: irsa });
      await client.get(read('db'), signal);
      assert.deepEqual(proxy.counts(), { AssumeRoleWithWebIdentity: 1, GetSecretValue: 1 });
    });

    it('a denial names the role and both policies', async () => {
      const message = `User: arn:aws:iam::${account}:user/ci is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`;
      const body = `<ErrorResponse><Error><Code>AccessDenied</Code><Message>${message}</Message></Error></ErrorResponse>`;
      proxy.fail({ on: 'AssumeRole', fault: { kind: 'answer', status: 403, body } });
      const { client } = await connect({ role: roleArn, externalID: 'x' }, { env });
      const error = await failureOf(client.get(read('db'), signal));
      assert.equal(error.code, 'Denied');
      assert.equal(
        error.message,
        `AWS denies sts:AssumeRole of ${roleArn} to arn:aws:iam::${account}:user/ci`,
      );
      assert.equal(
        error.remedy,
        `allow sts:AssumeRole on ${roleArn} to this identity, and this identity, with the externalID of the store, in the trust policy of that role`,
      );
    });

    it("a SecretProviderClass assumes its role with the pod's own credentials", async () => {
      const provider = {
        secretProviderClass: { endpoint: proxy.url, region: 'eu-west-1', roleArn: `${roleArn}-class` },
      };
      const { client } = await connect(provider, { env });
      assert.equal(textOf(await client.get(read('db'), signal)), `${canary}-value`);
      assert.equal(formOf('AssumeRole')['RoleArn'], `${roleArn}-class`);
    });
  });

  describe('--identity local', () => {
    async function profiles(config: string, credentials: string): Promise<Record<string, string>> {
      const AWS_CONFIG_FILE = join(dir, 'config');
      const AWS_SHARED_CREDENTIALS_FILE = join(dir, 'credentials');
      await writeFile(AWS_CONFIG_FILE, config);
      await writeFile(AWS_SHARED_CREDENTIALS_FILE, credentials);
      return { AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE };
    }
    const keysOf = (id: string): string => `aws_access_key_id = ${id}\naws_secret_access_key = ${canary}\n`;

    it("uses the developer's profile where a pod would use its own account", async () => {
      const env = await profiles('', `[default]\n${keysOf('AKIADEV')}`);
      const auth = { jwt: { serviceAccountRef: { name: 'shop-app' } } };
      const { client, world: around } = await connect({ auth }, { env, mode: 'local' });
      await client.get(read('db'), signal);
      assert.equal(signerOf(proxy.seen[0]), 'AKIADEV');
      const identity = await client.whoami?.(signal);
      assert.equal(identity?.method, 'profile');
      assert.equal(identity?.details['profile'], 'default');
      assert.deepEqual(warnings(around), []);
    });

    it('follows source_profile, over our own STS', async () => {
      const config = `[profile deploy]\nrole_arn = ${roleArn}\nsource_profile = base\nexternal_id = e\n`;
      const files = await profiles(config, `[base]\n${keysOf('AKIABASE')}`);
      const { client } = await connect({}, { env: { ...files, AWS_PROFILE: 'deploy' }, mode: 'local' });
      await client.get(read('db'), signal);
      assert.equal(formOf('AssumeRole')['RoleArn'], roleArn);
      assert.equal(formOf('AssumeRole')['ExternalId'], 'e');
      assert.equal(signerOf(proxy.seen[0]), 'AKIABASE');
    });

    it('runs a credential_process, and shows nothing of what it prints', async () => {
      const good = JSON.stringify({ Version: 1, AccessKeyId: 'AKIAPROC', SecretAccessKey: canary });
      await writeFile(join(dir, 'good.json'), good);
      const config = `[profile good]\ncredential_process = cat ${join(dir, 'good.json')}\n[profile bad]\ncredential_process = sh -c "echo ${canary} >&2; exit 1"\n`;
      const files = await profiles(config, '');
      const { client } = await connect({}, { env: { ...files, AWS_PROFILE: 'good' }, mode: 'local' });
      await client.get(read('db'), signal);
      assert.equal(signerOf(proxy.seen[0]), 'AKIAPROC');
      const bad = await connect({}, { env: { ...files, AWS_PROFILE: 'bad' }, mode: 'local' });
      const error = await failureOf(bad.client.get(read('db'), signal));
      assert.equal(error.message, 'the AWS profile bad gives no credentials');
    });

    it('prefers keys of the environment, and refuses a missing profile and the instance role', async () => {
      const config =
        '[profile a]\nrole_arn = r\nsource_profile = b\n[profile b]\ncredential_source = Ec2InstanceMetadata\n';
      const files = await profiles(config, '');
      const envKeys = { AWS_ACCESS_KEY_ID: 'AKIAENV', AWS_SECRET_ACCESS_KEY: canary };
      const own = await connect({}, { env: { ...files, ...envKeys }, mode: 'local' });
      await own.client.get(read('db'), signal);
      assert.equal(signerOf(proxy.seen[0]), 'AKIAENV');
      const missing = await connect({}, { env: files, mode: 'local' });
      assert.match(
        (await failureOf(missing.client.get(read('db'), signal))).message,
        /^there is no AWS profile default in /,
      );
      const imds = await connect({}, { env: { ...files, AWS_PROFILE: 'a' }, mode: 'local' });
      assert.equal(
        (await failureOf(imds.client.get(read('db'), signal))).message,
        'the AWS profile b takes the instance role, which is never used',
      );
    });
  });
});
