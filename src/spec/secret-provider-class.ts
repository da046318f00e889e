import { checkAnnotations, storeAnnotations } from './annotations.ts';
import { secretProviderClassSpec } from './schema/external-secret.ts';
import { shown } from './schema/rules.ts';
import type { SecretProviderClassValue, StoreCatalog, StoreDraft } from './store.ts';
import { storeOfClass } from './store.ts';
import type { Subject } from './subject.ts';

interface RawAws {
  readonly secretSmEndpoint?: string;
  readonly roleArn?: string;
  readonly region?: string;
  readonly tls?: boolean;
}

const awsPath = ['spec', 'provider', 'aws'];

/** A SecretProviderClass of external-secrets.io/v1beta1: AWS Secrets Manager with the pod's own credentials,
 * then AssumeRole of `roleArn`. */
export function readSecretProviderClass(subject: Subject, catalog: StoreCatalog): StoreDraft {
  subject.checkTopLevel(['spec']);
  checkAnnotations(subject, storeAnnotations);
  const spec = subject.conform(['spec'], secretProviderClassSpec) as { provider?: { aws?: RawAws } };
  const aws = spec.provider?.aws ?? {};
  checkTls(subject, aws);
  const host = endpointHost(subject, aws.secretSmEndpoint);
  const region = filled(aws.region) ?? regionOf(host);
  if (region !== undefined && !/^[a-z0-9-]{1,63}$/.test(region)) {
    subject.problem([...awsPath, 'region'], `${shown(region)} is not a region`, 'write it as us-east-1');
  }
  if (
    filled(aws.roleArn) !== undefined &&
    !/^arn:[a-z0-9-]+:iam::[0-9]{12}:role\/.+$/.test(aws.roleArn ?? '')
  ) {
    const remedy = 'write it as arn:aws:iam::123456789012:role/NAME';
    subject.problem([...awsPath, 'roleArn'], `${shown(aws.roleArn ?? '')} is not the ARN of a role`, remedy);
  }
  const endpoint = filled(aws.secretSmEndpoint);
  const value: SecretProviderClassValue = { endpoint, region, roleArn: filled(aws.roleArn) };
  return storeOfClass(subject, value, catalog);
}

function filled(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

/** Unset means required, unlike in a boolean of Go. */
function checkTls(subject: Subject, aws: RawAws): void {
  if (aws.tls !== false) return;
  const remedy = 'remove it: connections to AWS are always encrypted';
  subject.problem([...awsPath, 'tls'], 'tls: false is not allowed', remedy);
}

function endpointHost(subject: Subject, endpoint: string | undefined): string | undefined {
  if (filled(endpoint) === undefined) return undefined;
  const path = [...awsPath, 'secretSmEndpoint'];
  const url = URL.canParse(endpoint ?? '') ? new URL(endpoint ?? '') : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    const remedy = 'write it as https://secretsmanager.us-east-1.amazonaws.com, or leave it out';
    subject.problem(path, `${shown(endpoint ?? '')} is not a URL`, remedy);
    return undefined;
  }
  if (url.hostname.split('.').includes('region')) {
    const remedy =
      'write your region in its place, such as us-east-1, or leave the endpoint out and set region';
    subject.problem(path, `the endpoint holds the literal word "region" (${url.hostname})`, remedy);
    return undefined;
  }
  return url.hostname;
}

/** `secretsmanager.eu-west-1.amazonaws.com`, its FIPS, dual-stack, VPC and China forms. */
function regionOf(host: string | undefined): string | undefined {
  const form =
    /(?:^|\.)secretsmanager(?:-fips)?\.([a-z0-9-]+)\.(?:vpce\.)?(?:amazonaws\.com(?:\.cn)?|api\.aws)$/;
  return form.exec(host ?? '')?.[1];
}
