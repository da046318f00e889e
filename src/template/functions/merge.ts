import { limits } from '../../base/limits.ts';
import { type CallContext, GoError } from '../func.ts';
import { anyType, dict, GoMap, isTrue, type MapKey, Slice, Struct, type Value } from '../value.ts';

/**
 * `merge` and `mergeOverwrite` by the rules of mergo, with its surprises: the target itself is changed, what
 * is taken from a source is shared with it, empty values of the target count as missing, and lists are
 * replaced whole.
 */
export function mergeMaps(
  target: GoMap,
  sources: readonly GoMap[],
  overwrite: boolean,
  context: CallContext,
): GoMap {
  const into = target.isNil && sources.some((source) => !source.isNil) ? dict() : target;
  for (const source of sources) mergeInto(into, source, { overwrite, context, depth: 0 });
  return into;
}

/** Values that mergo does not merge: an error of its own, which `merge` drops and `mustMerge` does not. */
export class MergeRefused extends GoError {}

interface Run {
  readonly overwrite: boolean;
  readonly context: CallContext;
  readonly depth: number;
}

function mergeInto(into: GoMap, source: GoMap, run: Run): void {
  if (run.depth > limits.templateValueDepthCount) throw new GoError('a value nested too deep');
  for (const [key, value] of source.entries) {
    run.context.step();
    const before = into.entries.get(key);
    if (isNilValue(value)) {
      if (run.overwrite) put(into, key, value, source);
      continue;
    }
    if (value instanceof GoMap) mergeMapUnder(before, value, run);
    // Merged above, or kept: a filled list or map is never replaced by one of its kind without overwrite.
    if (before !== undefined && !isEmptyForMerge(before)) {
      if (value instanceof Slice) {
        if (run.overwrite) put(into, key, value, source);
        continue;
      }
      if (value instanceof GoMap && before instanceof GoMap) continue;
    }
    if (run.overwrite || before === undefined || isEmptyForMerge(before)) put(into, key, value, source);
  }
}

function mergeMapUnder(before: Value | undefined, value: GoMap, run: Run): void {
  if (before instanceof GoMap) {
    if (!before.isNil) mergeInto(before, value, { ...run, depth: run.depth + 1 });
    return;
  }
  if (before instanceof Struct && before.pointer && !before.isNil && !run.overwrite) {
    throw new MergeRefused('src and dst must be of same type');
  }
}

/** Go looks at the type of the source's elements, not at what an interface holds. */
function put(into: GoMap, key: MapKey, value: Value, source: GoMap): void {
  if (into.elem !== anyType && into.elem !== source.elem) {
    throw new GoError(`reflect.Set: value of type ${source.elem} is not assignable to type ${into.elem}`);
  }
  into.entries.set(key, value);
}

/** A nil in an interface; maps there may be nil too but are still maps. */
function isNilValue(value: Value): boolean {
  return value === null;
}

function isEmptyForMerge(value: Value): boolean {
  return value instanceof Struct ? value.isNil : !isTrue(value);
}
