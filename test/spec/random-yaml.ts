import fc from 'fast-check';

/** Draws one of the choices. */
type Pick = <T>(choices: readonly T[]) => T;

/** What most specs are made of, and what they seldom are. */
interface Choices {
  readonly usual: readonly string[];
  readonly odd: readonly string[];
}

const texts: Choices = {
  usual: [
    ...['a', 'x y', '1h', '5m30s', 'true', 'false', '0', '12', 'http://a.b:80/c?d=e', 'a:b', 'a#b', 'é ü'],
    ...['"q: #x"', "'it # s'", "''", '""', 'postgres://{{ .u }}:{{ .p }}@h', '1.2.3', '12345678-12'],
    ...['[a, {b: c}]', '{a: 1, b: [x, y]}', '{}', '[]', '{"a":1,"b":["c"]}', '[ a , b ]', '{ a: b }'],
  ],
  odd: [
    ...['007', '1.5', '0x', '1_0', '-a', '-1', '1e5', '12e', '0b1', '.5', '.', '..', '=', '<<', '1:30'],
    ...['2020-01-01', 'yes', 'NULL', '~', '', 'a: b', 'a :b', '@a', '%a', '&a b', '*a', '!a b', '{{ .a }}'],
    ...['"a\\n"', "'a''b'", '[a: b]', '{a}', '[a, ]', '[a b, c:d]', '"a" b'],
  ],
};

const keys: Choices = {
  usual: ['a', 'b', 'c', 'key', 'x.y/z', 'a-b', '"q k"', "'s'", '1a', '_x', 'n1', 'data', 'toString'],
  odd: ['y', '1', '"1"', 'a b', '"__proto__"', "'<<'", '<<', '-a', '1-1', '"a\\n"'],
};

const headers: Choices = { usual: ['|', '|-'], odd: ['| ', '|  # c', '|+', '|2', '>', '>-'] };

const comments: Choices = { usual: [''], odd: [' # c', '  # c: d', '#x', ' #', '   '] };

/** What makes YAML another, or none. */
const nasty = [
  ...`:-# '"|>&*!%@{}[],?\t\r\n~0159.eExyn_+=<\`\\/`,
  ...[
    ': ',
    '- ',
    ' #',
    '\n ',
    '\n  ',
    '\n    ',
    '---\n',
    '...\n',
    '{}',
    '[a, b]',
    '|\n',
    '|-\n',
    '>\n',
    '\n\n',
  ],
  ...['\n   \n', 'yes', '1e3', '0x1', '<<', 'é', '\u2028', '\ufeff', '\u00a0', '\u0085', '# c\n', ' # c\n'],
];

/** Documents in many styles, most of them plain, some wrong. */
export const styledYaml: fc.Arbitrary<string> = fc.gen().map((draw) => {
  const pick: Pick = (choices) => draw(fc.constantFrom, ...choices) as never;
  const documents = Array.from({ length: pick([1, 1, 1, 2, 3]) }, () => new Style(pick).document());
  const text =
    pick(['', '', '# h\n', '---\n', '--- # x\n', '\n']) + documents.join(pick(['---\n', '---\n# c\n']));
  return pick([0, 0, 0, 1]) ? text.replace(/\n$/, '') : text;
});

/** A text with one to three small changes. */
export function mutated(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const change = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    removed: fc.nat({ max: 3 }),
    added: fc.constantFrom('', ...nasty),
  });
  return fc.tuple(text, fc.array(change, { minLength: 1, maxLength: 3 })).map(([whole, changes]) =>
    changes.reduce((now, { at, removed, added }) => {
      const from = Math.floor(at * (now.length + 1));
      return now.slice(0, from) + added + now.slice(from + removed);
    }, whole),
  );
}

class Style {
  readonly #pick: Pick;

  constructor(pick: Pick) {
    this.#pick = pick;
  }

  document(): string {
    const column = this.#pick([0, 0, 0, 0, 2]);
    return this.#pick([0, 0, 0, 1]) ? this.#list(column, 0) : this.#mapping(column, 0);
  }

  #mapping(column: number, depth: number): string {
    return this.#some(() => {
      const key = this.#usually(keys);
      return `${this.#gap(column) + ' '.repeat(column) + key}:${this.#value(column, depth)}`;
    });
  }

  #list(column: number, depth: number): string {
    return this.#some(() => {
      const dash = `${this.#gap(column) + ' '.repeat(column)}-`;
      const kind = this.#pick(['value', 'mapping', 'mapping', 'list']);
      if (kind === 'value' || depth > 3) return dash + this.#value(column, depth);
      const space = this.#pick([1, 1, 1, 2, 3]);
      const inner = column + 1 + space;
      const item = kind === 'list' ? this.#list(inner, depth + 1) : this.#mapping(inner, depth + 1);
      return dash + ' '.repeat(space) + item.replace(/^ */, '');
    });
  }

  /** What follows a key or a dash. */
  #value(column: number, depth: number): string {
    const kind = depth > 3 ? 'text' : this.#pick(['text', 'text', 'text', 'block', 'mapping', 'list']);
    if (kind === 'text') return ` ${this.#usually(texts)}${this.#comment()}\n`;
    if (kind === 'block') return ` ${this.#block(column)}`;
    if (kind === 'list')
      return `${this.#comment()}\n${this.#list(column + this.#pick([0, 0, 2, 1]), depth + 1)}`;
    return `${this.#comment()}\n${this.#mapping(column + this.#pick([1, 2, 2, 2, 4]), depth + 1)}`;
  }

  #block(column: number): string {
    const indent = ' '.repeat(column + this.#pick([1, 2, 2, 2, 4]));
    const usual = ['text', 'more: x', '- a', '# text', '{{ range }}'].map((text) => indent + text);
    const odd = ['', indent, `${indent} `, `${indent}  x`, '  ', `${indent.slice(1)}less`];
    return `${this.#usually(headers)}\n${this.#some(() => `${this.#usually({ usual, odd })}\n`)}`;
  }

  #some(one: () => string): string {
    return Array.from({ length: this.#pick([1, 1, 2, 3]) }, one).join('');
  }

  #comment(): string {
    return this.#usually(comments);
  }

  #usually({ usual, odd }: Choices): string {
    return this.#pick(this.#rarely() ? odd : usual);
  }

  #rarely(): boolean {
    return this.#pick([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]) === 1;
  }

  #gap(column: number): string {
    const gaps = ['\n', ' \n', '# c\n', `${' '.repeat(column)}# c\n`, '      # deep\n', '   \n'];
    return this.#rarely() ? this.#pick(gaps) : '';
  }
}
