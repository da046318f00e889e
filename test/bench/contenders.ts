import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { findProgram } from '../peers/process.ts';
import type { Vault } from '../peers/vault.ts';
import type { Contender, Start, Workspace } from './contender.ts';

/** The same login for both sides: an appRole that may read the secrets. */
export interface AppRole {
  readonly roleId: string;
  readonly secretId: string;
}

export const nameOf = (i: number): string => `s${String(i).padStart(3, '0')}`;
export const textOf = (i: number): string => `value of secret ${i}, long enough to be a password`;

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Writes the secrets and makes the role. */
export async function stock(vault: Vault, count: number): Promise<AppRole> {
  for (const i of numbers(count)) await vault.put(`secret/bench/${nameOf(i)}`, { value: textOf(i) });
  await vault.policy('bench', 'path "secret/data/bench/*" { capabilities = ["read"] }');
  await vault.api('POST', 'sys/auth/approle', { type: 'approle' });
  await vault.api('POST', 'auth/approle/role/bench', { token_policies: 'bench', token_ttl: '1h' });
  const role = await vault.api('GET', 'auth/approle/role/bench/role-id');
  const secret = await vault.api('POST', 'auth/approle/role/bench/secret-id');
  return { roleId: role.data.role_id, secretId: secret.data.secret_id };
}

/** One template and one file for each secret, as its own documentation shows it. */
export function vaultAgent(vault: Vault, { roleId, secretId }: AppRole): Contender {
  return {
    name: 'vault agent',
    prepare({ config, output }, count): Start {
      const file = (name: string): string => join(config, name);
      writeFileSync(file('role-id'), roleId);
      writeFileSync(file('secret-id'), secretId);
      const templates = numbers(count).map(
        (i) => `template {
  contents    = "{{ with secret \\"secret/data/bench/${nameOf(i)}\\" }}{{ .Data.data.value }}{{ end }}"
  destination = "${join(output, nameOf(i))}"
}`,
      );
      const hcl = `vault { address = "${vault.url}" }
auto_auth {
  method "approle" {
    config = {
      role_id_file_path                   = "${file('role-id')}"
      secret_id_file_path                 = "${file('secret-id')}"
      remove_secret_id_file_after_reading = false
    }
  }
}
${templates.join('\n')}
`;
      writeFileSync(file('agent.hcl'), hcl);
      return {
        command: [
          findProgram('vault') ?? 'vault',
          'agent',
          `-config=${file('agent.hcl')}`,
          '-log-level=error',
        ],
        env: { HOME: config },
        files: numbers(count).map((i) => ({ path: join(output, nameOf(i)), text: textOf(i) })),
      };
    },
  };
}

export interface AgentBuild {
  readonly vault: Vault;
  readonly role: AppRole;
  readonly entry: string;
  /** `one`: all secrets are entries of one ExternalSecret; `each`: every one has its own. */
  readonly shape: 'one' | 'each';
}

const imageEnv = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '65536',
  MALLOC_TRIM_THRESHOLD_: '65536',
  UV_THREADPOOL_SIZE: '2',
};

/** As the image starts it: the flags and variables are those of the Dockerfile. */
export function agent(build: AgentBuild): Contender {
  return {
    name: build.shape === 'one' ? 'one ExternalSecret' : 'one each',
    prepare(work, count): Start {
      const files = writeSpecs(build, work, count);
      const flags = ['--max-semi-space-size=1', '--v8-pool-size=1'];
      const options = [
        '--specs',
        work.config,
        '--output',
        work.output,
        '--state',
        join(work.config, '..', 'state'),
      ];
      return {
        command: [process.execPath, ...flags, build.entry, 'run', ...options, '--listen', '127.0.0.1:0'],
        env: { ...imageEnv, ESA_LOG_LEVEL: 'error' },
        files,
      };
    },
  };
}

function writeSpecs(
  { vault, role, shape }: AgentBuild,
  { config, output }: Workspace,
  count: number,
): Start['files'] {
  const store = {
    apiVersion: 'external-secrets.io/v1',
    kind: 'SecretStore',
    metadata: { name: 'vault' },
    spec: {
      provider: {
        vault: {
          server: vault.url,
          path: 'secret',
          version: 'v2',
          auth: {
            appRole: { path: 'approle', roleId: role.roleId, secretRef: { name: 'role', key: 'secret-id' } },
          },
        },
      },
    },
  };
  const login = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'role' },
    stringData: { 'secret-id': role.secretId },
  };
  const entry = (i: number) => ({
    secretKey: nameOf(i),
    remoteRef: { key: `bench/${nameOf(i)}`, property: 'value' },
  });
  const secret = (name: string, entries: readonly number[]) => ({
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    metadata: { name },
    spec: { secretStoreRef: { name: 'vault' }, data: entries.map(entry) },
  });
  const all = numbers(count);
  const secrets = shape === 'one' ? [secret('app', all)] : all.map((i) => secret(nameOf(i), [i]));
  mkdirSync(config, { recursive: true });
  writeFileSync(
    join(config, 'specs.yaml'),
    [store, login, ...secrets].map((document) => stringify(document)).join('---\n'),
  );
  return all.map((i) => ({
    path: join(output, shape === 'one' ? 'app' : nameOf(i), nameOf(i)),
    text: textOf(i),
  }));
}
