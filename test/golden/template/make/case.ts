import type { Case, Tagged } from '../../../template/corpus.ts';

/** Cases of one template each, named by the template itself where that is unambiguous. */
export function each(templates: readonly string[], rest: Omit<Case, 'name' | 'template'> = {}): Case[] {
  return templates.map((template) => ({ name: template, template, ...rest }));
}

/** What ESO hands to a template. */
export const secrets: Readonly<Record<string, Tagged>> = {
  user: 'admin',
  password: 's3cr3t',
  'db-host': 'db.example.com',
  empty: '',
  utf: 'Grüße, 世界 🙂',
  binary: { base64: '/wABgH/DKA==' },
  json: '{"a":[1,2,{"b":null}]}',
  html: `<a href="x?y=1&z='2'">`,
};

/** One value of every kind that a template may meet. */
export const kinds: Readonly<Record<string, Tagged>> = {
  string: 'hi "there"',
  empty: '',
  utf: 'h\u00e9llo\u200b',
  binary: { base64: '/wAK4oA=' },
  true: true,
  false: false,
  nil: null,
  int: { int: '42' },
  zero: { int: '0' },
  negative: { int: '-42' },
  min: { int: '-9223372036854775808' },
  max: { int: '9223372036854775807' },
  int8: { int8: '-128' },
  int16: { int16: '300' },
  int32: { int32: '65' },
  int64: { int64: '1099511627776' },
  uint: { uint: '42' },
  uint8: { uint8: '255' },
  uint16: { uint16: '65535' },
  uint32: { uint32: '128512' },
  uint64: { uint64: '18446744073709551615' },
  float: { float64: '3.14159' },
  whole: { float64: '1000000' },
  tiny: { float64: '1.5e-7' },
  huge: { float64: '1e21' },
  minus: { float64: '-2.5' },
  negzero: { float64: '-0' },
  inf: { float64: '+Inf' },
  neginf: { float64: '-Inf' },
  nan: { float64: 'NaN' },
  float32: { float32: '0.1' },
  list: { list: ['a', { int: '1' }, null, true, { float64: '1.5' }, { list: ['x'] }] },
  strings: { '[]string': ['a', 'b c', ''] },
  ints: { '[]int': [1, -2, 30] },
  bytes: { bytes: 'aGkA/w==' },
  dict: { dict: { b: { int: '1' }, a: 'x', c: null, d: { list: [] } } },
  smap: { 'map[string]string': { k: 'v', a: '' } },
  imap: { 'map[int]string': { '10': 'ten', '-1': 'minus', '2': 'two' } },
  nillist: { nil: '[]interface {}' },
  nilstrings: { nil: '[]string' },
  nilmap: { nil: 'map[string]interface {}' },
  nilbytes: { nil: '[]uint8' },
  label: { label: 'L' },
  point: { point: '7' },
  ppoint: { '*point': '8' },
  nilpoint: { nil: '*point' },
};

/** All of them, and some within others. */
export const nested: Readonly<Record<string, Tagged>> = {
  ...kinds,
  nested: {
    dict: {
      a: { dict: { b: { dict: { c: 'deep' } }, n: null } },
      p: { point: '3' },
      pp: { '*point': '4' },
    },
  },
};
