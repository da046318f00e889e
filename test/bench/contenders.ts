import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { runtimeEnv, runtimeFlags } from '../../scripts/measure.ts';
import { findProgram } from '../peers/process.ts';
import type { Vault } from '../peers/vault.ts';
import type { Contender, Start } from './contender.ts';

/** The same login for both sides: an appRole that may read the secrets. */
export interface AppRole {
  readonly roleId: string;
  readonly secretId: string;
}

export const nameOf = (i: number): string => `s${String(i).padStart(3, '0')}`;
export const textOf = (i: number): string => `value of secret ${i}, long enough to be a password`;

export const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

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
export function vaultAgent(vault: Vault, { roleId, secretId }: AppRole, refreshInterval?: string): Contender {
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
      const every =
        refreshInterval === undefined
          ? ''
          : `template_config { static_secret_render_interval = "${refreshInterval}" }`;
      const hcl = `vault { address = "${vault.url}" }
${every}
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

/** Kubernetes objects, as plain values. */
type Documents = readonly object[];

export interface AgentBuild {
  readonly name: string;
  readonly entry: string;
  /** What it is to read, for so many secrets. */
  readonly specs: (count: number) => Documents;
  /** What it is to deliver then: paths below the output, and texts. */
  readonly files: (count: number) => readonly { readonly path: string; readonly text: string | undefined }[];
  /** Where its metrics are to be had; unset is anywhere. */
  readonly port?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** As the image starts it. */
export function agent(build: AgentBuild): Contender {
  const address = `127.0.0.1:${build.port ?? 0}`;
  return {
    name: build.name,
    metrics: `http://${address}/metrics`,
    prepare({ config, output }, count): Start {
      const texts = build.specs(count).map((document) => stringify(document));
      writeFileSync(join(config, 'specs.yaml'), texts.join('---\n'));
      const places = ['--specs', config, '--output', output, '--state', join(config, '..', 'state')];
      const run = [build.entry, 'run', ...places, '--listen', address];
      return {
        command: [process.execPath, ...runtimeFlags, ...run],
        env: { ...runtimeEnv, ESA_LOG_LEVEL: 'error', ...build.env },
        files: build.files(count).map(({ path, text }) => ({ path: join(output, path), text })),
      };
    },
  };
}

export interface VaultBuild {
  readonly entry: string;
  readonly url: string;
  readonly role: AppRole;
  /** `one`: all secrets are entries of one ExternalSecret; `each`: every one has its own. */
  readonly shape: 'one' | 'each';
  readonly refreshInterval?: string;
}

/** The agent with secrets of a Vault. */
export function agentOfVault({ entry, url, role, shape, refreshInterval }: VaultBuild): Contender {
  const secret = (name: string, entries: readonly number[]) => {
    const data = entries.map((i) => entryOf(nameOf(i), `bench/${nameOf(i)}`, 'value'));
    return externalSecret(name, { secretStoreRef: { name: 'vault' }, refreshInterval, data });
  };
  return agent({
    name: shape === 'one' ? 'one ExternalSecret' : 'one each',
    entry,
    specs: (count) => {
      const all = numbers(count);
      const secrets = shape === 'one' ? [secret('app', all)] : all.map((i) => secret(nameOf(i), [i]));
      return [...vaultStore(url, role), ...secrets];
    },
    files: (count) =>
      numbers(count).map((i) => ({
        path: join(shape === 'one' ? 'app' : nameOf(i), nameOf(i)),
        text: textOf(i),
      })),
  });
}

/** The agent with ExternalSecrets that are each refreshed every second, from ESO's stand-in for a store. */
export function agentOfFake(entry: string, port: number): Contender {
  const data = numbers(10).map((i) => ({ key: nameOf(i), value: textOf(i) }));
  const name = 'fake';
  const store = { ...object('SecretStore', name), spec: { provider: { fake: { data } } } };
  const secret = (i: number) =>
    externalSecret(nameOf(i), {
      secretStoreRef: { name },
      refreshInterval: '1s',
      data: [entryOf('key', nameOf(i % 10))],
    });
  return agent({
    name: 'refreshes of the fake provider',
    entry,
    port,
    specs: (count) => [store, ...numbers(count).map(secret)],
    files: (count) => numbers(count).map((i) => ({ path: join(nameOf(i), 'key'), text: textOf(i % 10) })),
  });
}

export const object = (kind: string, name: string, apiVersion = 'external-secrets.io/v1') => ({
  apiVersion,
  kind,
  metadata: { name },
});

export const entryOf = (secretKey: string, key: string, property?: string) => ({
  secretKey,
  remoteRef: { key, ...(property !== undefined && { property }) },
});

export const externalSecret = (name: string, { refreshInterval, ...spec }: Record<string, unknown>) => ({
  ...object('ExternalSecret', name),
  spec: { ...spec, ...(refreshInterval !== undefined && { refreshInterval }) },
});

/** A store and the Secret that it logs in with. */
export function vaultStore(server: string, { roleId, secretId }: AppRole): Documents {
  const appRole = { path: 'approle', roleId, secretRef: { name: 'role', key: 'secret-id' } };
  const vault = { server, path: 'secret', version: 'v2', auth: { appRole } };
  return [
    { ...object('SecretStore', 'vault'), spec: { provider: { vault } } },
    { ...object('Secret', 'role', 'v1'), stringData: { 'secret-id': secretId } },
  ];
}
