import type { AgentError } from '../src/base/errors.ts';
import type { ConnectReport, EntryCheck, StoreCheck } from './check-connect.ts';
import type { Output } from './host.ts';
import { type Paint, paintFor, table } from './paint.ts';

/** The doctor's findings for a person: each store, who we are to it, and each key. Remedies are never broken into
 * lines, since most of them are to be pasted. */
export function connectText({ stores, targets }: ConnectReport, output: Output): string {
  const paint = paintFor(output);
  const blocks = stores.map((check) => storeBlock(check, paint));
  const rest = targets.map((error) => `${paint('red', '✘')} ${faultText(error, paint)}`);
  return [...blocks, ...rest, summary(stores)].join('\n\n').concat('\n');
}

export function failuresOf({ stores, targets }: ConnectReport): readonly AgentError[] {
  return [...stores.flatMap((check) => [...storeFault(check), ...entryFaults(check)]), ...targets];
}

/** A store that gives secrets is well, even if it does not say to whom: that may need a right of its own. */
function storeFault({ whoami, entries }: StoreCheck): readonly AgentError[] {
  if (whoami === undefined || !isError(whoami)) return [];
  return entries.some(({ outcome }) => outcome.kind === 'resolved') ? [] : [whoami];
}

function entryFaults({ entries }: StoreCheck): readonly AgentError[] {
  return entries.flatMap(({ outcome }) => (outcome.kind === 'failed' ? [outcome.error] : []));
}

function isError(value: object): value is AgentError {
  return value instanceof Error;
}

function storeBlock(check: StoreCheck, paint: Paint): string {
  const { store, entries } = check;
  const title = `${paint('bold', store.id)} ${paint('dim', store.provider)}`;
  // What keeps the whole store from answering is told once, not at each key.
  const [fault] = storeFault(check);
  const rows = entries.map((entry) => entryRow(entry, fault, paint));
  const faults = distinct(entryFaults(check).filter((error) => !alike(error, fault)));
  return [
    title,
    ...identityLines(check, paint),
    ...table(rows).map((line) => `  ${line}`),
    ...faults.map((error) => `\n  ${faultText(error, paint)}`),
  ].join('\n');
}

function identityLines(check: StoreCheck, paint: Paint): readonly string[] {
  const { whoami } = check;
  if (whoami === undefined) return [`  ${paint('green', '✔')} reachable; it asks for no identity`];
  if (isError(whoami)) {
    const mark =
      storeFault(check).length > 0 ? paint('red', '✘') : paint('yellow', '- who you are is not told:');
    return [`  ${mark} ${faultText(whoami, paint)}`];
  }
  const { principal, method, details } = whoami;
  const facts = Object.entries(details).map(([name, value]) => `${name} ${value}`);
  return [`  ${paint('green', '✔')} ${[`you are ${principal}, by ${method}`, ...facts].join('; ')}`];
}

function entryRow(
  { externalSecret, entry, outcome }: EntryCheck,
  fault: AgentError | undefined,
  paint: Paint,
): string[] {
  const name = `${externalSecret} ${'secretKey' in entry ? entry.secretKey : (entry.at.field ?? 'dataFrom')}`;
  const remote = remoteOf(entry);
  switch (outcome.kind) {
    case 'resolved': {
      const keys = 'secretKey' in entry ? '' : countOf(outcome.keys);
      return [paint('green', '✔'), name, remote, keys];
    }
    case 'left-out':
      return [paint('yellow', '-'), name, remote, `left out, as it may be: ${outcome.reason}`];
    case 'failed':
      return [
        paint('red', '✘'),
        name,
        remote,
        alike(outcome.error, fault) ? 'as above' : paint('red', outcome.error.code),
      ];
  }
}

function remoteOf(entry: EntryCheck['entry']): string {
  if ('kind' in entry && entry.kind === 'find') return 'find';
  const { key, property, version } = 'secretKey' in entry ? entry.remoteRef : entry.extract;
  const at = version === '' ? '' : ` at version ${version}`;
  return `${key}${property === '' ? '' : `: ${property}`}${at}`;
}

function countOf(keys: readonly string[]): string {
  if (keys.length === 0) return 'no key';
  const count = `${keys.length} key${keys.length === 1 ? '' : 's'}`;
  return `${count}: ${shown(keys)}`;
}

function shown(keys: readonly string[]): string {
  return keys.length <= 5 ? keys.join(', ') : `${keys.slice(0, 5).join(', ')} and ${keys.length - 5} more`;
}

function faultText(error: AgentError, paint: Paint): string {
  const { field } = error.at;
  const object =
    error.at.object === undefined ? '' : `${error.at.object}${field === undefined ? '' : ` ${field}`}: `;
  return `${object}${paint('red', error.code)}: ${error.message}${remedyLine(error)}`;
}

function remedyLine({ remedy }: AgentError): string {
  return remedy === undefined ? '' : `\n    → ${remedy}`;
}

function alike(error: AgentError, other: AgentError | undefined): boolean {
  return other !== undefined && error.code === other.code && error.message === other.message;
}

/** The same fault of several entries once, with the first one's place. */
function distinct(errors: readonly AgentError[]): readonly AgentError[] {
  return errors.filter(
    (error, i) => errors.findIndex((other) => alike(error, other) && error.remedy === other.remedy) === i,
  );
}

function summary(stores: readonly StoreCheck[]): string {
  const entries = stores.flatMap((check) => check.entries);
  const resolved = entries.filter(({ outcome }) => outcome.kind !== 'failed').length;
  const well = stores.filter((check) => storeFault(check).length === 0).length;
  return `${well} of ${stores.length} stores answer, ${resolved} of ${entries.length} references resolve`;
}
