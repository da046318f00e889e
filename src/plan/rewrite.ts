import type { Clock } from '../base/clock.ts';
import { AgentError } from '../base/errors.ts';
import {
  compareBytes,
  goMarshal,
  isObject,
  type Json,
  type JsonObject,
  parseJsonWithFloats,
} from '../base/json.ts';
import { Secret, type SecretMap } from '../base/secret.ts';
import type { Rewrite } from '../spec/spec.ts';
import { byteValueOfFloats } from './byte-value.ts';
import { listed } from './listed.ts';
import { compileRegexp } from './regexp.ts';

type Merge = Extract<Rewrite, { kind: 'merge' }>;

/** The operations of one `rewrite`, each on what the one before it left. The clock is that of key templates. */
export async function rewrite(
  entries: SecretMap,
  operations: readonly Rewrite[],
  clock: Pick<Clock, 'now'>,
): Promise<SecretMap> {
  let rewritten = entries;
  for (const operation of operations) {
    try {
      rewritten = await apply(rewritten, operation, clock);
    } catch (thrown) {
      throw thrown instanceof AgentError ? thrown.within(operation.at) : thrown;
    }
  }
  return rewritten;
}

async function apply(entries: SecretMap, operation: Rewrite, clock: Pick<Clock, 'now'>): Promise<SecretMap> {
  switch (operation.kind) {
    case 'regexp':
      return renamed(entries, await regexpRenamer(operation.source, operation.target));
    case 'transform':
      return renamed(entries, await templateRenamer(operation.template, clock));
    case 'merge':
      return merge(entries, operation);
  }
}

/** ESO leaves it to chance which of two keys wins that become one; here the last in order of the old keys does. */
function renamed(entries: SecretMap, rename: (key: string) => string): SecretMap {
  return new Map([...entries.keys()].sort().map((key) => [rename(key), entries.get(key)!]));
}

async function regexpRenamer(source: string, target: string): Promise<(key: string) => string> {
  const pattern = await compileRegexp(source, 'rewrite.regexp.source');
  const groups = new Map(Object.entries(pattern.namedGroups()));
  const textOf =
    (group: GroupText): GroupText =>
    (index) =>
      index > pattern.groupCount() ? '' : group(index);
  return (key) => replaceAll(pattern.matcher(key), key, (group) => expand(target, textOf(group), groups));
}

/** What this needs of RE2JS's matcher. */
interface Matcher {
  find(start: number): boolean;
  start(): number;
  end(): number;
  group(index: number): string | null;
}

type GroupText = (index: number) => string;

/** Go's ReplaceAllString: an empty match does not count where the match before it ended. */
function replaceAll(matcher: Matcher, text: string, replacement: (group: GroupText) => string): string {
  let replaced = '';
  let copied = 0;
  let lastEnd = -1;
  for (let from = 0; from <= text.length && matcher.find(from); ) {
    const [start, end] = [matcher.start(), matcher.end()];
    if (end > lastEnd || start === 0) {
      replaced += text.slice(copied, start) + replacement((index) => matcher.group(index) ?? '');
      copied = end;
    }
    lastEnd = end;
    from = end > start ? end : end + ((text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1);
  }
  return replaced + text.slice(copied);
}

/** Go's Expand: `$name` takes the longest run of letters, digits and `_`, so `$1_x` is the group named `1_x`; an
 * unknown group is empty, `$$` a dollar, and a dollar before anything else stays. */
function expand(template: string, group: GroupText, groups: ReadonlyMap<string, number>): string {
  return template.replace(
    /\$(?:\$|([\p{L}\p{Nd}_]+)|\{([\p{L}\p{Nd}_]+)\})/gu,
    (_all, bare?: string, braced?: string) => {
      const name = bare ?? braced;
      if (name === undefined) return '$';
      const index = isGroupNumber(name) ? Number(name) : groups.get(name);
      return index === undefined ? '' : group(index);
    },
  );
}

/** Go takes a number with a leading zero for a name, and so one of more digits than any group's number has. */
function isGroupNumber(name: string): boolean {
  return /^(?:0|[1-9][0-9]{0,7})$/.test(name);
}

async function templateRenamer(
  template: string,
  clock: Pick<Clock, 'now'>,
): Promise<(key: string) => string> {
  const { keyTemplate } = await import('./key-template.ts');
  return await keyTemplate(template, clock);
}

/**
 * Merges JSON objects, keys in order and those of `priority` last, so that the last of these wins. Extract makes
 * the members the new entries; JSON adds the merged object as one entry beside what there is.
 */
function merge(entries: SecretMap, operation: Merge): SecretMap {
  const merged = new Map<string, Json>();
  const conflicts = new Set<string>();
  for (const name of mergeOrder(entries, operation)) {
    for (const [key, member] of objectAt(entries, name)) {
      if (merged.has(key)) conflicts.add(key);
      merged.set(key, member);
    }
  }
  if (conflicts.size > 0 && operation.conflictPolicy === 'Error') {
    throw new AgentError('DecodeFailed', `merge: more than one value for ${listed(conflicts)}`, {
      remedy: 'list the keys in merge.priority and set conflictPolicy: Ignore; the last listed wins',
    });
  }
  if (operation.strategy === 'JSON') {
    const json = goMarshal(merged, { escapeHtml: false });
    return new Map([...entries, [operation.into, Secret.of(json)]]);
  }
  return new Map([...merged].map(([key, member]) => [key, Secret.of(byteValueOfFloats(member))]));
}

function mergeOrder(entries: SecretMap, { priority, priorityPolicy }: Merge): readonly string[] {
  const missing = priority.filter((name) => !entries.has(name));
  if (missing.length > 0 && priorityPolicy === 'Strict') {
    throw new AgentError('NotFound', `merge: ${missing[0]} of priority is not among the fetched keys`, {
      remedy: 'correct merge.priority, or set priorityPolicy: IgnoreNotFound',
    });
  }
  const rest = [...entries.keys()].filter((name) => !priority.includes(name)).sort(compareBytes);
  return [...rest, ...priority.filter((name) => entries.has(name))];
}

/** The document `null` is an object without members, as in Go. */
function objectAt(entries: SecretMap, name: string): JsonObject {
  const json = readJson(entries.get(name)!, name);
  if (json === null) return new Map();
  if (isObject(json)) return json;
  throw unmergeable(`merge: the value of ${name} is not a JSON object`);
}

function readJson(value: Secret, name: string): Json {
  try {
    return parseJsonWithFloats(value.reveal());
  } catch (thrown) {
    throw thrown instanceof AgentError ? unmergeable(`merge: ${name}: ${thrown.message}`) : thrown;
  }
}

function unmergeable(message: string): AgentError {
  return new AgentError('DecodeFailed', message, {
    remedy: 'merge needs a JSON object in every value: narrow find, or leave merge out',
  });
}
