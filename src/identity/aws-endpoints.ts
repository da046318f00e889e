type Env = Readonly<Record<string, string | undefined>>;

export type AwsService = 'secretsmanager' | 'sts';

/** ESO's own variable first, then the SDKs' service-specific one, then their common one. */
const overrides: Record<AwsService, readonly string[]> = {
  secretsmanager: ['AWS_SECRETSMANAGER_ENDPOINT', 'AWS_ENDPOINT_URL_SECRETS_MANAGER', 'AWS_ENDPOINT_URL'],
  sts: ['AWS_STS_ENDPOINT', 'AWS_ENDPOINT_URL_STS', 'AWS_ENDPOINT_URL'],
};

interface Partition {
  readonly regions: RegExp;
  readonly suffix: string;
  readonly dualStackSuffix: string;
}

/** As in the endpoint rules of the AWS SDKs. The last one matches every region. */
const partitions: readonly Partition[] = [
  { regions: /^cn-/, suffix: 'amazonaws.com.cn', dualStackSuffix: 'api.amazonwebservices.com.cn' },
  { regions: /^eusc-/, suffix: 'amazonaws.eu', dualStackSuffix: 'api.amazonwebservices.eu' },
  { regions: /^us-iso-/, suffix: 'c2s.ic.gov', dualStackSuffix: 'api.aws.ic.gov' },
  { regions: /^us-isob-/, suffix: 'sc2s.sgov.gov', dualStackSuffix: 'api.aws.scloud' },
  { regions: /^eu-isoe-/, suffix: 'cloud.adc-e.uk', dualStackSuffix: 'api.cloud-aws.adc-e.uk' },
  { regions: /^us-isof-/, suffix: 'csp.hci.ic.gov', dualStackSuffix: 'api.aws.hci.ic.gov' },
  { regions: /^/, suffix: 'amazonaws.com', dualStackSuffix: 'api.aws' },
];

/** Where a service is: the environment's override, else the region's own endpoint (STS too is regional). */
export function awsEndpoint(service: AwsService, region: string, env: Env): string {
  for (const name of overrides[service]) {
    const url = env[name];
    if (url) return url;
  }
  const partition = partitions.find(({ regions }) => regions.test(region)) as Partition;
  // Where public AWS is concerned, Secrets Manager serves both families of addresses under its one name.
  const hasOwnName = service !== 'secretsmanager' || !partition.suffix.startsWith('amazonaws.com');
  const dualStack = env['AWS_USE_DUALSTACK_ENDPOINT'] === 'true' && hasOwnName;
  // In GovCloud, STS is FIPS under its usual name.
  const isFipsAlready = service === 'sts' && region.startsWith('us-gov-') && !dualStack;
  const fips = env['AWS_USE_FIPS_ENDPOINT'] === 'true' && !isFipsAlready ? '-fips' : '';
  return `https://${service}${fips}.${region}.${dualStack ? partition.dualStackSuffix : partition.suffix}`;
}

/** The region in a Secrets Manager host name, be it public, FIPS, dual-stack or a VPC endpoint's. */
export function regionOfHost(host: string): string | undefined {
  return /(?:^|\.)secretsmanager(?:-fips)?\.([a-z0-9-]+)\./.exec(host)?.[1];
}

/** Whether a region can stand in a host name: what ESO's resolver asks of it. */
export function isRegion(text: string): boolean {
  return /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i.test(text);
}
