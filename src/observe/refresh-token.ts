import { createHash, timingSafeEqual } from 'node:crypto';
import { open } from 'node:fs/promises';
import { limits } from '../base/limits.ts';

const remedy = 'send the token of --refresh-token-file as `Authorization: Bearer TOKEN`';

/** Why a refresh over TCP is refused, for the caller to read; undefined when it is allowed. The file is read at
 * every request, so a rotated token counts at once. */
export async function refuseRefresh(
  file: string | undefined,
  authorization: string | undefined,
): Promise<string | undefined> {
  if (file === undefined) return 'refresh over HTTP is off: start the agent with --refresh-token-file FILE';
  const wanted = await readToken(file);
  if (wanted === undefined) return 'the file of --refresh-token-file is unreadable, empty or too large';
  const sent = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  if (sent === undefined) return `no token: ${remedy}`;
  return timingSafeEqual(digest(sent), digest(wanted)) ? undefined : `wrong token: ${remedy}`;
}

async function readToken(file: string): Promise<string | undefined> {
  try {
    await using handle = await open(file, 'r');
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(limits.refreshTokenFileBytes + 1));
    const token = buffer.toString('utf8', 0, bytesRead).trim();
    return token === '' || bytesRead > limits.refreshTokenFileBytes ? undefined : token;
  } catch {
    return undefined;
  }
}

/** Digests are of one length, which the comparison needs and which hides the token's own. */
function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
