import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { AgentError } from '../../src/base/errors.ts';
import { aws } from '../../src/providers/aws.ts';
import type { AwsConfig } from '../../src/providers/aws-config.ts';
import { awsNode, failureOf, storeOf, world } from './aws-world.ts';

const base = { service: 'SecretsManager', region: 'eu-west-1' };

function parse(provider: object): AwsConfig {
  return aws.parse(awsNode(provider)) as AwsConfig;
}

describe('provider.aws', () => {
  it('fills in what is left out', () => {
    const { at, ...config } = parse(base);
    assert.equal(at.field, 'spec.provider.aws.region');
    assert.deepEqual(config, {
      region: 'eu-west-1',
      endpoint: undefined,
      endpointAt: undefined,
      auth: { jwt: undefined, secretRef: undefined },
      additionalRoles: [],
      role: '',
      externalId: '',
      sessionTags: [],
      transitiveTagKeys: [],
      sessionTagsPolicy: 'None',
      customSessionTags: new Map(),
      prefix: '',
    });
  });

  const ref = (key: string): object => ({ name: 'aws', key });
  const keyPair = { accessKeyIDSecretRef: ref('id'), secretAccessKeySecretRef: ref('secret') };

  it('takes every field of the CRD', () => {
    const config = parse({
      ...base,
      auth: { secretRef: { ...keyPair, sessionTokenSecretRef: { ...ref('token'), namespace: 'shop' } } },
      role: 'r',
      additionalRoles: ['a', 'b'],
      externalID: 'e',
      sessionTags: [{ key: 'k', value: 'v' }],
      transitiveTagKeys: ['k'],
      sessionTagsPolicy: 'Custom',
      customSessionTags: { x: 'y' },
      prefix: 'p/',
      secretsManager: { recoveryWindowInDays: 7 },
    });
    assert.equal(config.auth.secretRef?.sessionToken?.namespace, 'shop');
    assert.deepEqual([config.role, config.externalId, config.prefix], ['r', 'e', 'p/']);
    assert.deepEqual(config.additionalRoles, ['a', 'b']);
    assert.deepEqual(config.sessionTags, [{ key: 'k', value: 'v' }]);
    assert.deepEqual([...config.customSessionTags], [['x', 'y']]);
  });

  const refused: readonly (readonly [object, string, string])[] = [
    [{ region: 'eu-west-1' }, 'service', 'service is required'],
    [{ ...base, service: 'S3' }, 'service', '"S3" is not known'],
    [
      { ...base, service: 'ParameterStore' },
      'service',
      'not supported by this version: service ParameterStore',
    ],
    [
      { ...base, service: 'CertificateManager' },
      'service',
      'not supported by this version: service CertificateManager',
    ],
    [{ service: 'SecretsManager' }, 'region', 'region is required'],
    [{ ...base, region: 'eu/west' }, 'region', '"eu/west" is not the name of a region'],
    [{ ...base, role: 7 }, 'role', 'role must be text, this is a number'],
    [{ ...base, auth: [] }, 'auth', 'auth must be a mapping, this is a list'],
    [{ ...base, auth: { jwt: {} } }, 'auth.jwt.serviceAccountRef.name', 'name is required'],
    [
      { ...base, auth: { secretRef: { accessKeyIDSecretRef: ref('id') } } },
      'auth.secretRef.secretAccessKeySecretRef.name',
      'name is required',
    ],
    [
      { ...base, auth: { secretRef: { ...keyPair, accessKeyIDSecretRef: { name: 'aws' } } } },
      'auth.secretRef.accessKeyIDSecretRef.key',
      'key is required',
    ],
    [{ ...base, sessionTagsPolicy: 'All' }, 'sessionTagsPolicy', '"All" is not known'],
    [
      { ...base, customSessionTags: { esoStoreName: 'x' } },
      'customSessionTags',
      'esoStoreName is reserved: it is set by itself',
    ],
    [
      { ...base, secretsManager: { recoveryWindowInDays: 3 } },
      'secretsManager.recoveryWindowInDays',
      '3 days is out of range',
    ],
    [
      { ...base, secretsManager: { recoveryWindowInDays: 8, forceDeleteWithoutRecovery: true } },
      'secretsManager.forceDeleteWithoutRecovery',
      'forceDeleteWithoutRecovery and recoveryWindowInDays exclude each other',
    ],
    [
      { secretProviderClass: { endpoint: 'https://secretsmanager.region.amazonaws.com' } },
      'secretProviderClass.endpoint',
      'secretsmanager.region.amazonaws.com holds the literal word region where the name of the region belongs',
    ],
    [
      { secretProviderClass: { endpoint: 'secretsmanager' } },
      'secretProviderClass.endpoint',
      '"secretsmanager" is not a URL',
    ],
  ];
  for (const [provider, field, message] of refused) {
    it(`refuses: ${message}`, () => {
      assert.throws(
        () => parse(provider),
        (error) => {
          assert(error instanceof AgentError);
          assert.equal(error.message, message);
          assert.equal(error.code, 'SpecInvalid');
          assert.deepEqual(error.at, { file: 'store.yaml', field: `spec.provider.aws.${field}` });
          return true;
        },
      );
    });
  }

  it('knows where it will talk to, the login included', () => {
    const of = (region: string, env: Record<string, string> = {}): readonly string[] =>
      aws.endpoints(parse({ ...base, region }), env);
    assert.deepEqual(of('eu-west-1'), [
      'https://secretsmanager.eu-west-1.amazonaws.com',
      'https://sts.eu-west-1.amazonaws.com',
    ]);
    assert.equal(of('cn-north-1')[0], 'https://secretsmanager.cn-north-1.amazonaws.com.cn');
    assert.equal(of('eusc-de-east-1')[1], 'https://sts.eusc-de-east-1.amazonaws.eu');
    assert.equal(
      of('us-gov-west-1', { AWS_USE_FIPS_ENDPOINT: 'true' })[0],
      'https://secretsmanager-fips.us-gov-west-1.amazonaws.com',
    );
    assert.deepEqual(
      of('eu-west-1', {
        AWS_ENDPOINT_URL: 'http://both',
        AWS_ENDPOINT_URL_SECRETS_MANAGER: 'http://one',
        AWS_SECRETSMANAGER_ENDPOINT: 'http://eso',
      }),
      ['http://eso', 'http://both'],
    );
  });

  it('finds Secrets Manager where the SDK would, in every partition', () => {
    const regions =
      'eu-west-1 cn-north-1 us-gov-west-1 us-iso-east-1 us-isob-east-1 eu-isoe-west-1 us-isof-south-1';
    for (const region of [...regions.split(' '), 'eusc-de-east-1', 'mx-central-1']) {
      for (const [fips, dualStack] of [
        [false, false],
        [true, false],
        [false, true],
        [true, true],
      ] as const) {
        // There is no FIPS in China; what the SDK makes of it leads nowhere.
        if (fips && region.startsWith('cn-')) continue;
        const client = new SecretsManagerClient({ region });
        const known = client.config.endpointProvider({
          Region: region,
          UseFIPS: fips,
          UseDualStack: dualStack,
        });
        const env = { AWS_USE_FIPS_ENDPOINT: `${fips}`, AWS_USE_DUALSTACK_ENDPOINT: `${dualStack}` };
        assert.equal(`${aws.endpoints(parse({ ...base, region }), env)[0]}/`, known.url.href);
      }
    }
  });

  it("takes a SecretProviderClass's region from the field, the endpoint's host, the environment", async () => {
    const regionOf = (spec: object, env: Record<string, string> = {}): string | undefined =>
      aws.endpoints(parse({ secretProviderClass: spec }), env)[1];
    const endpoint = 'https://vpce-1.secretsmanager.us-east-2.vpce.amazonaws.com';
    assert.equal(regionOf({ endpoint, region: 'eu-west-1' }), 'https://sts.eu-west-1.amazonaws.com');
    assert.equal(regionOf({ endpoint }), 'https://sts.us-east-2.amazonaws.com');
    assert.equal(regionOf({}, { AWS_REGION: 'eu-north-1' }), 'https://sts.eu-north-1.amazonaws.com');
    const store = storeOf({ secretProviderClass: { endpoint: 'https://secrets.example.com' } });
    const error = await failureOf(aws.open(store, world().context));
    assert.equal(error.message, 'nothing says the AWS region of this store');
    assert.equal(error.at.field, 'spec.provider.aws.region');
  });
});
