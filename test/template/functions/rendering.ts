import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { TemplateError } from '../../../src/template/failure.ts';
import { functions } from '../../../src/template/functions/functions.ts';
import { render } from '../../../src/template/template.ts';
import { fromText, GoMap } from '../../../src/template/value.ts';

export interface Setting {
  readonly data?: Readonly<Record<string, string | Buffer>>;
  /** ms since the epoch. */
  readonly now?: number;
  readonly zone?: string;
}

/** Renders a template with the whole library, as text. */
export async function rendered(template: string, setting: Setting = {}): Promise<string> {
  return (await renderedBytes(template, setting)).toString('utf8');
}

export async function renderedBytes(template: string, setting: Setting = {}): Promise<Buffer> {
  const entries = Object.entries(setting.data ?? {}).map(([key, value]) => {
    return [key, typeof value === 'string' ? fromText(value) : value.toString('latin1')] as const;
  });
  const world = { now: () => setting.now ?? Date.UTC(2026, 0, 1), zone: setting.zone ?? 'UTC', randomBytes };
  return await render('test', template, { functions, dot: new GoMap('string', 'string', entries), world });
}

/** That a template fails, for the reason given and without quoting any of `secrets`. */
export async function fails(template: string, reason: RegExp, setting: Setting = {}): Promise<void> {
  const error = await rendered(template, setting).then(
    (output) => assert.fail(`gives ${output.slice(0, 200)}`),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof TemplateError, String(error));
  assert.match(error.message, reason);
}
