import { isIPv6 } from 'node:net';
import { GoError } from '../func.ts';

/** Go's net/url over binary strings: parsing and writing of URLs, with its escaping per part. */
export interface Url {
  readonly scheme: string;
  readonly opaque: string;
  readonly user: Userinfo | undefined;
  readonly host: string;
  /** Unescaped. */
  readonly path: string;
  /** As written, where escaping the path again would give something else. */
  readonly rawPath: string;
  readonly query: string;
  /** A `?` with nothing behind it. */
  readonly hasEmptyQuery: boolean;
  readonly fragment: string;
  readonly rawFragment: string;
  /** A scheme and a path without an authority between them. */
  readonly omitsHost: boolean;
}

export interface Userinfo {
  readonly name: string;
  readonly password: string | undefined;
}

type Part = 'path' | 'userinfo' | 'host' | 'zone' | 'fragment';

/** What stands for itself in each part, besides letters, digits and `-_.~`. */
const plainIn: Readonly<Record<Part, string>> = {
  path: '$&+,/:;=@',
  userinfo: '$&+,;=',
  host: '!$&\'()*+,;=:[]<>"',
  zone: '!$&\'()*+,;=:[]<>"',
  fragment: '$&+,/:;=?@!()*',
};

function mustEscape(char: string, part: Part): boolean {
  return !/[A-Za-z0-9\-_.~]/.test(char) && !plainIn[part].includes(char);
}

function escapePart(text: string, part: Part): string {
  return text.replace(/[^A-Za-z0-9\-_.~]/g, (char) =>
    mustEscape(char, part) ? `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}` : char,
  );
}

function unescapePart(text: string, part: Part): string {
  return text.replace(/%[0-9a-fA-F]{2}|[\s\S]/g, (piece) => {
    if (piece.length === 1) return plainByte(piece, part);
    const code = Number.parseInt(piece.slice(1), 16);
    const byte = String.fromCharCode(code);
    const refused =
      piece !== '%25' &&
      ((part === 'host' && code < 0x80) || (part === 'zone' && byte !== ' ' && mustEscape(byte, 'host')));
    if (refused) throw new GoError('invalid URL escape');
    return byte;
  });
}

function plainByte(byte: string, part: Part): string {
  if (byte === '%') throw new GoError('invalid URL escape');
  const isHost = part === 'host' || part === 'zone';
  if (isHost && byte < '\x80' && mustEscape(byte, part)) throw new GoError('invalid character in host name');
  return byte;
}

/** url.Parse. */
export function parseUrl(text: string): Url {
  const [front, fragment] = cut(text, '#');
  const url = parseFront(front);
  const plain = unescapePart(fragment, 'fragment');
  return { ...url, fragment: plain, rawFragment: escapePart(plain, 'fragment') === fragment ? '' : fragment };
}

function cut(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + mark.length)];
}

const nothing: Url = {
  scheme: '',
  opaque: '',
  user: undefined,
  host: '',
  path: '',
  rawPath: '',
  query: '',
  hasEmptyQuery: false,
  fragment: '',
  rawFragment: '',
  omitsHost: false,
};

/** A URL of these parts, the others empty. */
export function urlOf(parts: Partial<Url>): Url {
  return { ...nothing, ...parts };
}

function parseFront(text: string): Url {
  if (/[\0-\x1f\x7f]/.test(text)) throw new GoError('net/url: invalid control character in URL');
  if (text === '*') return { ...nothing, path: '*' };
  if (text.startsWith(':')) throw new GoError('missing protocol scheme');
  const [whole = '', name = ''] = /^([A-Za-z][A-Za-z0-9+\-.]*):/.exec(text) ?? [];
  const scheme = name.toLowerCase();
  const [rest, query] = cut(text.slice(whole.length), '?');
  const hasEmptyQuery = query === '' && text.endsWith('?');
  const common = { ...nothing, scheme, query, hasEmptyQuery };
  if (!rest.startsWith('/')) {
    if (scheme !== '') return { ...common, opaque: rest };
    if (cut(rest, '/')[0].includes(':')) throw new GoError('first path segment in URL cannot contain colon');
  }
  const hasAuthority = rest.startsWith('//') && (scheme !== '' || !rest.startsWith('///'));
  if (!hasAuthority) return { ...common, ...pathOf(rest), omitsHost: scheme !== '' };
  const slash = rest.indexOf('/', 2);
  const authority = slash < 0 ? rest.slice(2) : rest.slice(2, slash);
  return {
    ...common,
    ...authorityOf(scheme, authority),
    ...pathOf(slash < 0 ? '' : rest.slice(slash)),
  };
}

