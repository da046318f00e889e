import assert from 'node:assert/strict';
import { test } from 'node:test';
import { it, lines, parse, secretOf } from './samples.ts';

function classOf(aws: string): string {
  return `apiVersion: external-secrets.io/v1beta1
kind: SecretProviderClass
metadata: {name: s}
spec:
  provider:
    aws: ${aws}
`;
}

const user = secretOf('it').replace('name: fake', 'name: s');

test('a secretStoreRef that names no SecretStore may name a SecretProviderClass', () => {
  const text = classOf(
    '{authType: AWSCredentials, region: eu-west-1, roleArn: "arn:aws:iam::123456789012:role/app"}',
  );
  const set = parse(`${text}---\n${user}`);
  assert.equal(it(set).data[0]?.storeId, 'SecretProviderClass/s');
  const store = set.stores.get('SecretProviderClass/s');
  assert.equal(store?.provider, 'aws');
  assert.deepEqual(store?.config, {
    secretProviderClass: {
      endpoint: undefined,
      region: 'eu-west-1',
      roleArn: 'arn:aws:iam::123456789012:role/app',
    },
  });
});

const regions: readonly (readonly [string, string | undefined])[] = [
  ['{region: us-east-1, secretSmEndpoint: "https://secretsmanager.eu-west-1.amazonaws.com"}', 'us-east-1'],
  ['{secretSmEndpoint: "https://secretsmanager.eu-west-1.amazonaws.com"}', 'eu-west-1'],
  ['{secretSmEndpoint: "https://secretsmanager-fips.us-gov-west-1.amazonaws.com"}', 'us-gov-west-1'],
  ['{secretSmEndpoint: "https://secretsmanager.cn-north-1.amazonaws.com.cn"}', 'cn-north-1'],
  ['{secretSmEndpoint: "https://vpce-1-a.secretsmanager.us-east-2.vpce.amazonaws.com"}', 'us-east-2'],
  ['{secretSmEndpoint: "https://secretsmanager.us-east-2.api.aws"}', 'us-east-2'],
  ['{secretSmEndpoint: "https://localhost:5000"}', undefined],
  ['{}', undefined],
];

for (const [aws, region] of regions) {
  test(`the region of ${aws} is ${region ?? 'left to AWS_REGION'}`, () => {
    const set = parse(classOf(aws));
    assert.deepEqual(lines(set.problems), []);
    const config = set.stores.get('SecretProviderClass/s')?.config as {
      secretProviderClass: { region: unknown };
    };
    assert.equal(config.secretProviderClass.region, region);
  });
}

const refused: readonly (readonly [string, string])[] = [
  [
    '{secretSmEndpoint: "https://secretsmanager.region.amazonaws.com"}',
    'specs.yaml:6:11: SecretProviderClass/s: spec.provider.aws.secretSmEndpoint: SpecInvalid: the endpoint holds the ' +
      'literal word "region" (secretsmanager.region.amazonaws.com) (write your region in its place, such as us-east-1, ' +
      'or leave the endpoint out and set region)',
  ],
  [
    '{tls: false}',
    'specs.yaml:6:11: SecretProviderClass/s: spec.provider.aws.tls: SpecInvalid: tls: false is not allowed ' +
      '(remove it: connections to AWS are always encrypted)',
  ],
  [
    '{authType: Static}',
    'specs.yaml:6:11: SecretProviderClass/s: spec.provider.aws.authType: SpecInvalid: unknown value "Static" (use one of AWSCredentials)',
  ],
  [
    '{roleArn: app}',
    'specs.yaml:6:11: SecretProviderClass/s: spec.provider.aws.roleArn: SpecInvalid: "app" is not the ARN of a role ' +
      '(write it as arn:aws:iam::123456789012:role/NAME)',
  ],
  [
    '{secretSmEndpoint: "secretsmanager"}',
    'specs.yaml:6:11: SecretProviderClass/s: spec.provider.aws.secretSmEndpoint: SpecInvalid: "secretsmanager" is not a URL ' +
      '(write it as https://secretsmanager.us-east-1.amazonaws.com, or leave it out)',
  ],
  [
    '{region: us east}',
    'specs.yaml:6:11: SecretProviderClass/s: spec.provider.aws.region: SpecInvalid: "us east" is not a region (write it as us-east-1)',
  ],
];

for (const [aws, message] of refused) {
  test(`${aws} is refused`, () => assert.deepEqual(lines(parse(classOf(aws)).problems), [message]));
}

test('tls: true and an empty field are as unset', () => {
  const set = parse(classOf('{tls: true, secretSmEndpoint: "", roleArn: "", region: ""}'));
  assert.deepEqual(lines(set.problems), []);
  assert.equal(set.stores.size, 1);
});

test("the CSI driver's SecretProviderClass is another kind", () => {
  const set = parse(classOf('{}').replace('external-secrets.io/v1beta1', 'secrets-store.csi.x-k8s.io/v1'));
  assert.deepEqual(lines(set.problems), [
    'specs.yaml:1:1: SecretProviderClass/s: apiVersion: SpecInvalid: unknown apiVersion "secrets-store.csi.x-k8s.io/v1" ' +
      'of SecretProviderClass (use external-secrets.io/v1beta1)',
  ]);
});
