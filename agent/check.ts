import { type AgentError, type At, positionOf } from '../src/base/errors.ts';
import { catalog } from '../src/providers/catalog.ts';
import { type ReadFile, readDocuments } from '../src/spec/documents.ts';
import { loadSpecs } from '../src/spec/load.ts';
import { parseSpecs } from '../src/spec/parse.ts';
import type { ExternalSecret, SpecSet } from '../src/spec/spec.ts';
import { regexpMatcher } from '../src/spec/store-ref.ts';
import { regexpFaults } from './check-regexps.ts';
import { templateFaults } from './check-templates.ts';
import type { Config } from './config.ts';
import { excerpt } from './excerpt.ts';
import { type ExitCode, exitCodes, type Host, type Output, UsageError } from './host.ts';
import { paintFor, wrap } from './paint.ts';
import { urlFaults } from './store-urls.ts';

interface Checked {
  readonly files: readonly ReadFile[];
  readonly specs: SpecSet;
  readonly faults: readonly AgentError[];
}

/** `check`: what is wrong with the specs, with its place and its remedy, and nothing fetched. 78 when anything is. */
export async function check(config: Config, host: Host): Promise<ExitCode> {
  if (config.values !== undefined && !config.render)
    throw new UsageError(exitCodes.usage, '--values needs --render');
  const read = await readSpecs(config);
  const chosen = only(read.specs.externalSecrets, config.only, read.specs.problems);
  const checked = config.render ? await addRendered(read, chosen, { config, host }) : read;
  const connected = config.connect ? await tellConnected(checked, chosen, { config, host }) : exitCodes.done;
  host.stdout.write(report(checked, host.stdout));
  return checked.faults.length === 0 ? connected : exitCodes.invalid;
}

/** Prints what the stores answer. An invalid spec outranks what could not be reached. */
async function tellConnected(
  { specs }: Checked,
  chosen: readonly ExternalSecret[],
  around: { readonly config: Config; readonly host: Host },
): Promise<ExitCode> {
  const [{ connect }, { connectText, failuresOf }] = await Promise.all([
    import('./check-connect.ts'),
    import('./connect-report.ts'),
  ]);
  const { stdout } = around.host;
  const found = await connect(specs, chosen, around);
  stdout.write(`${connectText(found, stdout)}\n`);
  const failures = failuresOf(found);
  if (failures.some(({ code }) => code === 'SpecInvalid')) return exitCodes.invalid;
  return failures.length === 0 ? exitCodes.done : exitCodes.unavailable;
}

/** Prints what the templates gave, and counts what they did not give among the faults. */
async function addRendered(
  read: Checked,
  chosen: readonly ExternalSecret[],
  { config, host }: { readonly config: Config; readonly host: Host },
): Promise<Checked> {
  const { renderAll, renderedText } = await import('./check-render.ts');
  const rendered = await renderAll(chosen, read.specs, config);
  host.stdout.write(renderedText(rendered, host.stdout));
  // A template that cannot be parsed was found before it was rendered.
  const told = new Set(read.faults.map(({ message }) => message));
  const faults = rendered.faults.filter(({ message }) => !told.has(message));
  return { ...read, faults: [...read.faults, ...faults].sort(byPlace) };
}

async function readSpecs(config: Config): Promise<Checked> {
  const loaded = await loadSpecs(config.operands.length > 0 ? config.operands : config.specs);
  const { namespace } = config.identity === 'local' ? { namespace: undefined } : config.pod;
  const files = await readDocuments(loaded.files);
  const matchesRegexp = await regexpMatcher(files);
  const specs = parseSpecs(files, { namespace, catalog, matchesRegexp });
  const faults = [
    ...[...loaded.problems, ...specs.problems, ...specs.warnings],
    ...[...templateFaults(specs), ...(await regexpFaults(specs.externalSecrets))],
    ...refusedStores(specs, config),
  ];
  return { files, specs, faults: faults.sort(byPlace) };
}

/** What `run` would not talk to. With --connect the doctor tries it, and says so itself. */
function refusedStores({ stores }: SpecSet, config: Config): readonly AgentError[] {
  if (config.connect) return [];
  const { storesAllow, insecureStores: insecure } = config;
  return [...stores.values()].flatMap((store) => urlFaults(store, { storesAllow, insecure }));
}

/** An ExternalSecret that is refused is known all the same. */
export function only(
  externalSecrets: readonly ExternalSecret[],
  names: readonly string[],
  problems: readonly AgentError[],
): readonly ExternalSecret[] {
  const known = new Set(externalSecrets.map(({ name }) => name));
  for (const { at } of problems) known.add(at.object?.replace(/^ExternalSecret\//, '') ?? '');
  const unknown = names.find((name) => !known.has(name));
  if (unknown !== undefined) {
    const remedy = `there is ${[...known].filter((name) => name !== '').join(', ') || 'none'}`;
    throw new UsageError(
      exitCodes.usage,
      `--only names ${unknown}, which no ExternalSecret is called`,
      remedy,
    );
  }
  return names.length === 0 ? externalSecrets : externalSecrets.filter(({ name }) => names.includes(name));
}

function byPlace(a: AgentError, b: AgentError): number {
  const file = (at: At) => at.file ?? '';
  if (file(a.at) !== file(b.at)) return file(a.at) < file(b.at) ? -1 : 1;
  return (a.at.line ?? 0) - (b.at.line ?? 0) || (a.at.column ?? 0) - (b.at.column ?? 0);
}

/** Every fault with its excerpt, then one line that sums up. */
function report({ files, specs, faults }: Checked, output: Output): string {
  const texts = new Map(files.map(({ path, text }) => [path, text]));
  const blocks = faults.map((fault) => `${faultBlock(fault, texts, output)}\n\n`);
  return `${blocks.join('')}${summary(files.length, specs, faults, output)}\n`;
}

function faultBlock(fault: AgentError, texts: ReadonlyMap<string, string>, output: Output): string {
  const paint = paintFor(output);
  const { columns } = output;
  const { at, message, remedy } = fault;
  const place = [positionOf(at), at.object, at.field].filter(Boolean).join(': ');
  const [what = '', ...more] = message.split('\n');
  const shown = excerpt(at, at.file === undefined ? undefined : texts.get(at.file), { paint, columns });
  return [
    `${paint('bold', place)}${place === '' ? '' : ': '}${paint('red', fault.code)}: ${what}`,
    ...shown,
    // A template's own excerpt, where the file's shows something else.
    ...(shown[0]?.includes(more[0]?.trim() ?? '') ? [] : more.map((line) => `  ${line}`)),
    ...(remedy === undefined ? [] : [`  → ${wrap(remedy, columns, 4)}`]),
  ].join('\n');
}

function summary(fileCount: number, specs: SpecSet, faults: readonly AgentError[], output: Output): string {
  const paint = paintFor(output);
  const files = count(fileCount, 'file');
  const read = [
    count(specs.stores.size, 'store'),
    count(specs.externalSecrets.length, 'ExternalSecret'),
  ].join(', ');
  if (faults.length === 0) return `${paint('green', 'ok')}: ${files}, ${read}`;
  return `${paint('red', count(faults.length, 'mistake'))} in ${files}; usable: ${read}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
