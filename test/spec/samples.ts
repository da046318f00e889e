import { AgentError, describe } from '../../src/base/errors.ts';
import { type ParseOptions, parseSpecs } from '../../src/spec/parse.ts';
import type { ExternalSecret, SpecSet } from '../../src/spec/spec.ts';
import type { StoreCatalog } from '../../src/spec/store.ts';
import { readNow } from './read-now.ts';

/** Providers that take whatever the structure allowed, and give it back. */
export const catalog: StoreCatalog = {
  fake: { parse: (node) => node.value },
  aws: { parse: (node) => node.value },
  vault: {
    parse: (node) => {
      const { server } = node.value as { server: string };
      if (server.startsWith('https://')) return node.value;
      throw new AgentError('SpecInvalid', 'the server must be https', { at: node.at('server') });
    },
  },
};

export const fakeStore = `apiVersion: external-secrets.io/v1
kind: SecretStore
metadata:
  name: fake
spec:
  provider:
    fake:
      data:
        - key: k
          value: v
`;

/** Two that are sound, so that a test sees them survive. */
export const survivors = `${fakeStore}---
${secretOf('one')}---
${secretOf('two')}`;

export function secretOf(name: string): string {
  return `apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata:
  name: ${name}
spec:
  secretStoreRef:
    name: fake
  data:
    - secretKey: password
      remoteRef:
        key: k
`;
}

/** An ExternalSecret named `it` with this `spec`, indented by two. */
export function withSpec(spec: string, apiVersion = 'external-secrets.io/v1'): string {
  return `apiVersion: ${apiVersion}
kind: ExternalSecret
metadata:
  name: it
spec:
${spec.replace(/^\n/, '')}`;
}

export const sound = `
  secretStoreRef: {name: fake}
  data: [{secretKey: a, remoteRef: {key: k}}]
`;

export function parse(text: string, options: Partial<ParseOptions> = {}): SpecSet {
  const files = readNow([{ path: 'specs.yaml', text }]);
  return parseSpecs(files, { namespace: 'app', catalog, ...options });
}

/** One document beside the fake store, which has the first lines. */
export function parseOne(text: string, options: Partial<ParseOptions> = {}): SpecSet {
  const files = readNow([
    { path: 'it.yaml', text },
    { path: 'store.yaml', text: fakeStore },
  ]);
  return parseSpecs(files, { namespace: 'app', catalog, ...options });
}

export function lines(errors: readonly AgentError[]): string[] {
  return errors.map(describe);
}

export function names(set: SpecSet): string[] {
  return set.externalSecrets.map(({ name }) => name);
}

/** The ExternalSecret `it`, which must be sound. */
export function it(set: SpecSet): ExternalSecret {
  const found = set.externalSecrets.find(({ name }) => name === 'it');
  if (found === undefined) throw new Error(`refused: ${lines(set.problems).join('\n')}`);
  return found;
}
