import { isIP } from 'node:net';
import { Addresses } from './addresses.ts';

const loopback = new Addresses('127.0.0.0/8', '::1/128');

/** Link-local ranges, and the addresses outside them at which clouds serve instance credentials: of AWS IMDS
 * (fd00:ec2::254) and Pod Identity (fd00:ec2::23), Azure's wire server, Alibaba's metadata service. */
const linkLocal = new Addresses(
  '169.254.0.0/16',
  'fe80::/10',
  'fd00:ec2::/32',
  '168.63.129.16/32',
  '100.100.100.200/32',
);

/** A URL's hostname without the brackets of IPv6 and without the root's dot, in lower case. */
export function bareHost(hostname: string): string {
  return hostname
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase();
}

export function isLoopback(hostname: string): boolean {
  const host = bareHost(hostname);
  return host === 'localhost' || host.endsWith('.localhost') || loopback.has(host);
}

/** True for an address literal that is link-local or serves a cloud's instance metadata; a name is never one. */
export function isLinkLocal(hostname: string): boolean {
  return linkLocal.has(bareHost(hostname));
}

/** Whether a `--stores-allow` entry covers a host: `host`, `host:port` or `*.suffix` (which is not the
 * suffix itself). */
export function hostMatches(entry: string, url: URL): boolean {
  const wanted = entry.trim().toLowerCase();
  const host = bareHost(url.hostname);
  if (wanted.startsWith('*.')) return host.endsWith(wanted.slice(1)) && host.length > wanted.length - 1;
  const bracketed = host.includes(':') ? `[${host}]` : host;
  return bareHost(wanted) === host || wanted === `${bracketed}:${portOf(url)}`;
}

/**
 * Whether a request to `url` goes around the proxy. Link-local and loopback always do. Entries as curl and
 * Go read NO_PROXY: `*`, a host (which covers its sub-domains), `.suffix`, `*.suffix`, an address, a CIDR
 * block; each with an optional `:port`.
 */
export function bypassesProxy(url: URL, noProxy: readonly string[]): boolean {
  if (isLoopback(url.hostname) || isLinkLocal(url.hostname)) return true;
  return noProxy.some((entry) => bypassMatches(entry.trim().toLowerCase(), url));
}

function bypassMatches(entry: string, url: URL): boolean {
  if (entry === '') return false;
  if (entry === '*') return true;
  const host = bareHost(url.hostname);
  if (entry.includes('/')) return inBlock(entry, host);
  const port = /^(?:\[.*\]|[^:]*):(\d+)$/.exec(entry)?.[1];
  if (port !== undefined && port !== portOf(url)) return false;
  const name = bareHost(port === undefined ? entry : entry.slice(0, -port.length - 1));
  if (isIP(name) !== 0 || isIP(host) !== 0) return name === host;
  const suffix = name.replace(/^\*?\.?/, '');
  return (host === suffix && !name.startsWith('.') && !name.startsWith('*')) || host.endsWith(`.${suffix}`);
}

function inBlock(entry: string, host: string): boolean {
  const [network = '', bits] = entry.split('/');
  const family = isIP(network);
  const prefix = Number(bits);
  if (family === 0 || !Number.isInteger(prefix) || prefix < 0 || prefix > (family === 4 ? 32 : 128))
    return false;
  return new Addresses(entry).has(host);
}

function portOf(url: URL): string {
  return url.port || (url.protocol === 'https:' ? '443' : '80');
}
