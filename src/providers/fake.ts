import { AgentError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import type { Fetched, GetRead } from '../plan/fetched.ts';
import { nameMatcher } from '../plan/regexp.ts';
import type { Find, SpecNode, Store } from '../spec/spec.ts';
import { elementsAt, integerAt, invalid, requiredTextAt, textAt } from './fields.ts';
import type { Client, Provider } from './provider.ts';

interface FakeEntry {
  readonly key: string;
  readonly version: string;
  readonly value: Secret;
}

interface FakeConfig {
  readonly data: readonly FakeEntry[];
  /** As in ESO: 0 ready, 1 unknown, 2 error. */
  readonly validationResult: number;
}

/** Values written in the store's own spec: for demos, tests and CI. */
export const fake: Provider = {
  label: 'Fake',
  traits: { lookup: 'path', absentProperty: 'absent', extract: 'raw', findConvertsFirst: true },
  parse,
  endpoints: () => [],
  open: async (store) => new FakeClient(store),
};

function parse(node: SpecNode): FakeConfig {
  const validationResult = integerAt(node, 'validationResult') ?? 0;
  if (validationResult < 0 || validationResult > 2) {
    throw invalid(node, 'validationResult', {
      message: `${validationResult} is not known`,
      remedy: 'use 0 (ready), 1 (unknown) or 2 (error)',
    });
  }
  const data = elementsAt(node, 'data').map((path) => ({
    key: requiredTextAt(node, `${path}.key`),
    value: Secret.of(requiredTextAt(node, `${path}.value`)),
    version: textAt(node, `${path}.version`) ?? '',
  }));
  return { data, validationResult };
}

class FakeClient implements Client {
  readonly #store: Store;
  readonly #config: FakeConfig;

  constructor(store: Store) {
    this.#store = store;
    this.#config = store.config as FakeConfig;
  }

  /** Exact key and version; of entries that are alike the last counts. */
  async get(read: GetRead): Promise<Fetched> {
    this.#refuseInvalid();
    const entry = this.#config.data.findLast(
      ({ key, version }) => key === read.key && version === read.version,
    );
    if (entry !== undefined) return { kind: 'text', value: entry.value, version: entry.version };
    const version = read.version === '' ? 'without a version' : `at version ${read.version}`;
    return { kind: 'absent', reason: `the fake store has no ${read.key} ${version}` };
  }

  /** By name only; of a key's versions the one that sorts highest as text. */
  async find(find: Find): Promise<Fetched> {
    this.#refuseInvalid();
    if (find.nameRegexp === undefined) {
      throw new AgentError('SpecInvalid', 'the fake store finds by name only', {
        at: { store: this.#store.id },
        remedy: 'set find.name.regexp',
      });
    }
    const matches = await nameMatcher(find.nameRegexp);
    const highest = new Map<string, FakeEntry>();
    for (const entry of this.#config.data) {
      const known = highest.get(entry.key);
      if (matches(entry.key) && (known === undefined || known.version <= entry.version)) {
        highest.set(entry.key, entry);
      }
    }
    return { kind: 'map', entries: new Map([...highest].map(([key, { value }]) => [key, value])) };
  }

  #refuseInvalid(): void {
    if (this.#config.validationResult !== 2) return;
    throw new AgentError('Unavailable', 'the fake store is told to fail: validationResult is 2', {
      at: { store: this.#store.id },
      remedy: 'set validationResult to 0',
    });
  }
}
