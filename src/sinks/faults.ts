import { AgentError, type AgentErrorInit } from '../base/errors.ts';

/** `ENOSPC` and its like, or the empty string for what is no system error. */
export function errnoOf(thrown: unknown): string {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  return typeof code === 'string' ? code : '';
}

export function refuse(message: string, init: AgentErrorInit): AgentError {
  return new AgentError('PublishFailed', message, init);
}

/** A failure of the file system below `path`, as the user knows that path. The system's own message names our
 * descriptors, which change from run to run, so only its code is used. */
export function publishFailed(thrown: unknown, path: string): AgentError {
  if (thrown instanceof AgentError) return thrown;
  const errno = errnoOf(thrown);
  const [what, remedy] = faults[errno] ?? [`cannot be written (${errno || 'unknown fault'})`, undefined];
  return refuse(`${path} ${what}`, { cause: thrown, ...(remedy === undefined ? {} : { remedy }) });
}

const mount = 'Mount the shared volume there, or name another folder with --output.';
const owner =
  "Let the pod's securityContext give the volume to the agent (fsGroup), or run the agent as the folder's owner.";
const room =
  'Give the volume at least twice the size of its secrets and a page for each file; what was delivered stays.';

/** What an errno means for a volume of secrets, and what helps. */
const faults: Readonly<Record<string, readonly [string, string]>> = {
  ENOENT: ['does not exist, or its parent folder does not', mount],
  ENOTDIR: ['is not a folder (a link in its place is not followed)', `Delete it. ${mount}`],
  ELOOP: ['is a link, which is not followed', `Delete it. ${mount}`],
  EACCES: ['may not be written by this user', owner],
  EPERM: ['may not be written by this user', owner],
  EROFS: ['is read-only', "Mount it writable for the agent; only the application's mount is readOnly."],
  ENOSPC: ['has no room left', room],
  EDQUOT: ['has no room left in its quota', room],
  EIO: ['has a failing medium', mount],
  ENAMETOOLONG: ['would hold a name that is too long', 'Shorten target.name or the key.'],
  EMFILE: ['cannot be opened: too many open files', 'Raise the limit of open files of the container.'],
  EISDIR: ['holds a folder where a link belongs', 'Delete that folder.'],
};
