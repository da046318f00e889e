import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { connect } from 'node:tls';
import fc from 'fast-check';
import { limits } from '../../src/base/limits.ts';
import { type Plan, planRotation, type Seen, signerOf } from '../../src/inject/certificates-plan.ts';
import {
  authorityLifeMs,
  backdateMs,
  type CertificateSet,
  contentsOf,
  leafLifeMs,
  namesOfNext,
  pemsOf,
  readSet,
  withNewAuthority,
  withNewLeaf,
} from '../../src/inject/certificates-set.ts';
import { authority } from '../peers/certificates.ts';

const names = ['injector.agents.svc', '127.0.0.1', '::1'];
const start = Date.UTC(2026, 0, 1);
const dayMs = 24 * 3_600_000;
const fresh = withNewLeaf(withNewAuthority(undefined, start), names, start);
const settled = () => limits.certificateSettleMs;

function seen(more: Partial<Seen> = {}): Seen {
  const set = 'set' in more ? more.set : fresh;
  return {
    nowMs: start,
    set,
    rotate: false,
    bundles: [set?.authority.cert ?? ''],
    names,
    trustedMs: settled,
    serving: set?.leaf?.cert,
    ...more,
  };
}

function next(set: CertificateSet | undefined, { write }: Plan, nowMs: number): CertificateSet | undefined {
  if (write === undefined) return set;
  if (set === undefined || write === 'authority and leaf')
    return withNewLeaf(withNewAuthority(set, nowMs), names, nowMs);
  if (write === 'authority') return withNewAuthority(set, nowMs);
  return write === 'leaf' ? withNewLeaf(set, names, nowMs) : { ...set, former: [] };
}

