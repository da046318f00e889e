import { readFileSync } from 'node:fs';
import type { Network } from '../src/providers/provider.ts';
import type { Config } from './config.ts';
import { exitCodes, UsageError } from './host.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** How stores are reached: `--proxy` or HTTPS_PROXY, NO_PROXY and never for the API server, `--ca-file`. Throws UsageError, exit code 78. */
export function networkOf(config: Pick<Config, 'proxy' | 'caFile'>, env: Env): Network {
  const noProxy = [env['NO_PROXY'] || env['no_proxy'], env['KUBERNETES_SERVICE_HOST']].join(',');
  return {
    proxy: config.proxy ?? (env['HTTPS_PROXY'] || env['https_proxy'] || undefined),
    noProxy: noProxy
      .split(',')
      .map((host) => host.trim())
      .filter((host) => host !== ''),
    ca: config.caFile === undefined ? undefined : readCertificates(config.caFile),
  };
}

function readCertificates(file: string): string {
  let pem: string;
  try {
    pem = readFileSync(file, 'utf8');
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    throw new UsageError(exitCodes.invalid, `--ca-file ${file} cannot be read: ${code}`);
  }
  if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem;
  throw new UsageError(
    exitCodes.invalid,
    `--ca-file ${file} holds no certificate`,
    'give a file of PEM certificates',
  );
}
