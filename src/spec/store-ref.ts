import { didYouMean } from '../base/nearest.ts';
import type { ResolveStore, StoreRef } from './external-secret.ts';
import type { Path } from './path.ts';
import { shown } from './schema/rules.ts';
import { storeId } from './spec.ts';
import type { StoreDraft } from './store.ts';
import type { Subject } from './subject.ts';

/** Whether RE2 finds the expression anywhere in the text. Throws when it is no expression. */
export type MatchesRegexp = (expression: string, text: string) => boolean;

export interface ResolverOptions {
  readonly stores: ReadonlyMap<string, StoreDraft>;
  readonly namespace: string | undefined;
  readonly matchesRegexp: MatchesRegexp | undefined;
}

/** How references to stores are followed. A reference that names no SecretStore may name a
 * SecretProviderClass. */
export function storeResolver(options: ResolverOptions): ResolveStore {
  return (subject, ref, path) => {
    const draft = find(options.stores, ref);
    const fault = draft === undefined ? missing(options.stores, ref) : unusable(draft, options);
    if (fault === undefined && draft?.store !== undefined) return draft.store.id;
    tellOnce(subject, path, fault ?? `${ref.kind}/${ref.name} is refused; see its own problem`);
    return undefined;
  };
}

/** Ten entries that share a broken store make one problem. */
function tellOnce(subject: Subject, path: Path, message: string): void {
  if (!subject.problems.some((problem) => problem.message === message)) subject.problem(path, message);
}

function find(stores: ResolverOptions['stores'], ref: StoreRef): StoreDraft | undefined {
  const named = stores.get(storeId(ref.kind, ref.name));
  if (named !== undefined || ref.kind !== 'SecretStore') return named;
  return stores.get(storeId('SecretProviderClass', ref.name));
}

function missing(stores: ResolverOptions['stores'], ref: StoreRef): string {
  const all = [...stores.values()].map(({ subject }) => subject);
  const otherKind = all.find(({ name, kind }) => name === ref.name && kind !== ref.kind);
  if (otherKind !== undefined)
    return `there is no ${ref.kind}/${ref.name}; a ${otherKind.kind} has that name`;
  const names = all.filter(({ kind }) => kind === ref.kind).map(({ name }) => name);
  const near = didYouMean(ref.name, names);
  const others = names.length === 0 ? '; no document is one' : `; there is ${names.slice(0, 10).join(', ')}`;
  return `there is no ${ref.kind}/${ref.name}${near === '' ? others : near}`;
}

function unusable(draft: StoreDraft, options: ResolverOptions): string | undefined {
  const { subject, unsupported } = draft;
  if (subject.refused) return `${subject.object} is refused; see its own problem`;
  if (unsupported !== undefined) {
    return `not supported by this version: spec.provider.${unsupported} of ${subject.object}`;
  }
  return conditionFault(draft, options);
}

/** A ClusterSecretStore's conditions: any entry that admits the namespace will do, none at all admits every one. */
function conditionFault(draft: StoreDraft, options: ResolverOptions): string | undefined {
  const { namespace } = options;
  const { conditions, subject } = draft;
  if (conditions.length === 0 || namespace === undefined) return undefined;
  if (conditions.some((condition) => condition.namespaces?.includes(namespace))) return undefined;
  const expressions = conditions.flatMap((condition) => condition.namespaceRegexes ?? []);
  const { matchesRegexp } = options;
  if (matchesRegexp !== undefined && expressions.some((text) => matches(matchesRegexp, text, namespace)))
    return undefined;
  // Labels of a namespace are only known to the API server.
  const selector = conditions.findIndex((condition) => condition.namespaceSelector !== undefined);
  const unsupported = (field: string) => `not supported by this version: ${field} of ${subject.object}`;
  if (selector >= 0) return unsupported(`spec.conditions[${selector}].namespaceSelector`);
  if (matchesRegexp === undefined && expressions.length > 0)
    return unsupported('spec.conditions[].namespaceRegexes');
  return `${subject.object} is not for the namespace ${namespace}: its conditions admit others`;
}

function matches(matchesRegexp: MatchesRegexp, expression: string, text: string): boolean {
  try {
    return matchesRegexp(expression, text);
  } catch {
    return false;
  }
}

/** Tells every namespaceRegexes entry that is no expression. */
export function checkExpressions(
  { subject, conditions }: StoreDraft,
  matchesRegexp: MatchesRegexp | undefined,
): void {
  if (matchesRegexp === undefined) return;
  conditions.forEach((condition, i) => {
    condition.namespaceRegexes?.forEach((expression, j) => {
      try {
        matchesRegexp(expression, '');
      } catch {
        const path = ['spec', 'conditions', i, 'namespaceRegexes', j];
        subject.problem(path, `${shown(expression)} is not an RE2 expression`);
      }
    });
  });
}

/** RE2 for `parseSpecs`, loaded only when a file speaks of namespaceRegexes. */
export async function regexpMatcher(
  files: readonly { readonly text: string }[],
): Promise<MatchesRegexp | undefined> {
  if (!files.some(({ text }) => text.includes('namespaceRegexes'))) return undefined;
  const { RE2JS } = await import('re2js');
  return (expression, text) => RE2JS.compile(expression).matcher(text).find();
}
