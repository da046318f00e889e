import type { At } from '../base/errors.ts';
import { awsEndpoint, isRegion, regionOfHost } from '../identity/aws-endpoints.ts';
import type { AwsAuth, SecretRef, ServiceAccountRef } from '../identity/aws-sources.ts';
import type { AwsTag } from '../identity/aws-sts.ts';
import type { SpecNode } from '../spec/spec.ts';
import {
  booleanAt,
  elementsAt,
  integerAt,
  invalid,
  isPresent,
  oneOfAt,
  requiredTextAt,
  textAt,
  textMapAt,
  textsAt,
  unsupported,
} from './fields.ts';

/** `provider.aws` of a store, or what a SecretProviderClass says instead. */
export interface AwsConfig {
  readonly at: At;
  /** Undefined: the environment's. Only a SecretProviderClass may leave it out. */
  readonly region: string | undefined;
  /** Of a SecretProviderClass; beats the environment's. */
  readonly endpoint: string | undefined;
  readonly endpointAt: At | undefined;
  readonly auth: AwsAuth;
  readonly additionalRoles: readonly string[];
  readonly role: string;
  readonly externalId: string;
  readonly sessionTags: readonly AwsTag[];
  readonly transitiveTagKeys: readonly string[];
  readonly sessionTagsPolicy: 'None' | 'Simple' | 'Custom';
  readonly customSessionTags: ReadonlyMap<string, string>;
  /** Put before every key that is got; `find` does not use it, as in ESO. */
  readonly prefix: string;
}

const services = ['SecretsManager', 'ParameterStore', 'CertificateManager'] as const;
const reservedTags = ['esoNamespace', 'esoStoreName', 'esoStoreKind'];

export function parseAws(node: SpecNode): AwsConfig {
  if (isPresent(node, 'secretProviderClass')) return parseSecretProviderClass(node);
  const service = oneOfAt(node, 'service', { of: services });
  if (service !== 'SecretsManager') throw unsupported(node, 'service', `service ${service}`);
  const region = requiredTextAt(node, 'region');
  assertRegion(node, 'region', region);
  assertDeletion(node);
  return {
    at: node.at('region'),
    endpointAt: undefined,
    region,
    endpoint: undefined,
    auth: parseAuth(node),
    ...parseRoles(node),
    prefix: textAt(node, 'prefix') ?? '',
  };
}

/** The pod's own credentials, then `roleArn`; the region from the field, else the endpoint's host. */
function parseSecretProviderClass(node: SpecNode): AwsConfig {
  const field = (name: string): string => `secretProviderClass.${name}`;
  const endpoint = textAt(node, field('endpoint')) || undefined;
  const host = endpoint === undefined ? undefined : hostOf(node, field('endpoint'), endpoint);
  const region = textAt(node, field('region')) || (host && regionOfHost(host));
  if (host !== undefined && regionOfHost(host) === 'region') {
    throw invalid(node, field('endpoint'), {
      message: `${host} holds the literal word region where the name of the region belongs`,
      remedy: 'write it as https://secretsmanager.eu-west-1.amazonaws.com, with the region of the secrets',
    });
  }
  if (region !== undefined) assertRegion(node, field('region'), region);
  return {
    // The class's own fields: what the node holds was made of them.
    at: node.at('region'),
    endpointAt: endpoint === undefined ? undefined : node.at('secretSmEndpoint'),
    region,
    endpoint,
    auth: { jwt: undefined, secretRef: undefined },
    additionalRoles: [],
    role: textAt(node, field('roleArn')) ?? '',
    externalId: '',
    sessionTags: [],
    transitiveTagKeys: [],
    sessionTagsPolicy: 'None',
    customSessionTags: new Map(),
    prefix: '',
  };
}

function hostOf(node: SpecNode, field: string, endpoint: string): string {
  if (URL.canParse(endpoint)) return new URL(endpoint).hostname;
  throw invalid(node, field, {
    message: `${JSON.stringify(endpoint)} is not a URL`,
    remedy: 'write it as https://secretsmanager.eu-west-1.amazonaws.com',
  });
}

function assertRegion(node: SpecNode, field: string, region: string): void {
  if (isRegion(region)) return;
  throw invalid(node, field, {
    message: `${JSON.stringify(region)} is not the name of a region`,
    remedy: 'write it as in eu-west-1',
  });
}