describe('certificates of the injector', () => {
  test('a TLS client that trusts the authority accepts the leaf under each of its names', async () => {
    const set = withNewLeaf(withNewAuthority(undefined, Date.now()), names, Date.now());
    const server = createServer({ ...set.leaf! });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    for (const servername of ['injector.agents.svc', '']) {
      await new Promise<void>((resolve, reject) => {
        const socket = connect({ port, host: '127.0.0.1', ca: set.authority.cert, servername }, () => {
          socket.end();
          resolve();
        });
        socket.once('error', reject);
      });
    }
    await new Promise((resolve) => server.close(resolve));
  });

  test('say what they are for, and for how long', () => {
    const ca = new X509Certificate(fresh.authority.cert);
    const leaf = new X509Certificate(fresh.leaf!.cert);
    assert.deepEqual([ca.ca, leaf.ca], [true, false]);
    assert.ok(leaf.checkIssued(ca) && leaf.verify(ca.publicKey) && ca.verify(ca.publicKey));
    assert.equal(leaf.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
    assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1']);
    assert.equal(leaf.validFromDate.getTime(), start - backdateMs);
    assert.equal(leaf.validToDate.getTime(), start + leafLifeMs);
    assert.equal(ca.validToDate.getTime(), start + authorityLifeMs);
    assert.deepEqual([leaf.checkHost(names[0]!), leaf.checkIP(names[1]!), leaf.checkIP(names[2]!)], names);
  });

  test('dates beyond 2049 have the other form', () => {
    const late = withNewAuthority(undefined, Date.UTC(2048, 6, 1));
    assert.equal(new X509Certificate(late.authority.cert).validToDate.getUTCFullYear(), 2050);
  });

  test('a leaf ends with its authority', () => {
    const nowMs = start + authorityLifeMs - dayMs;
    const { leaf } = withNewLeaf(fresh, names, nowMs);
    assert.equal(new X509Certificate(leaf!.cert).validToDate.getTime(), start + authorityLifeMs);
  });

  test('are read back from a Secret as they were written; what does not fit together is not read', () => {
    const former = pemsOf(withNewAuthority(undefined, start).authority.cert);
    const set = { ...fresh, former };
    assert.deepEqual(readSet(contentsOf(set)), set);
    assert.equal(readSet({ ...contentsOf(set), 'ca.key': contentsOf(set)['tls.key']! }), undefined);
    assert.equal(readSet({ ...contentsOf(set), 'tls.key': 'AAAA' })?.leaf, undefined);
    assert.equal(readSet({}), undefined);
    assert.equal(readSet(undefined), undefined);
  });
});

describe('planRotation', () => {
  test('an empty or broken Secret is given all', () => {
    const plan = planRotation(seen({ set: undefined, bundles: ['theirs'] }));
    assert.deepEqual(plan, { write: 'authority and leaf', bundles: ['theirs'], serve: false });
  });

  test('when all is well nothing happens', () => {
    const pem = pemsOf(fresh.authority.cert).join('');
    assert.deepEqual(planRotation(seen({ bundles: [pem, pem] })), {
      write: undefined,
      bundles: [pem, pem],
      serve: false,
    });
  });

  test('a leaf is renewed when a third of its life is left, an authority too', () => {
    const at = (nowMs: number) => planRotation(seen({ nowMs })).write;
    assert.equal(at(start + 19 * dayMs), undefined);
    assert.equal(at(start + 20 * dayMs), 'leaf');
    const old = withNewLeaf(fresh, names, start + 490 * dayMs);
    assert.equal(planRotation(seen({ set: old, nowMs: start + 486 * dayMs })).write, undefined);
    assert.equal(planRotation(seen({ set: old, nowMs: start + 488 * dayMs })).write, 'authority');
  });

  test('another name, a leaf of a stranger and one that ended are replaced at once', () => {
    const stranger = authority('stranger').issue({ names });
    const cases = [
      seen({ names: [...names, 'other.example.com'] }),
      seen({ set: { ...fresh, leaf: stranger } }),
      seen({ set: { ...fresh, leaf: undefined } }),
      seen({ nowMs: start + leafLifeMs }),
    ];
    for (const each of cases)
      assert.equal(planRotation({ ...each, trustedMs: () => undefined }).write, 'leaf');
  });

  test('while replicas of two kinds run, a leaf has the names of both', () => {
    const both = namesOfNext(fresh, ['new.example.com']);
    assert.deepEqual([...both].slice(0, 3), ['new.example.com', 'injector.agents.svc', '127.0.0.1']);
    const set = withNewLeaf(fresh, both, start);
    assert.equal(planRotation(seen({ set })).write, undefined);
    assert.equal(planRotation(seen({ set, names: ['new.example.com'] })).write, undefined);
    assert.deepEqual(namesOfNext(set, ['new.example.com']), ['new.example.com']);
  });

  test('an authority that ended is followed at once', () => {
    assert.equal(planRotation(seen({ nowMs: start + authorityLifeMs })).write, 'authority and leaf');
  });

  test('on request: bundle, wait, leaf, wait for the old leaf, bundle', () => {
    assert.equal(planRotation(seen({ rotate: true })).write, 'authority');
    const rotated = withNewAuthority(fresh, start);
    const [newer, older] = [rotated.authority.cert, fresh.authority.cert].map((pem) => pemsOf(pem)[0]!);
    assert.equal(signerOf(new X509Certificate(rotated.leaf!.cert), rotated), older);

    const published = planRotation(seen({ set: rotated, bundles: [older!], trustedMs: () => undefined }));
    assert.deepEqual(published, { write: undefined, bundles: [older! + newer!], serve: false });

    const both = [older! + newer!];
    const early = () => limits.certificateSettleMs - 1;
    assert.equal(planRotation(seen({ set: rotated, bundles: both, trustedMs: early })).write, undefined);
    assert.equal(planRotation(seen({ set: rotated, bundles: both })).write, 'leaf');

    const switched = withNewLeaf(rotated, names, start);
    const serving = fresh.leaf!.cert;
    assert.equal(
      planRotation(seen({ set: switched, bundles: both, serving, trustedMs: early })).serve,
      false,
    );
    assert.equal(planRotation(seen({ set: switched, bundles: both, serving })).serve, true);

    const late = withNewLeaf(switched, names, start + leafLifeMs - dayMs);
    const before = planRotation(seen({ set: late, bundles: both, nowMs: start + leafLifeMs - 1_000 }));
    assert.deepEqual([before.write, before.bundles], [undefined, both]);
    const nowMs = start + leafLifeMs;
    assert.equal(planRotation(seen({ set: late, bundles: both, nowMs })).write, 'retire');
    const retired = { ...late, former: [] };
    assert.deepEqual(planRotation(seen({ set: retired, bundles: both, nowMs })).bundles, [newer]);
  });

  test('the first leaf is served as soon as every bundle trusts it, not before', () => {
    const first = { serving: undefined, bundles: [''] };
    assert.equal(planRotation(seen({ ...first, trustedMs: () => undefined })).serve, false);
    assert.equal(planRotation(seen({ ...first, trustedMs: () => 0 })).serve, true);
  });

  test('entries of others stay, those that ended go, text that is no certificate goes', () => {
    const foreign = pemsOf(authority('foreign').cert)[0]!;
    const gone = withNewAuthority(undefined, start - authorityLifeMs).authority.cert;
    const junk = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    const { bundles } = planRotation(seen({ bundles: [foreign + gone + junk + foreign] }));
    assert.deepEqual(bundles, [foreign + pemsOf(fresh.authority.cert)[0]]);
  });

  test('an authority of ours that a lost Secret held stays while its leaf may be served', () => {
    const lost = pemsOf(withNewAuthority(undefined, start - dayMs).authority.cert)[0]!;
    const ours = pemsOf(fresh.authority.cert)[0]!;
    const at = (nowMs: number, set = fresh) =>
      planRotation(seen({ nowMs, set, bundles: [lost + ours] })).bundles;
    assert.deepEqual(at(start), [lost + ours]);
    assert.deepEqual(at(start + leafLifeMs, withNewLeaf(fresh, names, start + 25 * dayMs)), [ours]);
  });

  test('property: over years of turns, rotations and lost Secrets whatever is served is trusted by what was seen', () => {
    const turn = fc.record({
      days: fc.integer({ min: 0, max: 45 }),
      rotate: fc.boolean(),
      lost: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    });
    fc.assert(
      fc.property(fc.array(turn, { minLength: 5, maxLength: 25 }), (turns) => {
        let set: CertificateSet | undefined;
        let bundle = '';
        let serving: string | undefined;
        let nowMs = start;
        for (const { days, rotate, lost } of turns) {
          nowMs += days * dayMs;
          if (lost) set = undefined;
          for (let step = 0, asked = rotate; step < 6; step++) {
            const trusts = pemsOf(bundle);
            const trustedMs = (pem: string) => (trusts.includes(pemsOf(pem)[0]!) ? settled() : undefined);
            const plan = planRotation({
              nowMs,
              set,
              rotate: asked,
              bundles: [bundle],
              names,
              trustedMs,
              serving,
            });
            if (plan.write === 'authority' || plan.write === 'authority and leaf') asked = false;
            set = next(set, plan, nowMs);
            if (plan.write !== undefined) continue;
            if (plan.serve) serving = set?.leaf?.cert;
            bundle = plan.bundles[0]!;
          }
          assert.ok(serving !== undefined && set !== undefined);
          const leaf = new X509Certificate(serving);
          assert.ok(leaf.validToDate.getTime() > nowMs, 'what is served has not ended');
          assert.ok(pemsOf(bundle).some((pem) => leaf.verify(new X509Certificate(pem).publicKey)));
        }
      }),
      { numRuns: 15, seed: 6 },
    );
  });
});