function pathOf(raw: string): Pick<Url, 'path' | 'rawPath'> {
  const path = unescapePart(raw, 'path');
  return { path, rawPath: escapePart(path, 'path') === raw ? '' : raw };
}

function authorityOf(scheme: string, authority: string): Pick<Url, 'user' | 'host'> {
  const at = authority.lastIndexOf('@');
  const host = hostOf(scheme, authority.slice(at + 1));
  return { host, user: at < 0 ? undefined : userinfoOf(authority.slice(0, at)) };
}

function userinfoOf(text: string): Userinfo {
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(text)) throw new GoError('net/url: invalid userinfo');
  const colon = text.indexOf(':');
  if (colon < 0) return { name: unescapePart(text, 'userinfo'), password: undefined };
  return {
    name: unescapePart(text.slice(0, colon), 'userinfo'),
    password: unescapePart(text.slice(colon + 1), 'userinfo'),
  };
}

function hostOf(scheme: string, host: string): string {
  const bracket = host.lastIndexOf('[');
  if (bracket > 0) throw new GoError('invalid IP-literal');
  if (bracket === 0) return literalHost(host);
  const first = host.indexOf(':');
  // More than one colon is let pass but for http, where the port would then be no number.
  const colon = /^https?$/.test(scheme) ? first : host.lastIndexOf(':');
  if (first >= 0) checkPort(host.slice(colon));
  return unescapePart(host, 'host');
}

function literalHost(host: string): string {
  const close = host.lastIndexOf(']');
  if (close < 0) throw new GoError("missing ']' in host");
  checkPort(host.slice(close + 1));
  const port = unescapePart(host.slice(close + 1), 'host');
  const inner = host.slice(1, close);
  const zone = inner.indexOf('%25');
  const name =
    zone < 0
      ? unescapePart(inner, 'host')
      : unescapePart(inner.slice(0, zone), 'host') + unescapePart(inner.slice(zone), 'zone');
  const [address, zoneName] = cut(name, '%');
  if (!isIPv6(address) || (name.includes('%') && zoneName === '')) throw new GoError('invalid host');
  return `[${name}]${port}`;
}

function checkPort(port: string): void {
  if (!/^(:[0-9]*)?$/.test(port)) throw new GoError('invalid port after host');
}

/** URL.Hostname. */
export function hostname(host: string): string {
  const colon = host.lastIndexOf(':');
  const bare = colon >= 0 && /^:[0-9]*$/.test(host.slice(colon)) ? host.slice(0, colon) : host;
  return bare.startsWith('[') && bare.endsWith(']') ? bare.slice(1, -1) : bare;
}

/** Userinfo.String. */
export function userinfoText(user: Userinfo): string {
  const name = escapePart(user.name, 'userinfo');
  return user.password === undefined ? name : `${name}:${escapePart(user.password, 'userinfo')}`;
}

/** URL.String. */
export function urlText(url: Url): string {
  let text = url.scheme === '' ? '' : `${url.scheme}:`;
  if (url.opaque !== '') text += url.opaque;
  else text += hierarchyText(url, text);
  if (url.hasEmptyQuery || url.query !== '') text += `?${url.query}`;
  return url.fragment === '' ? text : `${text}#${written(url.fragment, url.rawFragment, 'fragment')}`;
}

/** As it was written, where that is right for it. */
function written(plain: string, raw: string, part: 'path' | 'fragment'): string {
  const isRight =
    raw !== '' &&
    [...raw].every((char) => char === '%' || pathMarks.includes(char) || !mustEscape(char, part));
  return isRight && unescapePart(raw, part) === plain ? raw : escapePart(plain, part);
}

const pathMarks = "!$&'()*+,;=:@[]";

function hierarchyText(url: Url, before: string): string {
  const { scheme, host, user } = url;
  const isNamed = (scheme !== '' && !url.omitsHost) || host !== '' || user !== undefined;
  let text = '';
  if (isNamed && (host !== '' || url.path !== '' || user !== undefined)) {
    text = `//${user === undefined ? '' : `${userinfoText(user)}@`}${escapePart(host, 'host')}`;
  }
  const path = url.path === '*' ? '*' : written(url.path, url.rawPath, 'path');
  if (path !== '' && !path.startsWith('/') && host !== '') text += '/';
  // Else the first segment would be read as a scheme.
  if (before === '' && text === '' && cut(path, '/')[0].includes(':')) text = './';
  return text + path;
}
