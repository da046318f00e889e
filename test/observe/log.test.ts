import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AgentError } from '../../src/base/errors.ts';
import { Secret } from '../../src/base/secret.ts';
import { type LogOptions, openLog } from '../../src/observe/log.ts';

const marker = 'MARKER-9e107d9d37';

function logged(format: LogOptions['format'], level: LogOptions['level'] = 'debug') {
  const lines: string[] = [];
  const log = openLog({ level, format, colour: false, sink: { write: (line) => lines.push(line) } });
  return { log, lines, all: () => lines.join('') };
}

const denied = new AgentError('Denied', 'no read', {
  at: { file: 'a.yaml', line: 3, column: 5, object: 'ExternalSecret/db', store: 'SecretStore/vault' },
  remedy: 'grant it',
  requestId: 'r-1',
  cause: Object.assign(new Error(marker), { code: 'ECONNRESET', cause: new TypeError(marker) }),
});

describe('json', () => {
  test('one line with level, time, fields and message', () => {
    const { log, lines } = logged('json');
    log.info({ externalSecret: 'db' }, 'synced');
    const { time, ...line } = JSON.parse(lines[0]!);
    assert.deepEqual(line, { level: 'info', externalSecret: 'db', msg: 'synced' });
    assert.match(time, /^\d{4}-\d\d-\d\dT/);
  });

  test('an AgentError tells code, place, remedy, and of its causes the codes alone', () => {
    const { log, lines } = logged('json');
    log.error({ err: denied }, 'failed');
    assert.deepEqual(JSON.parse(lines[0]!).err, {
      code: 'Denied',
      message: 'no read',
      position: 'a.yaml:3:5',
      object: 'ExternalSecret/db',
      store: 'SecretStore/vault',
      remedy: 'grant it',
      requestId: 'r-1',
      causes: ['ECONNRESET', 'TypeError'],
    });
  });

  test('levels below the one asked for are not written', () => {
    const { log, lines } = logged('json', 'warn');
    log.debug({}, 'a');
    log.info({}, 'b');
    log.warn({}, 'c');
    assert.equal(lines.length, 1);
  });
});

describe('values', () => {
  const fields = {
    secret: Secret.of(marker),
    nested: { deep: [Secret.of(marker)], map: { password: Secret.of(marker) } },
    bytes: Buffer.from(marker),
    err: new Error(marker, { cause: new Error(marker) }),
    anyKey: new Error(marker),
    list: [new Error(marker), denied, Buffer.from(marker)],
  };
  for (const format of ['json', 'pretty'] as const) {
    test(`never show in ${format}, whatever the key`, () => {
      const { log, all } = logged(format);
      log.error(fields, 'failed');
      log.error(new Error(marker), 'failed');
      assert.ok(!all().includes(marker), all());
      assert.ok(!all().includes(Buffer.from(marker).toJSON().data.join(',')), all());
      assert.match(all(), /\[secret\]/);
    });
  }
});

describe('pretty', () => {
  test('puts the error beneath, with its place and remedy', () => {
    const { log, all } = logged('pretty');
    log.warn({ externalSecret: 'db', err: denied }, 'failed');
    assert.match(all(), /^\d\d:\d\d:\d\d warn {2}failed externalSecret=db\n/);
    assert.match(all(), /\n +a\.yaml:3:5: ExternalSecret\/db: Denied: no read\n +→ grant it\n$/);
  });

  test('a message cannot move the cursor of a terminal', () => {
    const { log, all } = logged('pretty');
    log.info({ key: '\u001b[2Jx\u0007' }, 'a\u001b[31mb\rc');
    assert.doesNotMatch(all(), /[\u0000-\u0009\u000b-\u001f]/);
  });
});
