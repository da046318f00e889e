import { AgentError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Payload } from '../plan/payload.ts';
import type { ExternalSecret } from '../spec/spec.ts';
import { formatted } from './format.ts';

/** Names and contents of one generation. */
export type Files = ReadonlyMap<string, Buffer>;

/** As Kubernetes checks the keys of a Secret and the names of objects. */
const keyPattern = /^[-._a-zA-Z0-9]{1,253}$/;
const targetPattern = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const nameBytes = 255;

/**
 * The files of a payload: one for each key, and the one of all keys that `format` asks for. Every name is
 * checked here again, whatever was checked before, since here it becomes a path; nothing that begins with `..`
 * passes, which is what the sink's own names begin with.
 */
export function filesOf(externalSecret: ExternalSecret, payload: Payload): Files {
  const files = new Map<string, Buffer>();
  for (const [key, value] of payload.data) {
    if (!isKey(key)) throw refused(`key ${JSON.stringify(key)} cannot name a file`, keyRemedy);
    files.set(key, value.reveal());
  }
  const { format } = externalSecret.options;
  if (format !== 'files') {
    const name = extraFileOf(externalSecret);
    if (Buffer.byteLength(name) > nameBytes)
      throw refused(`file name ${name} is too long`, 'Shorten target.name.');
    if (files.has(name))
      throw refused(`key ${name} and the ${format} file ${name} have one name`, formatRemedy);
    files.set(name, formatted(format, payload.data));
  }
  checkSize(files);
  return files;
}

/** The name of the file that `format` adds, or the empty string: `<target.name>.<format>`. */
export function extraFileOf(externalSecret: ExternalSecret): string {
  const { format } = externalSecret.options;
  return format === 'files' ? '' : `${externalSecret.target.name}.${format}`;
}

export function isKey(key: string): boolean {
  return keyPattern.test(key) && key !== '.' && !key.startsWith('..');
}

/** The name becomes a folder below the output. */
export function checkTargetName(name: string): void {
  if (targetPattern.test(name)) return;
  throw refused(
    `target name ${JSON.stringify(name)} cannot name a folder`,
    'Use lower-case letters, digits, - and dots.',
  );
}

const keyRemedy =
  'Keys have letters, digits, -, _ and dots, at most 253, and do not start with two dots; a rewrite can change them.';
const formatRemedy = 'Rename the key, or choose another format.';

function checkSize(files: Files): void {
  const bytes = [...files.values()].reduce((sum, file) => sum + file.length, 0);
  if (bytes <= limits.payloadBytes) return;
  throw refused(
    `${bytes} bytes are more than the ${limits.payloadBytes} a target may have`,
    'Split the ExternalSecret.',
  );
}

function refused(message: string, remedy: string): AgentError {
  return new AgentError('ValidationRefused', message, { remedy });
}
