import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { limits } from '../base/limits.ts';
import {
  type CertificateSet,
  certificateOf,
  isOurs,
  leafLifeMs,
  madeAtMs,
  pemsOf,
} from './certificates-set.ts';

/** What a replica knows when it decides. */
export interface Seen {
  /** Wall ms. */
  readonly nowMs: number;
  /** Undefined: the Secret is absent, empty or broken. */
  readonly set: CertificateSet | undefined;
  /** Someone asked for a new authority. */
  readonly rotate: boolean;
  /** The caBundle of every webhook entry, as PEM; none: there is no configuration yet. */
  readonly bundles: readonly string[];
  /** The names by which the API server knows the webhook. */
  readonly names: readonly string[];
  /** How long this replica has seen an authority, by its PEM, in all bundles. */
  readonly trustedMs: (authority: string) => number | undefined;
  /** PEM of the leaf that is served. */
  readonly serving: string | undefined;
}

/**
 * What to write into the Secret. One write at a time, then everything is looked at again: another replica may
 * have been first.
 */
export type Write = 'authority and leaf' | 'authority' | 'leaf' | 'retire';

export interface Plan {
  readonly write: Write | undefined;
  /** The bundles as they should be, in the order of those seen. */
  readonly bundles: readonly string[];
  /** Whether to serve the Secret's leaf from now on. */
  readonly serve: boolean;
}

/**
 * The order that loses no admission: the new authority goes into the bundles, stays there until every API server
 * has it, then signs the leaf; the one before leaves the bundles when all its leaves have ended. Pure.
 */
export function planRotation(seen: Seen): Plan {
  const { set, bundles } = seen;
  if (set === undefined) return { write: 'authority and leaf', bundles, serve: false };
  const wanted = bundles.map((bundle) => bundleWith(bundle, set, seen.nowMs));
  return { write: writeOf(set, seen), bundles: wanted, serve: mayServe(set, seen) };
}

function writeOf(set: CertificateSet, seen: Seen): Write | undefined {
  const { nowMs, rotate, names, trustedMs } = seen;
  const authority = new X509Certificate(set.authority.cert);
  if (isOver(authority, nowMs)) return 'authority and leaf';
  const leaf = set.leaf === undefined ? undefined : new X509Certificate(set.leaf.cert);
  const signer = leaf && signerOf(leaf, set);
  if (leaf === undefined || signer === undefined || isOver(leaf, nowMs) || !covers(leaf, names))
    return 'leaf';
  if (rotate || isDue(authority, nowMs)) return 'authority';
  const isOld = signer !== pemOf(authority);
  const settled = (trustedMs(pemOf(authority)) ?? -1) >= limits.certificateSettleMs;
  if ((isOld || isDue(leaf, nowMs)) && settled) return 'leaf';
  return set.former.length > 0 && !isOld && isSuperseded(authority, nowMs) ? 'retire' : undefined;
}

/** The first leaf may go at once; one that takes another's place waits until every API server knows its authority. */
function mayServe(set: CertificateSet, { nowMs, serving, trustedMs }: Seen): boolean {
  if (set.leaf === undefined || set.leaf.cert === serving) return false;
  const leaf = new X509Certificate(set.leaf.cert);
  const signer = signerOf(leaf, set);
  const trusted = signer === undefined ? undefined : trustedMs(signer);
  if (trusted === undefined || isOver(leaf, nowMs)) return false;
  const current = serving === undefined ? undefined : certificateOf(serving);
  return current === undefined || isOver(current, nowMs) || trusted >= limits.certificateSettleMs;
}

/** PEM of the authority of the set that signed the leaf. */
export function signerOf(leaf: X509Certificate, { authority, former }: CertificateSet): string | undefined {
  return [authority.cert, ...former].flatMap(pemsOf).find((pem) => {
    const candidate = new X509Certificate(pem);
    return leaf.checkIssued(candidate) && leaf.verify(candidate.publicKey);
  });
}

/** With the authorities of the set; without what has ended, and without those of ours that nobody serves any more. */
function bundleWith(bundle: string, set: CertificateSet, nowMs: number): string {
  const authority = new X509Certificate(set.authority.cert);
  const ours = [set.authority.cert, ...set.former].flatMap(pemsOf);
  const others = pemsOf(bundle).filter((pem) => {
    const certificate = new X509Certificate(pem);
    const forgotten = !ours.includes(pem) && isOurs(certificate) && isSuperseded(authority, nowMs);
    return !forgotten && !isOver(certificate, nowMs);
  });
  const added = ours.filter((pem) => !others.includes(pem) && !isOver(new X509Certificate(pem), nowMs));
  return [...others, ...added].join('');
}

/** Every leaf that another authority signed was signed before this one was made, and has ended. */
function isSuperseded(authority: X509Certificate, nowMs: number): boolean {
  return nowMs >= madeAtMs(authority) + leafLifeMs;
}

function isOver({ validToDate }: X509Certificate, nowMs: number): boolean {
  return nowMs >= validToDate.getTime();
}

/** Less than a third of its life is left. */
function isDue({ validFromDate, validToDate }: X509Certificate, nowMs: number): boolean {
  const [from, to] = [validFromDate.getTime(), validToDate.getTime()];
  return nowMs >= to - (to - from) / 3;
}

function covers(leaf: X509Certificate, names: readonly string[]): boolean {
  return names.every((name) => (isIP(name) === 0 ? leaf.checkHost(name) : leaf.checkIP(name)) !== undefined);
}

function pemOf(certificate: X509Certificate): string {
  return certificate.toString();
}
