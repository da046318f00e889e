import { Secret, type SecretMap } from '../base/secret.ts';
import { isMembers } from './schema/conform.ts';
import { keyComplaint, shown } from './schema/rules.ts';
import type { Subject } from './subject.ts';

type Strings = Readonly<Record<string, string>>;

/** The contents of a Secret document: `data` decoded, `stringData` over it; undefined when it is refused. */
export function readSecret(subject: Subject): SecretMap | undefined {
  subject.checkTopLevel(['data', 'stringData', 'type', 'immutable']);
  const decoded = strings(subject, 'data', '<bytes>');
  const plain = strings(subject, 'stringData', '<s>');
  if (subject.refused) return undefined;
  return new Map([...bytes(decoded), ...text(plain)]);
}

/** The contents of a ConfigMap document: `data` and `binaryData`; undefined when it is refused. */
export function readConfigMap(subject: Subject): SecretMap | undefined {
  subject.checkTopLevel(['data', 'binaryData', 'immutable']);
  const plain = strings(subject, 'data', '<s>');
  const decoded = strings(subject, 'binaryData', '<bytes>');
  for (const key of Object.keys(decoded)) {
    if (Object.hasOwn(plain, key))
      subject.problem(['binaryData', key], `${shown(key)} is a key of data already`);
  }
  if (subject.refused) return undefined;
  return new Map([...text(plain), ...bytes(decoded)]);
}

function strings(subject: Subject, field: string, notation: string): Strings {
  const value = subject.valueAt([field]);
  if (value === undefined || value === null) return {};
  const members = subject.conformValue([field], emptied(value), notation) as Strings;
  for (const key of Object.keys(members)) {
    const complaint = keyComplaint(key);
    if (complaint !== undefined) subject.problem([field, key], complaint.message, complaint.remedy);
  }
  return members;
}

/** The API server takes a null here for an empty value. */
function emptied(value: unknown): unknown {
  if (!isMembers(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, member ?? '']));
}

function bytes(members: Strings): [string, Secret][] {
  return Object.entries(members).map(([key, value]) => [key, Secret.of(Buffer.from(value, 'base64'))]);
}

function text(members: Strings): [string, Secret][] {
  return Object.entries(members).map(([key, value]) => [key, Secret.of(value)]);
}
