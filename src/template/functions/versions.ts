import { type FunctionTable, func, GoError } from '../func.ts';
import { Int, type Method, type NamedType, Slice, Struct, type Value } from '../value.ts';
import { parseConstraint, satisfies } from './constraint.ts';
import {
  compareVersions,
  increment,
  parseVersion,
  type Version,
  VersionError,
  versionText,
  withPart,
} from './version.ts';

/** `semver` and `semverCompare`, by the rules of Masterminds/semver. */
export const versions: FunctionTable = {
  semver: func(['string'], (text) => pointerTo(read(() => parseVersion(text)))),
  semverCompare: func(['string', 'string'], (constraint, version) =>
    read(() => {
      const parsed = parseConstraint(constraint);
      return satisfies(parseVersion(version), parsed);
    }),
  ),
};

function read<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof VersionError) throw new GoError(error.message);
    throw error;
  }
}

const uint64 = (value: bigint): Int => new Int('uint64', value);
const other = '*semver.Version';

type Receiver = Struct<Version>;

/** A method without parameters. */
function getter(read: (version: Version) => Value): Method {
  return { params: [], call: (receiver: Receiver) => read(receiver.inner) };
}

/** A method that compares with another version. */
function comparison(test: (order: -1 | 0 | 1) => Value): Method {
  return {
    params: [other],
    call: (receiver: Receiver, [that]) => {
      if (!(that instanceof Struct) || that.isNil)
        throw new GoError('invalid memory address or nil pointer dereference');
      return test(compareVersions(receiver.inner, (that as Receiver).inner));
    },
  };
}

function setter(part: 'prerelease' | 'metadata'): Method {
  return {
    params: ['string'],
    call: (receiver: Receiver, [text]) => plainOf(read(() => withPart(receiver.inner, part, text as string))),
  };
}

const fields: NonNullable<NamedType['fields']> = [
  { name: 'major', type: 'uint64' },
  { name: 'minor', type: 'uint64' },
  { name: 'patch', type: 'uint64' },
  { name: 'pre', type: 'string' },
  { name: 'metadata', type: 'string' },
  { name: 'original', type: 'string' },
];

/** Methods of the plain struct, and so of a pointer to it too. */
const plainMethods: NonNullable<NamedType['methods']> = {
  Major: getter((version) => uint64(version.major)),
  Minor: getter((version) => uint64(version.minor)),
  Patch: getter((version) => uint64(version.patch)),
  Prerelease: getter((version) => version.prerelease),
  Metadata: getter((version) => version.metadata),
  String: getter(versionText),
  IncMajor: getter((version) => plainOf(increment(version, 'major'))),
  IncMinor: getter((version) => plainOf(increment(version, 'minor'))),
  IncPatch: getter((version) => plainOf(increment(version, 'patch'))),
  SetPrerelease: setter('prerelease'),
  SetMetadata: setter('metadata'),
  MarshalJSON: getter((version) => bytes(`"${versionText(version)}"`)),
  MarshalText: getter((version) => bytes(versionText(version))),
  Value: getter(versionText),
};

const text = (receiver: Receiver): string => versionText(receiver.inner);

const plainType: NamedType = { name: 'semver.Version', kind: 'struct', fields, methods: plainMethods, text };

/** What `semver` gives is a pointer, which has these too. */
const pointerType: NamedType = {
  ...plainType,
  methods: {
    ...plainMethods,
    Original: getter((version) => version.original),
    Compare: comparison((order) => BigInt(order)),
    Equal: comparison((order) => order === 0),
    LessThan: comparison((order) => order < 0),
    LessThanEqual: comparison((order) => order <= 0),
    GreaterThan: comparison((order) => order > 0),
    GreaterThanEqual: comparison((order) => order >= 0),
  },
};

function bytes(text: string): Slice {
  return new Slice(
    'uint8',
    [...text].map((byte) => new Int('uint8', BigInt(byte.charCodeAt(0)))),
  );
}

function fieldsOf(version: Version): ReadonlyMap<string, Value> {
  return new Map<string, Value>([
    ['major', uint64(version.major)],
    ['minor', uint64(version.minor)],
    ['patch', uint64(version.patch)],
    ['pre', version.prerelease],
    ['metadata', version.metadata],
    ['original', version.original],
  ]);
}

const pointerTo = (version: Version): Receiver =>
  new Struct(pointerType, version, { fields: fieldsOf(version), pointer: true });
const plainOf = (version: Version): Receiver => new Struct(plainType, version, { fields: fieldsOf(version) });

/** The zero version, which is all that copying a version by its fields gives: they are not exported. */
export function zeroVersion(like: Struct): Struct | undefined {
  if (like.type !== pointerType && like.type !== plainType) return undefined;
  const zero = { major: 0n, minor: 0n, patch: 0n, prerelease: '', metadata: '', original: '' };
  return like.pointer ? pointerTo(zero) : plainOf(zero);
}
