import { AgentError } from '../src/base/errors.ts';
import type { SpecFindings } from '../src/inject/admit.ts';
import { catalog } from '../src/providers/catalog.ts';
import type { ReadFile } from '../src/spec/documents.ts';
import { formatDuration } from '../src/spec/duration.ts';
import { parseSpecs } from '../src/spec/parse.ts';
import type { ExternalSecret, SpecSet } from '../src/spec/spec.ts';
import { regexpMatcher } from '../src/spec/store-ref.ts';
import { regexpFaults } from './check-regexps.ts';
import { templateFaults } from './check-templates.ts';
import type { Config } from './config.ts';
import { urlFaults } from './store-urls.ts';

/** Below it an interval is worth a word: calls are paid for, and multiply with the pods. */
const shortIntervalMs = 5 * 60_000;

/** What `check` finds, and what the policies of whoever runs the injector say of the stores. */
export async function specFindings(
  files: readonly ReadFile[],
  namespace: string | undefined,
  policy: Pick<Config, 'requireTls' | 'storesAllow'>,
): Promise<SpecFindings> {
  const specs = parseSpecs(files, { namespace, catalog, matchesRegexp: await regexpMatcher(files) });
  const stores = [...specs.stores.values()];
  const refused = stores.flatMap((store) => urlFaults(store, { ...policy, insecure: !policy.requireTls }));
  const plain = stores.flatMap((store) => urlFaults(store, { storesAllow: [], insecure: false }));
  const written = [...templateFaults(specs), ...(await regexpFaults(specs.externalSecrets))];
  return {
    faults: [...specs.problems, ...specs.warnings, ...written, ...refused],
    advice: [...(refused.length === 0 ? plain : []), ...shortIntervals(specs)],
  };
}

function shortIntervals({ externalSecrets }: SpecSet): readonly AgentError[] {
  return externalSecrets.filter(isShort).map(({ at, refreshIntervalMs }) => {
    const message = `every pod reads its stores each ${formatDuration(refreshIntervalMs)}, which costs calls`;
    return new AgentError('SpecInvalid', message, {
      at: { ...at, field: 'spec.refreshInterval' },
      remedy: '5m or longer is kinder to the store',
    });
  });
}

function isShort({ refreshPolicy, refreshIntervalMs, options }: ExternalSecret): boolean {
  const ms = options.refreshMs ?? refreshIntervalMs;
  return refreshPolicy === 'Periodic' && ms > 0 && ms < shortIntervalMs;
}
