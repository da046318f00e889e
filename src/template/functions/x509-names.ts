import { GoError } from '../func.ts';
import { isValidUtf8 } from '../utf8.ts';
import { children, expect, type Node, oidText, tags } from './der.ts';

/** What Go's crypto/x509 refuses of the names and times of a certificate. Throws GoError or DerError. */

export function checkName(name: Node): void {
  for (const relative of children(name)) {
    for (const attribute of children(relative, tags.set)) {
      const [type, value] = children(attribute);
      oidText(type);
      if (value === undefined || !isSound(value)) throw new GoError('x509: invalid RDNSequence');
    }
  }
}

function isSound({ tag, content }: Node): boolean {
  const text = content.toString('latin1');
  switch (tag) {
    case tags.t61String:
      return true;
    case tags.printableString:
      return /^[A-Za-z0-9'()+,\-./ :=?*&]*$/.test(text);
    case tags.utf8String:
      return isValidUtf8(text);
    case tags.ia5String:
      return /^[\0-\x7f]*$/.test(text);
    case tags.numericString:
      return /^[0-9 ]*$/.test(text);
    case tags.bmpString:
      return content.length % 2 === 0 && isPlane(content);
    default:
      return false;
  }
}

/** No surrogates, and none of the points that are never to be characters. */
function isPlane(content: Buffer): boolean {
  for (let at = 0; at < content.length; at += 2) {
    const point = content.readUInt16BE(at);
    if (point >= 0xfffe || (point >= 0xfdd0 && point <= 0xfdef) || (point >= 0xd800 && point <= 0xdfff)) {
      return false;
    }
  }
  return true;
}

export function checkValidity(validity: Node): void {
  const [notBefore, notAfter] = children(validity);
  for (const time of [notBefore, notAfter]) {
    const pattern = time?.tag === tags.utcTime ? utcTime : generalizedTime;
    if (time?.tag !== tags.utcTime) expect(time, tags.generalizedTime);
    const match = pattern.exec(time!.content.toString('latin1'));
    if (match === null || !isDate(match.groups!)) throw new GoError('x509: malformed time');
  }
}

const monthOn = '(?<month>\\d\\d)(?<day>\\d\\d)(?:[01]\\d|2[0-3])[0-5]\\d';
const zone = '(?:Z|[-+](?:0[1-9]|1\\d|2[0-4]|00(?!00))[0-5]\\d)';
const utcTime = new RegExp(`^(?<year>\\d\\d)${monthOn}(?:[0-5]\\d)?${zone}$`);
const generalizedTime = new RegExp(`^(?<year>\\d{4})${monthOn}[0-5]\\d${zone}$`);

function isDate({ year, month, day }: { [name: string]: string }): boolean {
  // Two digits are of 1969 to 2068 to Go, four apart as leap years are.
  const date = new Date(Date.UTC(2000 + (Number(year) % 400), Number(month) - 1, Number(day)));
  return date.getUTCMonth() === Number(month) - 1 && Number(day) > 0 && Number(month) > 0;
}

/** Of the host of a URI among the alternative names. */
export function isDomain(host: string): boolean {
  return host === '' || /^[\x21-\x2d\x2f-\x7e]+(?:\.[\x21-\x2d\x2f-\x7e]+)*$/.test(host);
}
