import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { after, before, describe as suite, test } from 'node:test';
import { AgentError, type Code } from '../../src/base/errors.ts';
import { bypassesProxy } from '../../src/base/hosts.ts';
import { assertStoreUrl, type HttpOptions, type HttpRequest, openHttp } from '../../src/base/http.ts';
import { type Authority, authority } from '../peers/certificates.ts';
import { type FaultProxy, startFaultProxy } from '../peers/fault-proxy.ts';
import { freePort } from '../peers/process.ts';

const echo: RequestListener = (incoming, outgoing) => {
  const chunks: Buffer[] = [];
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
  incoming.on('end', () => {
    const body = Buffer.concat(chunks).toString('latin1');
    outgoing.setHeader('x-many', ['one', 'two']);
    outgoing.end(
      JSON.stringify({ method: incoming.method, url: incoming.url, headers: incoming.headers, body }),
    );
  });
};

const hasIpv6 = Object.values(networkInterfaces()).some((each) =>
  each?.some(({ address }) => address === '::1'),
);
const noIpv6 = !hasIpv6 && 'this machine has no ::1';

const servers: Server[] = [];

async function listen(server: Server, host = '127.0.0.1'): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return (server.address() as AddressInfo).port;
}

const tlsListen = (options: ServerOptions) => listen(createTlsServer(options, echo));

async function once(options: HttpOptions, request: HttpRequest) {
  const http = openHttp(options);
  try {
    return await http.request(request);
  } finally {
    await http.close();
  }
}

