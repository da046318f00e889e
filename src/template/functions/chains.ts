import { type Call, GoError } from '../func.ts';
import { stringSlice } from '../value.ts';
import { decodePem, encodePem, firstBlock } from './pem-block.ts';
import { type Certificate, parseCertificate } from './x509.ts';

/** ESO's functions over PEM texts: filterPEM, filterCertChain and certSANs. */

/** From the first BEGIN on. */
function withoutLead(text: string): string {
  const at = text.indexOf('-----BEGIN');
  return at < 0 ? text : text.slice(at);
}

export const filterPEM: Call = ([type, text], context) => {
  const wanted = (type as string).toUpperCase();
  let rest = withoutLead(text as string);
  let blocks = '';
  for (;;) {
    context.step(1 + (rest.length >> 10));
    const decoded = decodePem(rest);
    rest = decoded.rest;
    if (decoded.block === undefined) break;
    const { block } = decoded;
    if (block.type.toUpperCase() === wanted) blocks += encodePem(block.type, block.bytes, block.headers);
  }
  if (blocks === '' && rest !== '') throw new GoError('error filtering pem: found junk');
  return blocks;
};

export const filterCertChain: Call = ([kind, text], context) => {
  const chain = orderedChain(certificatesIn(text as string, context));
  if (kind === 'leaf') {
    const leaf = chain[0]!;
    const isSigned = leaf.authorityKeyId !== undefined && !isRoot(leaf);
    return isSigned ? certificatePem(leaf) : '';
  }
  if (kind === 'intermediate') {
    const rest = chain.slice(1);
    const root = rest.findIndex(isRoot);
    return (root < 0 ? rest : rest.slice(0, root)).map(certificatePem).join('');
  }
  const last = chain.at(-1)!;
  return kind === 'root' && isRoot(last) ? certificatePem(last) : '';
};

export const certSANs: Call = ([text]) => {
  const { names } = parseCertificate(firstBlock(withoutLead(text as string)).bytes);
  return stringSlice([...names.dns, ...names.ips, ...names.emails, ...names.uris]);
};

export function certificatePem(certificate: Certificate): string {
  return encodePem('CERTIFICATE', certificate.raw);
}

function isRoot({ authorityKeyId, subjectKeyId }: Certificate): boolean {
  return authorityKeyId === undefined || sameId(authorityKeyId, subjectKeyId);
}

/** None counts as empty. */
function sameId(a: Buffer | undefined, b: Buffer | undefined): boolean {
  return (a ?? Buffer.alloc(0)).equals(b ?? Buffer.alloc(0));
}

/** All blocks of a text, which must be certificates, up to what is no block. */
function certificatesIn(text: string, context: { step(count?: number): void }): Certificate[] {
  const found: Certificate[] = [];
  for (let rest = text; ; ) {
    context.step(1 + (rest.length >> 10));
    const decoded = decodePem(rest);
    if (decoded.block === undefined) return found;
    found.push(parseCertificate(decoded.block.bytes));
    rest = decoded.rest;
  }
}

/**
 * From the leaf to the root by key identifiers alone; no signature is looked at. Throws where they do not
 * form one chain.
 */
export function orderedChain(certificates: readonly Certificate[]): Certificate[] {
  const parents = certificates.map((certificate, i) =>
    certificates.findIndex((other, j) => i !== j && sameId(certificate.authorityKeyId, other.subjectKeyId)),
  );
  const leaves = certificates.flatMap((_, i) => (parents.includes(i) ? [] : [i]));
  if (leaves.length > 1) throw new GoError('found multiple leaf or disjunct certificates');
  if (leaves.length === 0) throw new GoError('no leaf certificate found');
  const chain: Certificate[] = [];
  for (let at = leaves[0]!; at >= 0; at = parents[at]!) {
    if (chain.length === certificates.length) throw new GoError('constructing chain resulted in cycle');
    chain.push(certificates[at]!);
  }
  return chain;
}
