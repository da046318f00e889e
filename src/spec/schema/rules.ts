import { AgentError } from '../../base/errors.ts';
import { parseSchedule } from '../cron.ts';
import { parseDuration } from '../duration.ts';

/** A rule for strings: what is wrong with this one, or undefined. */
type Rule = (text: string) => Complaint | undefined;

export interface Complaint {
  readonly message: string;
  readonly remedy?: string;
}

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
// Padding is required and CR or LF are ignored, as Go's encoding/base64 has it.
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const scheduleForm =
  /^(@(annually|yearly|monthly|weekly|daily|midnight|hourly)|@every [^\s]+.*|[^\s]+( [^\s]+){4})$/;

/** By the type's name in the notation. */
export const rules: Readonly<Record<string, Rule>> = {
  s: () => undefined,
  s1: (text) => (text === '' ? { message: 'must not be empty' } : undefined),
  name: (text) => pattern(text, subdomain, 253, 'lower-case letters, digits, - and ., up to 253 of them'),
  namespace: (text) => pattern(text, label, 63, 'lower-case letters, digits and -, up to 63 of them'),
  key: keyComplaint,
  pool: (text) => pattern(text, /^[a-z0-9-]+$/, 50, 'lower-case letters, digits and -, up to 50 of them'),
  gsa: (text) =>
    pattern(text, /^.*@.*\.iam\.gserviceaccount\.com$/, 1_000, 'NAME@PROJECT.iam.gserviceaccount.com'),
  bytes: (text) => (isBase64(text) ? undefined : { message: 'is not valid base64' }),
  date: (text) =>
    Number.isNaN(Date.parse(text))
      ? { message: 'is not a date', remedy: 'write it as 2026-01-31T12:00:00Z' }
      : undefined,
  duration: (text) => thrown(() => parseDuration(text)),
  interval: (text) =>
    thrown(() => {
      if (parseDuration(text) < 0) throw new AgentError('SpecInvalid', 'must not be negative');
    }),
  schedule: (text) =>
    text.length > 200 || !scheduleForm.test(text)
      ? { message: `${shown(text)} is not a schedule`, remedy: scheduleRemedy }
      : thrown(() => parseSchedule(text)),
};

const scheduleRemedy =
  'write five fields with one space between them, a shorthand such as @daily, or @every DURATION';

/** Strict base64 as Go's StdEncoding. */
export function isBase64(text: string): boolean {
  return base64.test(text.replace(/[\r\n]/g, ''));
}

/** Keys of a Secret; one that names a folder or its parent would leave the target. */
export function keyComplaint(text: string): Complaint | undefined {
  const complaint = pattern(text, /^[-._a-zA-Z0-9]+$/, 253, 'letters, digits, -, _ and ., up to 253 of them');
  if (complaint !== undefined) return complaint;
  // The API server's rule for ConfigMap and Secret keys: `.`, `..` and whatever starts with `..`.
  if (text !== '.' && !text.startsWith('..')) return undefined;
  return { message: `${shown(text)} cannot be a key`, remedy: 'choose a name that does not start with ..' };
}

function pattern(text: string, form: RegExp, maxLength: number, accepts: string): Complaint | undefined {
  if (text.length <= maxLength && form.test(text)) return undefined;
  return {
    message: text === '' ? 'must not be empty' : `${shown(text)} is not allowed`,
    remedy: `use ${accepts}`,
  };
}

function thrown(check: () => unknown): Complaint | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return error.remedy === undefined
      ? { message: error.message }
      : { message: error.message, remedy: error.remedy };
  }
}

/** A value of the user's in a message, cut short. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
