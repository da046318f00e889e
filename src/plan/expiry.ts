import { X509Certificate } from 'node:crypto';
import type { SecretMap } from '../base/secret.ts';

const begin = Buffer.from('-----BEGIN CERTIFICATE-----');
const end = Buffer.from('-----END CERTIFICATE-----');

/** Wall ms at which the first certificate of a delivered set ends; undefined when it holds none. What looks like
 * a certificate and is none is left out: it is the app's to judge. */
export function expiryMsOf(entries: SecretMap): number | undefined {
  const endsMs = [...entries.values()].flatMap((value) => certificateEndsMs(value.reveal()));
  return endsMs.length === 0 ? undefined : Math.min(...endsMs);
}

function certificateEndsMs(bytes: Buffer): number[] {
  const endsMs: number[] = [];
  for (let from = bytes.indexOf(begin); from >= 0; from = bytes.indexOf(begin, from + begin.length)) {
    const to = bytes.indexOf(end, from);
    if (to < 0) break;
    try {
      endsMs.push(new X509Certificate(bytes.subarray(from, to + end.length)).validToDate.getTime());
    } catch {
      // Not a certificate.
    }
  }
  return endsMs;
}
