import { AgentError } from '../base/errors.ts';
import { annotationPrefix, specsLabel } from '../spec/contract.ts';
import type { SpecFile } from '../spec/document.ts';
import type { ReadFile } from '../spec/documents.ts';
import { isSpecName } from '../spec/load.ts';
import { listOf, type Members, membersOf, textOf } from './raw.ts';

/** The specs that an object holds or is. */
export interface FoundSpecs {
  readonly files: readonly SpecFile[];
  /** All of the object that has a say in what is found. */
  readonly said: readonly unknown[];
  /** What is wrong with the object before any document is read. */
  readonly faults: readonly AgentError[];
  /** Whether what this version has not built is only worth a warning. */
  readonly tolerant: boolean;
  /** Whether it may stay unchecked when it is too large: ESO may have made sense of it. Never a store, whose URL a policy
   * may be about. */
  readonly mayBeLarge: boolean;
  /** Whether a store that is not in it is worth a word. */
  readonly holdsAll: boolean;
  /** A fault with the place that the user of kubectl knows. */
  placed(error: AgentError): AgentError;
}

const objectKinds: readonly string[] = [
  'ExternalSecret',
  'SecretStore',
  'ClusterSecretStore',
  'SecretProviderClass',
];

/** Undefined: the object holds no specs of ours. */
export function specsIn(object: Members): FoundSpecs | undefined {
  const { kind, apiVersion } = object;
  const metadata = membersOf(object['metadata']);
  const labelled = membersOf(metadata['labels'])[specsLabel] === 'true';
  if (kind === 'ConfigMap' && apiVersion === 'v1') return labelled ? configMapSpecs(object) : undefined;
  const ours = objectKinds.includes(String(kind)) && String(apiVersion).startsWith('external-secrets.io/');
  return ours && !isForeign(object) ? objectSpecs(object, !labelled) : undefined;
}

/** A store of another controller is none of our business. */
function isForeign(object: Members): boolean {
  const controller = textOf(membersOf(object['spec'])['controller']) ?? '';
  return !['', 'default', 'external-secrets-agent'].includes(controller);
}

function configMapSpecs(object: Members): FoundSpecs {
  const texts = Object.entries(membersOf(object['data'])).map(([path, text]) => ({
    path,
    text: String(text),
  }));
  const binaries = Object.entries(membersOf(object['binaryData'])).map(([path, text]) => ({
    path,
    text: Buffer.from(String(text), 'base64').toString('utf8'),
  }));
  const files = [...texts, ...binaries].filter(({ path }) => isSpecName(path));
  const name = textOf(membersOf(object['metadata'])['name']) ?? '';
  return {
    files: files.filter(({ text }) => text !== ''),
    said: [object['data'], object['binaryData']],
    faults: [
      ...(files.length === 0 ? [noFile(name)] : []),
      ...files.filter(({ text }) => text === '').map(emptyFile),
    ],
    tolerant: false,
    mayBeLarge: false,
    holdsAll: true,
    placed: (error) => error,
  };
}

function noFile(name: string): AgentError {
  const remedy = 'put a .yaml, .yml or .json key there';
  return new AgentError('SpecInvalid', 'the ConfigMap holds no spec file', {
    at: { object: `ConfigMap/${name}` },
    remedy,
  });
}

function emptyFile({ path }: SpecFile): AgentError {
  return new AgentError('SpecInvalid', 'the file is empty', {
    at: { file: path },
    remedy: 'write a document into it, or remove it',
  });
}

/** The object as the only document of a file. Lines of what was sent are not those that the user wrote. */
function objectSpecs(object: Members, tolerant: boolean): FoundSpecs {
  const { status: _status, ...rest } = object;
  const { name, namespace } = membersOf(object['metadata']);
  const annotations = ownAnnotations(object);
  const metadata = {
    ...(name !== undefined && { name }),
    ...(namespace !== undefined && { namespace }),
    annotations,
  };
  return {
    files: [{ path: 'object', text: JSON.stringify({ ...rest, metadata }) }],
    said: [object['apiVersion'], object['spec'], annotations, tolerant],
    faults: [],
    tolerant,
    mayBeLarge: tolerant && object['kind'] === 'ExternalSecret',
    holdsAll: false,
    placed: (error) => {
      const { file: _file, line: _line, column: _column, ...at } = error.at;
      const { remedy } = error;
      return new AgentError(error.code, error.message, { at, ...(remedy === undefined ? {} : { remedy }) });
    },
  };
}

function ownAnnotations(object: Members): Members {
  const { annotations } = membersOf(object['metadata']);
  const own = Object.entries(membersOf(annotations)).filter(([name]) => name.startsWith(annotationPrefix));
  return Object.fromEntries(own);
}

export interface Elsewhere {
  /** `Kind/name`. */
  readonly missing: readonly string[];
  /** Documents that stand in for them, so that a reference is not refused for what another object may hold. */
  readonly placeholders: readonly SpecFile[];
}

/** The stores that ExternalSecrets name and the files do not hold. */
export function storesElsewhere(files: readonly ReadFile[]): Elsewhere {
  const documents = files.flatMap(({ documents }) => documents).map(({ value }) => membersOf(value));
  const all = documents.flatMap((each) => (each['kind'] === 'List' ? listOf(each['items']) : [each]));
  const here = new Set(all.map((each) => `${each['kind']}/${membersOf(each['metadata'])['name']}`));
  const referenced = all.filter(({ kind }) => kind === 'ExternalSecret').flatMap(storeRefs);
  const missing = [...new Set(referenced)].filter((store) => !here.has(store) && !isClass(store, here));
  const placeholders = missing.map((store) => ({ path: 'elsewhere', text: placeholderOf(store) }));
  return { missing, placeholders };
}

/** A reference that names no SecretStore may name a SecretProviderClass. */
function isClass(store: string, here: ReadonlySet<string>): boolean {
  return store.startsWith('SecretStore/') && here.has(store.replace('SecretStore/', 'SecretProviderClass/'));
}

function storeRefs(externalSecret: Members): readonly string[] {
  const spec = membersOf(externalSecret['spec']);
  const entries = [...listOf(spec['data']), ...listOf(spec['dataFrom'])];
  const refs = [spec['secretStoreRef'], ...entries.map((entry) => membersOf(entry['sourceRef'])['storeRef'])];
  return refs.flatMap((ref) => {
    const { name, kind = 'SecretStore' } = membersOf(ref);
    const known = kind === 'SecretStore' || kind === 'ClusterSecretStore';
    return known && typeof name === 'string' && /^[a-z0-9][a-z0-9.-]{0,252}$/.test(name)
      ? [`${kind}/${name}`]
      : [];
  });
}

function placeholderOf(store: string): string {
  const [kind, name] = store.split('/');
  const spec = { provider: { fake: { data: [] } } };
  return JSON.stringify({ apiVersion: 'external-secrets.io/v1', kind, metadata: { name }, spec });
}
