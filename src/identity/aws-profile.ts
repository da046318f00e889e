import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { AgentError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { Secret } from '../base/secret.ts';
import { AwsFault, explain } from './aws-fault.ts';
import { sdkTransport } from './aws-http.ts';
import type { AwsWorld, Source } from './aws-sources.ts';
import type { AwsCredentials } from './aws-sts.ts';

/** The developer's own profile, for `--identity local`: keys, source_profile, SSO, credential_process. */
export async function profileSource(world: AwsWorld): Promise<Source> {
  const { env } = world.identity;
  const profile = env['AWS_PROFILE'] || 'default';
  const home = join(env['HOME'] || homedir(), '.aws');
  const files = {
    filepath: env['AWS_SHARED_CREDENTIALS_FILE'] || join(home, 'credentials'),
    configFilepath: env['AWS_CONFIG_FILE'] || join(home, 'config'),
  };
  await assertUsable(profile, Object.values(files));
  return {
    method: 'profile',
    roleArn: undefined,
    details: { profile },
    load: async (signal) => await loadProfile(world, { profile, files, signal }),
  };
}

interface ProfileLogin {
  readonly profile: string;
  readonly files: { readonly filepath: string; readonly configFilepath: string };
  readonly signal: AbortSignal;
}

/** The SDK reads the files; what it asks of STS goes our way. */
async function loadProfile(world: AwsWorld, login: ProfileLogin): Promise<AwsCredentials> {
  const { profile, files, signal } = login;
  const { fromIni } = await import('@aws-sdk/credential-provider-ini');
  const load = fromIni({
    profile,
    ...files,
    ignoreCache: true,
    clientConfig: { region: world.region, requestHandler: sdkTransport(world.http, limits.requestMs) },
    roleAssumer: async (source, role) => {
      const { RoleArn: roleArn = '', RoleSessionName: name = 'external-secrets-agent' } = role;
      const wanted = { roleArn, sessionName: name, externalId: role.ExternalId };
      return identityOf(await world.sts.assumeRole(credentialsOf(source), wanted, signal));
    },
  });
  try {
    return credentialsOf(await load());
  } catch (thrown) {
    if (thrown instanceof AgentError) throw thrown;
    if (thrown instanceof AwsFault) {
      throw explain(thrown, {
        action: 'the login',
        resource: `profile ${profile}`,
        login: true,
        remedy: tryIt(profile),
      });
    }
    // Not the SDK's text: that of a credential_process may hold what the program printed.
    throw new AgentError('AuthFailed', `the AWS profile ${profile} gives no credentials`, {
      remedy: tryIt(profile),
    });
  }
}

function tryIt(profile: string): string {
  return `try it with: aws sts get-caller-identity --profile ${profile}; for SSO log in again with: aws sso login --profile ${profile}`;
}

interface SdkIdentity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

function credentialsOf(identity: SdkIdentity): AwsCredentials {
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = identity;
  return {
    accessKeyId,
    secretAccessKey: Secret.of(secretAccessKey),
    sessionToken: sessionToken === undefined ? undefined : Secret.of(sessionToken),
    expiresMs: expiration?.getTime(),
  };
}

function identityOf(credentials: AwsCredentials): SdkIdentity {
  const { accessKeyId, secretAccessKey, sessionToken, expiresMs } = credentials;
  return {
    accessKeyId,
    secretAccessKey: secretAccessKey.text(),
    ...(sessionToken !== undefined && { sessionToken: sessionToken.text() }),
    ...(expiresMs !== undefined && { expiration: new Date(expiresMs) }),
  };
}

/** A profile must exist, and must not lead to the instance role, which is never used. */
async function assertUsable(profile: string, files: readonly string[]): Promise<void> {
  const profiles = new Map<string, Map<string, string>>();
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => '');
    for (const [name, settings] of sectionsOf(text)) {
      profiles.set(name, new Map([...(profiles.get(name) ?? []), ...settings]));
    }
  }
  if (!profiles.has(profile)) {
    throw new AgentError('AuthFailed', `there is no AWS profile ${profile} in ${files.join(' or ')}`, {
      remedy: 'set AWS_PROFILE to one of your profiles, or run: aws configure',
    });
  }
  const seen = new Set<string>();
  for (let name: string | undefined = profile; name !== undefined && !seen.has(name); ) {
    seen.add(name);
    const settings: ReadonlyMap<string, string> = profiles.get(name) ?? new Map();
    if (settings.get('credential_source') === 'Ec2InstanceMetadata') {
      throw new AgentError(
        'AuthFailed',
        `the AWS profile ${name} takes the instance role, which is never used`,
        {
          remedy: 'choose a profile with credentials of its own',
        },
      );
    }
    name = settings.get('source_profile');
  }
}

/** `[name]` or `[profile name]` and the `key = value` lines beneath. */
function sectionsOf(ini: string): Map<string, Map<string, string>> {
  const sections = new Map<string, Map<string, string>>();
  let current = new Map<string, string>();
  for (const line of ini.split('\n')) {
    const header = /^\s*\[\s*(?:profile\s+)?["']?([^\]"']+?)["']?\s*\]/.exec(line)?.[1];
    if (header !== undefined) {
      current = sections.get(header) ?? new Map();
      sections.set(header, current);
    }
    const setting = /^([a-z_]+)\s*=\s*(.*?)\s*$/.exec(line);
    if (setting?.[1] !== undefined) current.set(setting[1], setting[2] ?? '');
  }
  return sections;
}
