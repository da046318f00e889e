import { keyOf } from './annotations.ts';
import type { PodOptions } from './options.ts';
import type { Container, Pod } from './pod.ts';
import { listOf, membersOf, numberOf } from './raw.ts';
import { type Refusal, refusal } from './refusal.ts';

/** As whom the agent runs, and with which modes it writes. Undefined ids are left to the image, or to OpenShift. */
export interface RunAs {
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** Permission bits; undefined leaves them to the volume (`auto`). */
  readonly fileMode: number | undefined;
  readonly dirMode: number | undefined;
  readonly refusals: readonly Refusal[];
}

/** The image's own user, told where the pod's would be inherited otherwise. */
const imageUser = 65_532;

interface Reader {
  readonly container: Container;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** Root that may read everything. */
  readonly mighty: boolean;
}

/**
 * The agent runs as the containers that read what it writes do, when all of them say the same user and it is not
 * root: then nobody else need be able to read the files. Otherwise as the image's user.
 */
export function runAsOf(pod: Pod, options: PodOptions, consumers: readonly Container[]): RunAs {
  const readers = consumers.map((container) => readerOf(pod, container));
  const { uid, gid, refusals } = whoFor(pod, options, readers);
  const grouped = numberOf(membersOf(pod.spec['securityContext'])['fsGroup']) !== undefined;
  const alone = uid !== undefined && readers.length > 0 && readers.every((reader) => reader.uid === uid);
  if (options.fileMode !== 'auto') {
    const unable = readers.filter(
      (reader) => !canRead(options.fileMode as number, reader, { uid, gid, grouped }),
    );
    return {
      uid,
      gid,
      fileMode: options.fileMode,
      dirMode: undefined,
      refusals: [...refusals, ...unable.map((reader) => unreadable(options.fileMode as number, reader))],
    };
  }
  // A volume with a group gives its files to that group already.
  const tight = alone && !grouped;
  return { uid, gid, fileMode: tight ? 0o440 : undefined, dirMode: tight ? 0o750 : undefined, refusals };
}

function readerOf(pod: Pod, container: Container): Reader {
  const [own, all] = [membersOf(container.raw['securityContext']), membersOf(pod.spec['securityContext'])];
  const uid = numberOf(own['runAsUser']) ?? numberOf(all['runAsUser']);
  const { add, drop } = membersOf(own['capabilities']);
  const has = (list: unknown, name: string): boolean => Array.isArray(list) && list.includes(name);
  const dropped = has(drop, 'ALL') || has(drop, 'DAC_OVERRIDE');
  const kept = !dropped || has(add, 'DAC_OVERRIDE') || own['privileged'] === true;
  return {
    container,
    uid,
    gid: numberOf(own['runAsGroup']) ?? numberOf(all['runAsGroup']),
    mighty: uid === 0 && kept,
  };
}

type Who = Pick<RunAs, 'uid' | 'gid' | 'refusals'>;

function whoFor(pod: Pod, { runAs }: PodOptions, readers: readonly Reader[]): Who {
  if (typeof runAs === 'object') return { ...runAs, refusals: [] };
  const shared = sharedUser(readers);
  if (shared !== undefined) return { uid: shared, gid: sharedGroup(readers), refusals: [] };
  const nobodySays = readers.every((reader) => reader.uid === undefined);
  const inherited = numberOf(membersOf(pod.spec['securityContext'])['runAsUser']) !== undefined;
  // With no id anywhere none is given, so that OpenShift can choose one for the whole pod.
  const who = nobodySays && !inherited ? undefined : imageUser;
  return { uid: who, gid: who, refusals: runAs === 'same' ? [notTheSame()] : [] };
}

/** The one user, not root, that all readers say they are. */
function sharedUser(readers: readonly Reader[]): number | undefined {
  const [first] = readers;
  if (first?.uid === undefined || first.uid === 0) return undefined;
  return readers.every(({ uid }) => uid === first.uid) ? first.uid : undefined;
}

function sharedGroup(readers: readonly Reader[]): number | undefined {
  const [first] = readers;
  return readers.every(({ gid }) => gid === first?.gid) ? first?.gid : undefined;
}

interface Owner {
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** The volume has the pod's fsGroup, which every container is in. */
  readonly grouped: boolean;
}

/** As the kernel decides: by the first of owner, group and others that the reader is. */
function canRead(mode: number, reader: Reader, owner: Owner): boolean {
  if (reader.mighty) return true;
  if (reader.uid !== undefined && reader.uid === owner.uid) return (mode & 0o400) !== 0;
  const inGroup = owner.grouped || (reader.gid !== undefined && reader.gid === owner.gid);
  return (mode & (inGroup ? 0o040 : 0o004)) !== 0;
}

function unreadable(mode: number, { container, uid }: Reader): Refusal {
  const who = uid === undefined ? 'whose user is not told' : `which runs as ${uid}`;
  return refusal('Unreadable', keyOf('file-mode'), {
    message: `with the mode 0${mode.toString(8)} the container ${container.name}, ${who}, could not read its secrets`,
    remedy: 'give the pod an fsGroup and use 0440, give all containers one runAsUser, or leave the mode out',
  });
}

function notTheSame(): Refusal {
  return refusal('InvalidAnnotation', keyOf('run-as'), {
    message: 'the containers that see the files do not all say the same runAsUser that is not 0',
    remedy: 'set securityContext.runAsUser for the pod, or use auto',
  });
}

/** Names of volumes that a container mounts. */
export function mountsOf(container: Container): readonly { readonly name: string; readonly path: string }[] {
  return listOf(container.raw['volumeMounts']).map((mount) => ({
    name: String(mount['name'] ?? ''),
    path: String(mount['mountPath'] ?? ''),
  }));
}
