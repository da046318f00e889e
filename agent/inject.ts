import { open } from 'node:fs/promises';
import type { Document } from 'yaml';
import { AgentError, describe } from '../src/base/errors.ts';
import { limits } from '../src/base/limits.ts';
import { type Admission, inlineFindings } from '../src/inject/admit.ts';
import { keyOf } from '../src/inject/annotations.ts';
import { patchPod } from '../src/inject/patch.ts';
import { refusalText } from '../src/inject/refusal.ts';
import type { Config } from './config.ts';
import { unifiedDiff } from './diff.ts';
import { type ExitCode, exitCodes, type Host, UsageError } from './host.ts';
import { admissionOf } from './inject-settings.ts';
import { paintFor } from './paint.ts';
import { editDocument, podTemplatesIn, readDocuments } from './pod-templates.ts';

interface Injected {
  readonly before: string;
  readonly after: string;
  /** For standard error. */
  readonly notes: readonly string[];
  readonly refused: boolean;
}

/** `inject`: what the webhook would make of pods and workloads. 78 when it would refuse one, and nothing is printed. */
export async function inject(config: Config, host: Host): Promise<ExitCode> {
  if (config.file.length === 0) {
    throw new UsageError(
      exitCodes.usage,
      'inject needs a file',
      'give it with -f FILE, or -f - for standard input',
    );
  }
  const admission = admissionOf(config);
  const all: Injected[] = [];
  for (const file of config.file) {
    const documents = readDocuments(file, await textOf(file));
    for (const document of documents) all.push(await injectDocument(file, document, admission));
  }
  for (const note of all.flatMap(({ notes }) => notes)) host.stderr.write(`${note}\n`);
  if (all.some(({ refused }) => refused)) return exitCodes.invalid;
  host.stdout.write(config.diff ? diffText(all, host) : manifestText(all));
  return exitCodes.done;
}

async function injectDocument(file: string, document: Document, admission: Admission): Promise<Injected> {
  const before = written(document);
  const notes: string[] = [];
  let refused = false;
  for (const { object, path, pod } of podTemplatesIn(document)) {
    const outcome = patchPod(pod, admission.settings);
    const note = (kind: string, text: string): void =>
      void notes.push(`${kind}: ${file}: ${object}: ${text}`);
    if (outcome.kind === 'skipped') note('note', whyUntouched(outcome.why));
    else if (outcome.kind === 'refused') {
      refused = true;
      note('refused', refusalText(outcome.refusals));
    } else {
      // The namespace is the manifest's, or whichever kubectl is told: the agent will know it.
      const { faults, advice } = await inlineFindings(outcome.options, undefined, admission);
      refused ||= faults.length > 0;
      if (faults.length > 0) note('refused', faults.map(describe).join('; '));
      editDocument(document, path, outcome.operations);
      for (const warning of [...outcome.warnings, ...advice.map(describe)]) note('warning', warning);
    }
  }
  return { before, after: written(document), notes, refused };
}

function whyUntouched(why: 'not-asked' | 'mirror-pod'): string {
  if (why === 'mirror-pod') return 'untouched: it mirrors a file on its node';
  return `untouched: its pods have no label ${keyOf('inject')}: "true"`;
}

function written(document: Document): string {
  return document.contents === null ? '' : document.toString({ lineWidth: 0 });
}

function manifestText(all: readonly Injected[]): string {
  return all
    .map(({ after }) => after)
    .filter((text) => text !== '')
    .join('---\n')
    .replaceAll('---\n---\n', '---\n');
}

function diffText(all: readonly Injected[], host: Host): string {
  const paint = paintFor(host.stdout);
  const lines = all.flatMap(({ before, after }) => unifiedDiff(before, after));
  const painted = lines.map((line) => {
    if (line.startsWith('@@')) return paint('cyan', line);
    if (line.startsWith('+')) return paint('green', line);
    return line.startsWith('-') ? paint('red', line) : line;
  });
  return painted.length === 0 ? '' : `${painted.join('\n')}\n`;
}

async function textOf(file: string): Promise<string> {
  if (file === '-') return await streamText(process.stdin, 'standard input');
  const handle = await open(file).catch((cause: NodeJS.ErrnoException) => {
    const remedy = 'name a file that can be read, or - for standard input';
    throw new AgentError('SpecInvalid', `cannot be read: ${cause.code}`, { at: { file }, remedy, cause });
  });
  // The stream closes the file.
  return await streamText(handle.createReadStream(), file);
}

async function streamText(stream: AsyncIterable<Buffer | string>, file: string): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of stream) {
    const bytes = Buffer.from(part);
    length += bytes.length;
    if (length > limits.injectFileBytes) {
      const remedy = 'give the workloads in several files';
      throw new AgentError('SpecInvalid', 'the file is too large', { at: { file }, remedy });
    }
    parts.push(bytes);
  }
  return Buffer.concat(parts).toString('utf8');
}
