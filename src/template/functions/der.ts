/** Just enough DER, both ways, for certificates, keys and PKCS#12. */

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  numericString: 0x12,
  t61String: 0x14,
  sequence: 0x30,
  set: 0x31,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
} as const;

/** Bytes that are not the DER they should be. */
export class DerError extends Error {}

export function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), lengthBytes(content.length), content]);
}

function lengthBytes(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const hex = length.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes]);
}

export const sequence = (...contents: readonly Uint8Array[]): Buffer => der(tags.sequence, ...contents);
export const octets = (content: Uint8Array): Buffer => der(tags.octetString, content);
export const bits = (content: Uint8Array, unusedBits = 0): Buffer =>
  der(tags.bitString, Buffer.from([unusedBits]), content);
/** `[number] EXPLICIT`. */
export const explicit = (number: number, ...contents: readonly Uint8Array[]): Buffer =>
  der(0xa0 | number, ...contents);
/** `[number] IMPLICIT` over something primitive. */
export const implicit = (number: number, content: Uint8Array): Buffer => der(0x80 | number, content);

/** Text as Go writes it: printable where it may be, else UTF-8. Takes a binary string. */
export function textString(text: string): Buffer {
  const tag = /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(text) ? tags.printableString : tags.utf8String;
  return der(tag, Buffer.from(text, 'latin1'));
}

/** A number that is not negative. */
export function integer(value: bigint): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  return der(tags.integer, ...((bytes[0] ?? 0) >= 0x80 ? [Buffer.from([0]), bytes] : [bytes]));
}

export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const septets = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) {
      septets.unshift((left & 0x7f) | 0x80);
    }
    return septets;
  });
  return der(tags.oid, Buffer.from(bytes));
}

export interface Node {
  readonly tag: number;
  readonly content: Buffer;
  /** Tag and length included. */
  readonly raw: Buffer;
}

/** The one value that the bytes hold. */
export function readDer(bytes: Buffer): Node {
  const node = nodeAt(bytes, 0);
  if (node.raw.length !== bytes.length) throw new DerError('trailing data');
  return node;
}

/** The values within a sequence or set. */
export function children(node: Node, tag: number = tags.sequence): Node[] {
  expect(node, tag);
  const found: Node[] = [];
  for (let at = 0; at < node.content.length; at += found.at(-1)!.raw.length)
    found.push(nodeAt(node.content, at));
  return found;
}

/** The node, if it has the tag. */
export function expect(node: Node | undefined, tag: number): Node {
  if (node === undefined || node.tag !== tag) throw new DerError('structure error');
  return node;
}

function nodeAt(bytes: Buffer, start: number): Node {
  const tag = bytes[start];
  const first = bytes[start + 1];
  // Tags of several bytes do not occur in what is read here.
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) throw new DerError('syntax error');
  const width = first < 0x80 ? 0 : first & 0x7f;
  const header = 2 + width;
  if (first === 0x80 || width > 4 || start + header > bytes.length) throw new DerError('syntax error');
  const length = width === 0 ? first : bytes.readUIntBE(start + 2, width);
  if (width > 0 && (length < 0x80 || length < 256 ** (width - 1))) throw new DerError('non-minimal length');
  const end = start + header + length;
  if (end > bytes.length) throw new DerError('data truncated');
  return { tag, content: bytes.subarray(start + header, end), raw: bytes.subarray(start, end) };
}

/** An object identifier as dotted numbers. */
export function oidText(node: Node | undefined): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of expect(node, tags.oid).content) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      arcs.push(arc);
      arc = 0;
    }
  }
  const first = Math.min(Math.floor((arcs[0] ?? 0) / 40), 2);
  return [first, (arcs[0] ?? 0) - first * 40, ...arcs.slice(1)].join('.');
}

/** A small number. */
export function numberOf(node: Node | undefined): number {
  const { content } = expect(node, tags.integer);
  if (content.length === 0 || content.length > 6 || content[0]! >= 0x80)
    throw new DerError('number out of range');
  return content.readUIntBE(0, content.length);
}

/** A number that is not negative, of any size. */
export function bigintOf(node: Node | undefined): bigint {
  const { content } = expect(node, tags.integer);
  return BigInt(`0x${content.toString('hex') || '0'}`);
}
