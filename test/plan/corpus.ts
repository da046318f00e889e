import { AgentError } from '../../src/base/errors.ts';
import { goMarshal, parseJson, parseJsonWithFloats, plainDecimal } from '../../src/base/json.ts';
import type { Json } from '../../src/base/json-value.ts';
import { Secret } from '../../src/base/secret.ts';
import { convertKey } from '../../src/plan/convert.ts';
import { decodeBase64 } from '../../src/plan/decode.ts';
import { membersOf } from '../../src/plan/extract.ts';
import { gjson } from '../../src/plan/gjson.ts';
import { rewrite } from '../../src/plan/rewrite.ts';
import type { ConversionStrategy } from '../../src/spec/spec.ts';
import { parseFloat64 } from '../../src/template/float.ts';
import { ManualClock } from '../base/manual-clock.ts';

/** One question of the golden corpus, as test/golden/plan/generate reads it; bytes are one character each. */
export interface Case {
  readonly kind: 'gjson' | 'json' | 'extract' | 'base64' | 'float' | 'rename' | 'convert';
  readonly text: string;
  readonly path?: string;
  readonly strategy?: string;
  readonly source?: string;
  readonly target?: string;
  readonly keys?: readonly string[];
}

/** What Go answered; which members there are is the kind's to say. */
export type Outcome = Readonly<Record<string, unknown>>;

/** What this project answers, in the form that the generator writes. */
export async function outcomeOf(asked: Case): Promise<Outcome> {
  const bytes = Buffer.from(asked.text, 'latin1');
  switch (asked.kind) {
    case 'gjson': {
      const value = gjson(bytes, asked.path ?? '');
      return value === undefined ? { found: false } : { found: true, value: value.toString('latin1') };
    }
    case 'json':
      return readAndWrite(bytes);
    case 'extract':
      return extract(bytes);
    case 'base64': {
      const decoded = decodeBase64(bytes, asked.strategy === 'Base64URL' ? 'base64url' : 'base64');
      return typeof decoded === 'number' ? { offset: decoded } : { value: decoded.toString('latin1') };
    }
    case 'float': {
      const value = parseFloat64(asked.text);
      if (value === undefined) return { error: true };
      return { plain: plainDecimal(value), json: floatAsJson(value) };
    }
    case 'rename':
      return await rename(asked);
    case 'convert':
      return { keys: asked.keys!.map((key) => convertKey(key, asked.strategy as ConversionStrategy)) };
  }
}

function readAndWrite(bytes: Buffer): Outcome {
  let exact: Json;
  try {
    exact = parseJson(bytes);
  } catch (thrown) {
    return { ...asError(thrown, 'syntax'), offset: placeIn(thrown) };
  }
  const texts = { html: written(exact), plain: latin1(goMarshal(exact, { escapeHtml: false })) };
  try {
    return { ...texts, floats: written(parseJsonWithFloats(bytes)) };
  } catch (thrown) {
    asError(thrown, 'range');
    return texts;
  }
}

/** The members in both ways that providers have. */
function extract(bytes: Buffer): Outcome {
  try {
    const raw = extracted(bytes, 'raw');
    try {
      return { raw, byteValues: extracted(bytes, 'byte-value') };
    } catch (thrown) {
      asError(thrown, 'range');
      return { raw };
    }
  } catch (thrown) {
    asError(thrown, 'not an object');
    return { error: true };
  }
}

function extracted(bytes: Buffer, how: 'raw' | 'byte-value'): Record<string, string> {
  const members = membersOf(Secret.of(bytes), how);
  return Object.fromEntries([...members].map(([key, value]) => [key, value.reveal().toString('latin1')]));
}

async function rename({ source, target, keys }: Case): Promise<Outcome> {
  const operation = { at: {}, kind: 'regexp', source: source!, target: target! } as const;
  try {
    const renamed = keys!.map(async (key) => {
      const [only] = await rewrite(new Map([[key, Secret.of('')]]), [operation], new ManualClock());
      return only![0];
    });
    return { keys: await Promise.all(renamed) };
  } catch (thrown) {
    asError(thrown, 'pattern');
    return { error: true };
  }
}

/** As it comes out of JSON that is as short as can be. */
function floatAsJson(value: number): string {
  return written(parseJsonWithFloats(Object.is(value, -0) ? '-0' : String(value)));
}

function asError(thrown: unknown, fault: string): Outcome {
  if (!(thrown instanceof AgentError)) throw thrown;
  return { error: fault };
}

/** Where our message says that the fault is. */
function placeIn(thrown: unknown): number {
  return Number(/ byte (\d+)/.exec((thrown as AgentError).message)?.[1]);
}

function written(json: Json): string {
  return latin1(goMarshal(json, { escapeHtml: true }));
}

function latin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}