/** Fields of PushSecret alone: checked as ESO checks them, then not needed. */
function assertDeletion(node: SpecNode): void {
  if (!isPresent(node, 'secretsManager')) return;
  const force = booleanAt(node, 'secretsManager.forceDeleteWithoutRecovery') ?? false;
  const days = integerAt(node, 'secretsManager.recoveryWindowInDays') ?? 0;
  if (days !== 0 && (days < 7 || days > 30)) {
    throw invalid(node, 'secretsManager.recoveryWindowInDays', {
      message: `${days} days is out of range`,
      remedy: 'use 7 to 30',
    });
  }
  if (force && days !== 0) {
    throw invalid(node, 'secretsManager.forceDeleteWithoutRecovery', {
      message: 'forceDeleteWithoutRecovery and recoveryWindowInDays exclude each other',
      remedy: 'remove one of them',
    });
  }
}

function parseAuth(node: SpecNode): AwsAuth {
  const jwt = isPresent(node, 'auth') && isPresent(node, 'auth.jwt') ? parseAccount(node) : undefined;
  if (!isPresent(node, 'auth') || !isPresent(node, 'auth.secretRef')) return { jwt, secretRef: undefined };
  const ref = (name: string): SecretRef => parseSecretRef(node, `auth.secretRef.${name}`);
  const sessionToken = isPresent(node, 'auth.secretRef.sessionTokenSecretRef')
    ? ref('sessionTokenSecretRef')
    : undefined;
  const secretRef = {
    accessKeyId: ref('accessKeyIDSecretRef'),
    secretAccessKey: ref('secretAccessKeySecretRef'),
    sessionToken,
  };
  return { jwt, secretRef };
}

function parseAccount(node: SpecNode): ServiceAccountRef {
  const path = 'auth.jwt.serviceAccountRef';
  return {
    name: requiredTextAt(node, `${path}.name`),
    namespace: textAt(node, `${path}.namespace`),
    audiences: textsAt(node, `${path}.audiences`),
    at: node.at(path),
  };
}

function parseSecretRef(node: SpecNode, path: string): SecretRef {
  return {
    name: requiredTextAt(node, `${path}.name`),
    key: requiredTextAt(node, `${path}.key`),
    namespace: textAt(node, `${path}.namespace`),
    at: node.at(path),
  };
}

function parseRoles(
  node: SpecNode,
): Omit<AwsConfig, 'at' | 'region' | 'endpoint' | 'endpointAt' | 'auth' | 'prefix'> {
  const customSessionTags = textMapAt(node, 'customSessionTags');
  for (const reserved of reservedTags) {
    if (!customSessionTags.has(reserved)) continue;
    throw invalid(node, 'customSessionTags', {
      message: `${reserved} is reserved: it is set by itself`,
      remedy: `remove it; reserved are ${reservedTags.join(', ')}`,
    });
  }
  return {
    additionalRoles: textsAt(node, 'additionalRoles'),
    role: textAt(node, 'role') ?? '',
    externalId: textAt(node, 'externalID') ?? '',
    sessionTags: elementsAt(node, 'sessionTags').map((path) => ({
      key: requiredTextAt(node, `${path}.key`),
      value: textAt(node, `${path}.value`) ?? '',
    })),
    transitiveTagKeys: textsAt(node, 'transitiveTagKeys'),
    sessionTagsPolicy: oneOfAt(node, 'sessionTagsPolicy', {
      of: ['None', 'Simple', 'Custom'],
      fallback: 'None',
    }),
    customSessionTags,
  };
}

/** The tags of the last role: the store's own, or ESO's three, under Custom with the store's added. */
export function sessionTagsOf(
  config: AwsConfig,
  store: { readonly name: string; readonly kind: string; readonly namespace: string },
): readonly AwsTag[] {
  if (config.sessionTagsPolicy === 'None') return config.sessionTags;
  const custom = config.sessionTagsPolicy === 'Custom' ? [...config.customSessionTags] : [];
  return [
    ...custom.filter(([key, value]) => key !== '' && value !== ''),
    ['esoNamespace', store.namespace] as const,
    ['esoStoreName', store.name] as const,
    ['esoStoreKind', store.kind] as const,
  ].map(([key, value]) => ({ key, value }));
}

export interface AwsPlace {
  readonly region: string;
  readonly endpoint: string;
  readonly stsEndpoint: string;
}

/** Region and endpoints as they hold here; undefined when nothing says the region. */
export function placeOf(
  config: AwsConfig,
  env: Readonly<Record<string, string | undefined>>,
): AwsPlace | undefined {
  const region = config.region ?? (env['AWS_REGION'] || env['AWS_DEFAULT_REGION']);
  if (region === undefined || region === '') return undefined;
  return {
    region,
    endpoint: config.endpoint ?? awsEndpoint('secretsmanager', region, env),
    stsEndpoint: awsEndpoint('sts', region, env),
  };
}