async function fails(
  code: Code,
  message: string | RegExp,
  ...[options, request]: [HttpOptions, HttpRequest]
): Promise<AgentError> {
  const error = await once(options, request).then(
    () => assert.fail('it answered'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof AgentError, String(error));
  assert.equal(error.code, code);
  if (typeof message === 'string') assert.equal(error.message, message);
  else assert.match(error.message, message);
  assert.notEqual(error.remedy, undefined);
  return error;
}

suite('http transport', () => {
  let port: number;
  let proxy: FaultProxy;
  let ours: Authority;
  before(async () => {
    port = await listen(createServer(echo));
    proxy = await startFaultProxy(`http://127.0.0.1:${port}`);
    ours = authority('Test CA');
  });
  after(async () => {
    await proxy.close();
    for (const server of servers) server.close();
  });

  test('sends method, path, query, headers and bytes, and gives status, headers and bytes back', async () => {
    const { status, headers, body } = await once(
      {},
      {
        method: 'POST',
        url: `http://127.0.0.1:${port}/a%2Fb?c=d`,
        headers: { 'X-One': '1' },
        body: Buffer.from([0, 255, 10]),
      },
    );
    const seen = JSON.parse(body.toString());
    assert.equal(status, 200);
    assert.equal(headers['x-many'], 'one, two');
    assert.deepEqual([seen.method, seen.url, seen.headers['x-one']], ['POST', '/a%2Fb?c=d', '1']);
    assert.equal(seen.body, '\u0000\u00ff\n');
  });

  test('reaches an address of IPv6, and names it as the URL does', { skip: noIpv6 }, async () => {
    const host = `[::1]:${await listen(createServer(echo), '::1')}`;
    const { body } = await once({}, { method: 'GET', url: `http://${host}/v1/a%2Fb?c=d` });
    const { url, headers } = JSON.parse(body.toString());
    assert.equal(url, '/v1/a%2Fb?c=d');
    assert.equal(headers.host, host);
  });

  test('returns redirects and errors as answers', async () => {
    for (const status of [307, 404, 500]) {
      proxy.fail({
        on: /./,
        times: 1,
        fault: { kind: 'answer', status, headers: { location: 'http://elsewhere/' } },
      });
      assert.equal((await once({}, { method: 'GET', url: proxy.url })).status, status);
    }
  });

  test('reuses a connection', async () => {
    const http = openHttp();
    const before = servers[0]!;
    let connections = 0;
    const counted = () => connections++;
    before.on('connection', counted);
    for (let i = 0; i < 5; i++) await http.request({ method: 'GET', url: `http://127.0.0.1:${port}/` });
    before.off('connection', counted);
    await http.close();
    assert.equal(connections, 1);
  });

  suite('faults', () => {
    test('refused', async () => {
      const closed = await freePort();
      await fails(
        'Unavailable',
        `127.0.0.1:${closed} refuses the connection`,
        {},
        get(`http://127.0.0.1:${closed}`),
      );
      await fails(
        'Unavailable',
        `localhost:${closed} refuses the connection`,
        {},
        get(`http://localhost:${closed}`),
      );
    });

    test('reset, and cut within the body', async () => {
      const message = `127.0.0.1:${proxy.port} closed the connection before it answered`;
      proxy.fail({ on: /./, times: 1, fault: { kind: 'reset' } });
      await fails('Unavailable', message, {}, get(proxy.url));
      proxy.fail({ on: /./, times: 1, fault: { kind: 'truncate', bytes: 5 } });
      await fails('Unavailable', message, {}, get(proxy.url));
    });

    test('a hang and a drip end at the deadline', async () => {
      const request = { ...get(proxy.url), timeoutMs: 200 };
      for (const fault of [{ kind: 'hang' }, { kind: 'drip', everyMs: 50 }] as const) {
        proxy.fail({ on: /./, times: 1, fault });
        await fails('Unavailable', `127.0.0.1:${proxy.port} did not answer within 0.2 s`, {}, request);
      }
    });

    test("the caller's abort is the caller's reason", async () => {
      proxy.fail({ on: /./, times: 1, fault: { kind: 'hang' } });
      const abort = new AbortController();
      const reason = new Error('enough');
      const pending = once({}, { ...get(proxy.url), signal: abort.signal });
      abort.abort(reason);
      await assert.rejects(pending, (thrown) => thrown === reason);
    });

    test('too large an answer is refused, with and without its length told', async () => {
      await fails(
        'DecodeFailed',
        `127.0.0.1:${port} sent more than 10 bytes`,
        {},
        { ...get(`http://127.0.0.1:${port}`), maxBytes: 10 },
      );
    });

    test('unknown name', async () => {
      const error = await fails(
        'Unavailable',
        /no-such-host\.invalid/,
        {},
        get('https://no-such-host.invalid'),
      );
      assert.match(error.message, /does not resolve|DNS does not answer/);
    });

    test('not HTTP', async () => {
      const smtp = await listen(createTcpServer((socket) => socket.end('220 mail ready\r\n')));
      await fails(
        'Unavailable',
        `127.0.0.1:${smtp} answers with something that is not HTTP`,
        {},
        get(`http://127.0.0.1:${smtp}`),
      );
    });

    test('a header with a line break never leaves, and is not printed', async () => {
      const request = { ...get(proxy.url), headers: { 'x-vault-token': 'CANARY\n' } };
      const error = await fails('SpecInvalid', /header that HTTP does not allow/, {}, request);
      assert.doesNotMatch(JSON.stringify({ ...error, message: error.message }), /CANARY/);
    });
  });

  suite('TLS', () => {
    test('roots: none fits, only ours, ours besides', async () => {
      const tls = await tlsListen(ours.issue({ names: ['localhost'] }));
      const request = get(`https://localhost:${tls}`);
      const error = await fails(
        'Unavailable',
        `the certificate of localhost:${tls} is signed by an authority that is not trusted here`,
        {},
        request,
      );
      assert.match(error.remedy!, /caBundle or caProvider of the store or with --ca-file/);
      assert.equal((await once({ onlyCa: ours.cert }, request)).status, 200);
      assert.equal((await once({ ca: ours.cert }, request)).status, 200);
      const other = authority('Other CA').cert;
      assert.equal((await once({ onlyCa: other, ca: ours.cert }, request)).status, 200);
      await fails('Unavailable', /not trusted/, { onlyCa: other }, request);
    });

    test('self-signed', async () => {
      const tls = await tlsListen(ours);
      await fails('Unavailable', /not trusted/, {}, get(`https://localhost:${tls}`));
    });

    test('expired, not yet valid, other names', async () => {
      const day = 86_400_000;
      const cases = [
        [
          { names: ['localhost'], validTo: new Date(Date.now() - 60_000) },
          /, or one in its chain, has expired$/,
        ],
        [{ names: ['localhost'], validFrom: new Date(Date.now() + day / 2) }, / is not valid yet$/],
        [{ names: ['elsewhere.test'] }, / is for other names$/],
      ] as const;
      for (const [issue, message] of cases) {
        const tls = await tlsListen(ours.issue(issue));
        await fails('Unavailable', message, { onlyCa: ours.cert }, get(`https://localhost:${tls}`));
      }
    });

    test('https to a plain port', async () => {
      await fails(
        'Unavailable',
        `127.0.0.1:${port} does not speak TLS`,
        {},
        get(`https://127.0.0.1:${port}`),
      );
    });

    test('client certificate', async () => {
      const server = ours.issue({ names: ['localhost'] });
      const client = ours.issue({ names: ['client'] });
      const tls = await tlsListen({ ...server, ca: ours.cert, requestCert: true, rejectUnauthorized: true });
      const request = get(`https://localhost:${tls}`);
      assert.equal((await once({ onlyCa: ours.cert, ...client }, request)).status, 200);
      await fails('Unavailable', /closed the connection|TLS handshake/, { onlyCa: ours.cert }, request);
    });

    test('NODE_TLS_REJECT_UNAUTHORIZED=0 turns nothing off', async () => {
      const tls = await tlsListen(ours.issue({ names: ['localhost'] }));
      const kept = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
      try {
        await fails('Unavailable', /not trusted/, {}, get(`https://localhost:${tls}`));
      } finally {
        if (kept === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
        else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = kept;
      }
    });
  });

  suite('proxy', () => {
    // Names that only the proxy is asked for: the forwarder sends everything on to the one server it knows.
    const through = (): HttpOptions => ({ proxy: `http://me:CANARY@127.0.0.1:${proxy.port}` });

    test('https goes through CONNECT, with credentials; the certificate is the target\u2019s', async () => {
      const tls = await tlsListen(ours.issue({ names: ['target.test'] }));
      proxy.forget();
      proxy.fail({ on: /^CONNECT target\.test/, fault: { kind: 'answer', status: 407 } });
      const request = get(`https://target.test:${tls}`);
      const error = await fails(
        'Unavailable',
        `the proxy 127.0.0.1:${proxy.port} answers 407 for target.test:${tls}`,
        { ...through(), onlyCa: ours.cert },
        request,
      );
      assert.match(error.remedy!, /--proxy/);
      assert.equal(proxy.seen[0]!.headers['proxy-authorization'], `Basic ${btoa('me:CANARY')}`);
      proxy.heal();
    });

    const outer = Object.values(networkInterfaces())
      .flat()
      .find((each) => each?.family === 'IPv4' && !each.internal);
    const noNetwork = outer === undefined && 'this machine has no address but loopback';

    test('https through the tunnel and http without one both arrive', { skip: noNetwork }, async () => {
      const { address } = outer!;
      const secure = createTlsServer(ours.issue({ names: [address] }), echo);
      const plain = createServer(echo);
      const [tls, http] = [await listen(secure, '0.0.0.0'), await listen(plain, '0.0.0.0')];
      proxy.forget();
      const options = { ...through(), onlyCa: ours.cert };
      assert.equal((await once(options, get(`https://${address}:${tls}/x`))).status, 200);
      assert.equal((await once(options, get(`http://${address}:${http}/x`))).status, 200);
      assert.deepEqual(
        proxy.seen.map(({ method }) => method),
        ['CONNECT', 'GET'],
      );
      const other = await listen(createTlsServer(ours.issue({ names: ['other.test'] }), echo), '0.0.0.0');
      await fails(
        'Unavailable',
        / is for other names through the proxy /,
        options,
        get(`https://${address}:${other}`),
      );
    });

    test('noProxy goes around it', async () => {
      const tls = await tlsListen(ours.issue({ names: ['localhost'] }));
      proxy.forget();
      const options = { ...through(), noProxy: ['other'], onlyCa: ours.cert };
      assert.equal((await once(options, get(`https://localhost:${tls}`))).status, 200);
      assert.equal(proxy.seen.length, 0, 'loopback never uses the proxy');
    });

    test('a proxy that is not there is named', async () => {
      const closed = await freePort();
      await fails(
        'Unavailable',
        `target.test refuses the connection through the proxy 127.0.0.1:${closed}`,
        { proxy: `http://127.0.0.1:${closed}` },
        get('https://target.test'),
      );
    });

    test('what goes around', () => {
      const table: [string, string[], boolean][] = [
        ['https://vault.corp.test', [], false],
        ['https://vault.corp.test', ['*'], true],
        ['https://vault.corp.test', ['corp.test'], true],
        ['https://corp.test', ['corp.test'], true],
        ['https://corp.test', ['.corp.test'], false],
        ['https://vault.corp.test', ['.corp.test'], true],
        ['https://vault.corp.test', ['*.corp.test'], true],
        ['https://vaultcorp.test', ['corp.test'], false],
        ['https://vault.corp.test:8200', ['vault.corp.test:8200'], true],
        ['https://vault.corp.test:8201', ['vault.corp.test:8200'], false],
        ['https://VAULT.corp.test.', [' Vault.Corp.Test '], true],
        ['https://10.1.2.3', ['10.0.0.0/8'], true],
        ['https://11.1.2.3', ['10.0.0.0/8'], false],
        ['https://[fd00::1]:8200', ['fd00::/8'], true],
        ['https://10.1.2.3', ['10.1.2.3'], true],
        ['https://10.1.2.3', ['2.3'], false],
        ['https://vault', [''], false],
        ['https://vault', ['10.0.0.0/99'], false],
        ['http://localhost:8200', [], true],
        ['http://127.0.0.5', [], true],
        ['http://169.254.170.23', [], true],
      ];
      for (const [url, noProxy, expected] of table) {
        assert.equal(bypassesProxy(new URL(url), noProxy), expected, `${url} ${noProxy}`);
      }
    });
  });

  suite('link-local', () => {
    const targets = [
      '169.254.169.254',
      '[fe80::1]',
      '[fd00:ec2::254]',
      '[::ffff:169.254.169.254]',
      '0xa9fea9fe',
    ];
    test('is never connected to', async () => {
      for (const target of targets) {
        await fails(
          'Unavailable',
          / is a link-local or metadata address$/,
          {},
          get(`http://${target}/latest`),
        );
      }
    });

    test('is refused as a store', () => {
      for (const target of targets) {
        assert.throws(() => assertStoreUrl(`https://${target}`, { allow: undefined, insecure: true }), {
          code: 'SpecInvalid',
          message: / is a link-local or metadata address$/,
        });
      }
    });
  });
});

suite('assertStoreUrl', () => {
  const open = { allow: undefined, insecure: false };
  const accepted: [string, Parameters<typeof assertStoreUrl>[1]][] = [
    ['https://vault.test:8200', open],
    ['http://127.0.0.1:8200', open],
    ['http://localhost:8200', open],
    ['http://[::1]:8200', open],
    ['http://vault.test', { allow: undefined, insecure: true }],
    ['https://vault.test:8200', { allow: ['vault.test'], insecure: false }],
    ['https://vault.test:8200', { allow: ['vault.test:8200'], insecure: false }],
    ['https://[::1]:8200', { allow: ['[::1]:8200'], insecure: false }],
    ['https://VAULT.test', { allow: [' Vault.Test'], insecure: false }],
    ['https://sts.eu-west-1.amazonaws.com', { allow: ['*.amazonaws.com'], insecure: false }],
  ];
  const refused: [string, Parameters<typeof assertStoreUrl>[1], string, string][] = [
    ['vault', open, 'this is not a URL', 'write it as https://host:port'],
    ['ftp://vault.test', open, 'ftp:// is not a way to reach a store', 'write it as https://host:port'],
    [
      'https://a:b@vault.test',
      open,
      'a store URL must not hold credentials',
      "move them to the store's auth",
    ],
    [
      'http://vault.test',
      open,
      'vault.test would be reached over plain http',
      'use https, or start with --insecure-stores',
    ],
    [
      'https://evil.test',
      { allow: ['vault.test', '*.evil.test'], insecure: false },
      'evil.test is not among the hosts of --stores-allow',
      'add evil.test to --stores-allow',
    ],
    [
      'https://vault.test:8201',
      { allow: ['vault.test:8200'], insecure: false },
      'vault.test:8201 is not among the hosts of --stores-allow',
      'add vault.test to --stores-allow',
    ],
    [
      'https://notamazonaws.com',
      { allow: ['*.amazonaws.com'], insecure: false },
      'notamazonaws.com is not among the hosts of --stores-allow',
      'add notamazonaws.com to --stores-allow',
    ],
    [
      'https://vault.test',
      { allow: [], insecure: false },
      'vault.test is not among the hosts of --stores-allow',
      'add vault.test to --stores-allow',
    ],
  ];

  test('accepts', () => {
    for (const [url, policy] of accepted) assert.equal(assertStoreUrl(url, policy).href, new URL(url).href);
  });

  test('refuses, with the place and the way out', () => {
    for (const [url, policy, message, remedy] of refused) {
      const at = { field: 'spec.provider.vault.server' };
      assert.throws(() => assertStoreUrl(url, policy, at), { code: 'SpecInvalid', message, remedy, at });
    }
  });
});

function get(url: string): HttpRequest {
  return { method: 'GET', url };
}
