import { type FunctionTable, func, GoError } from '../func.ts';
import { dict, type GoMap, kindOf, plain } from '../value.ts';
import { hostname, parseUrl, urlOf, urlText, userinfoText } from './url.ts';

export const urls: FunctionTable = {
  urlParse: func(['string'], (text) => {
    const url = within('unable to parse url', () => parseUrl(text));
    return dict([
      ['scheme', url.scheme],
      ['host', url.host],
      ['hostname', hostname(url.host)],
      ['path', url.path],
      ['query', url.query],
      ['opaque', url.opaque],
      ['fragment', url.fragment],
      ['userinfo', url.user === undefined ? '' : userinfoText(url.user)],
    ]);
  }),
  urlJoin: func(['map[string]interface {}'], (parts) => {
    const userinfo = textOf(parts, 'userinfo');
    return urlText(
      urlOf({
        scheme: textOf(parts, 'scheme'),
        host: textOf(parts, 'host'),
        path: textOf(parts, 'path'),
        query: textOf(parts, 'query'),
        opaque: textOf(parts, 'opaque'),
        fragment: textOf(parts, 'fragment'),
        user:
          userinfo === ''
            ? undefined
            : within('unable to parse userinfo in dict', () => parseUrl(`proto://${userinfo}@host`).user),
      }),
    );
  }),
};

function within<T>(context: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof GoError) throw new GoError(`${context}: ${error.message}`);
    throw error;
  }
}

function textOf(parts: GoMap, key: string): string {
  const value = parts.entries.get(key);
  if (value === undefined) return '';
  const text = plain(value);
  if (typeof text === 'string') return text;
  throw new GoError(`unable to parse ${key} key, must be of type string, but ${kindOf(value)} found`);
}
