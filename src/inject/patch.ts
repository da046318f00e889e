import { createHash } from 'node:crypto';
import { limits } from '../base/limits.ts';
import { injectedLabel } from '../spec/contract.ts';
import { type AgentContainer, agentContainers, portOf } from './agent-container.ts';
import { keyOf } from './annotations.ts';
import { clashes, isMirror, kindRefusals } from './clashes.ts';
import { awsIdentityOf, hasAwsIdentity } from './eks.ts';
import { type Operation, pointer } from './json-patch.ts';
import { type InjectSettings, type PodOptions, readOptions } from './options.ts';
import { agentName, isAgent, type Placement, placementOf } from './placement.ts';
import { type Container, isRefusal, optedIn, type Pod, readPod, tooMany } from './pod.ts';
import { listOf, type Members, membersOf, textOf } from './raw.ts';
import { type Refusal, refusal } from './refusal.ts';
import { type Authority, appended, repair, withMembers } from './repair.ts';
import { memoryWarning } from './resources.ts';
import { type RunAs, runAsOf } from './run-as.ts';
import { secretsVolume, volumesOf } from './volumes.ts';

export type Outcome =
  /** The pod did not ask, or nothing could reach it. */
  | { readonly kind: 'skipped'; readonly why: 'not-asked' | 'mirror-pod' }
  | { readonly kind: 'refused'; readonly refusals: readonly Refusal[] }
  | Patched;

export interface Patched {
  readonly kind: 'patched';
  /** Empty when the pod has all that it should have. */
  readonly operations: readonly Operation[];
  readonly warnings: readonly string[];
  readonly options: PodOptions;
}

/**
 * What has to change so that a pod has its agent. The wanted parts are computed from the pod's own wishes each time
 * and compared with what stands there, so that a second look changes nothing, and what a later webhook took away
 * comes back. The pod itself is never written anew: every operation adds, replaces or moves parts of ours.
 */
export function patchPod(value: unknown, settings: InjectSettings): Outcome {
  const pod = readPod(value);
  if (isRefusal(pod)) return { kind: 'refused', refusals: [pod] };
  if (isMirror(pod)) return { kind: 'skipped', why: 'mirror-pod' };
  const asked = optedIn(pod);
  if (typeof asked === 'object') return { kind: 'refused', refusals: [asked] };
  if (!asked) return { kind: 'skipped', why: 'not-asked' };
  const unable = kindRefusals(pod);
  const options = readOptions(pod, settings);
  if (isRefusals(options)) return { kind: 'refused', refusals: [...unable, ...options] };
  const wanted = wantedFor(pod, options, settings);
  const refusals = [...unable, ...wanted.refusals];
  if (refusals.length > 0) return { kind: 'refused', refusals };
  const operations = operationsFor(pod, wanted);
  if (operations.length > limits.podOperationCount) {
    const many = tooMany(`mounts that need ${operations.length} changes`, limits.podOperationCount);
    return { kind: 'refused', refusals: [many] };
  }
  return {
    kind: 'patched',
    operations,
    warnings: warningsOf(pod, options, wanted.placement.consumers),
    options,
  };
}

function isRefusals(value: PodOptions | readonly Refusal[]): value is readonly Refusal[] {
  return Array.isArray(value);
}

/** Everything of ours as it should be in the pod. */
interface Wanted {
  readonly agents: readonly AgentContainer[];
  readonly volumes: readonly Members[];
  readonly placement: Placement;
  readonly path: string;
  readonly status: string;
  readonly refusals: readonly Refusal[];
}

function wantedFor(pod: Pod, options: PodOptions, settings: InjectSettings): Wanted {
  const placement = placementOf(pod, options);
  const runAs: RunAs = runAsOf(pod, options, placement.consumers);
  const { volumes, mounts } = volumesOf(options);
  const agents = agentContainers({ pod, options, settings, runAs, mounts });
  const isOurs = textOf(pod.annotations[keyOf('status')]) !== undefined;
  const found = clashes(pod, { options, volumes, consumers: placement.consumers, isOurs });
  return {
    agents,
    volumes,
    placement,
    path: options.path,
    status: statusOf(settings.version, { agents, volumes }),
    refusals: [...placement.refusals, ...runAs.refusals, ...found, ...unsupported(options)],
  };
}

/** A one-shot agent has an exit code, which cannot both say that something failed and let the pod start. */
function unsupported({ flags, mode, native }: PodOptions): readonly Refusal[] {
  if ((mode === 'sidecar' && native) || !flags.includes('--on-error=ignore')) return [];
  const message = `ignore is not supported with ${mode === 'init' ? 'mode: init' : 'native: off'}`;
  return [refusal('NotSupported', keyOf('on-error'), { message, remedy: 'use a native sidecar, or block' })];
}

/** `0.1.0,4f1c…`: by it a later look knows what it finds as its own, and of which wishes it was made. */
function statusOf(version: string, parts: object): string {
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  return `${version},${digest.slice(0, 16)}`;
}

/** Where the pod was injected already, by which version and for which wishes decides how much is put right. */
function authorityOf(pod: Pod, wanted: string): Authority {
  const present = textOf(pod.annotations[keyOf('status')]);
  if (present === wanted) return 'repair';
  return present?.split(',')[0] === wanted.split(',')[0] ? 'update' : 'upgrade';
}

/** In an order in which no operation moves what a later one points at: the agents come last. */
function operationsFor(pod: Pod, wanted: Wanted): readonly Operation[] {
  const authority = authorityOf(pod, wanted.status);
  const metadata = pod.raw['metadata'];
  const annotations = { [keyOf('status')]: wanted.status };
  const labels = { [injectedLabel]: 'true' };
  const marks: readonly Operation[] = isAbsent(metadata)
    ? [{ op: 'add', path: '/metadata', value: { annotations, labels } }]
    : [
        ...withMembers('/metadata/annotations', membersOf(metadata)['annotations'], annotations),
        ...withMembers('/metadata/labels', membersOf(metadata)['labels'], labels),
      ];
  return [
    ...marks,
    ...volumeOperations(pod, wanted.volumes, authority),
    ...wanted.placement.consumers.flatMap((container) => mountOperations(container, wanted.path)),
    ...agentOperations(pod, wanted, authority),
  ];
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

function volumeOperations(pod: Pod, volumes: readonly Members[], authority: Authority): readonly Operation[] {
  const indexOf = (volume: Members): number => pod.volumes.findIndex(({ name }) => name === volume['name']);
  const present = volumes.filter((volume) => indexOf(volume) !== -1);
  const missing = volumes.filter((volume) => indexOf(volume) === -1);
  return [
    ...present.flatMap((volume) => {
      const index = indexOf(volume);
      return repair(pod.volumes[index]!, volume, { path: pointer('spec', 'volumes', index), authority });
    }),
    ...appended('/spec/volumes', pod.spec['volumes'], missing),
  ];
}

/** The secrets in a container that reads them, read-only whoever mounted them there. */
function mountOperations({ raw, path }: Container, mountPath: string): readonly Operation[] {
  const mounts = listOf(raw['volumeMounts']);
  const operations: Operation[] = [];
  for (const [index, mount] of mounts.entries()) {
    if (mount['name'] !== secretsVolume || mount['readOnly'] === true) continue;
    operations.push({ op: 'add', path: `${path}/volumeMounts/${index}/readOnly`, value: true });
  }
  if (mounts.some((mount) => mount['mountPath'] === mountPath)) return operations;
  const mount = { name: secretsVolume, mountPath, readOnly: true };
  return [...operations, ...appended(`${path}/volumeMounts`, raw['volumeMounts'], [mount])];
}

function agentOperations(pod: Pod, wanted: Wanted, authority: Authority): readonly Operation[] {
  return (['containers', 'initContainers'] as const).flatMap((list) => {
    const agents = wanted.agents.filter((agent) => agent.list === list).map(({ container }) => container);
    // A regular container of ours goes to the end: tools take the first for the app's.
    const index = list === 'initContainers' ? wanted.placement.index : undefined;
    return listOperations(pod, list, { agents, index, authority });
  });
}

interface AgentsOfList {
  /** At most one. */
  readonly agents: readonly Members[];
  /** Where it must stand among the others; undefined: anywhere, and at the end when it is new. */
  readonly index: number | undefined;
  readonly authority: Authority;
}

function listOperations(
  pod: Pod,
  list: 'containers' | 'initContainers',
  { agents, index, authority }: AgentsOfList,
): readonly Operation[] {
  const present = pod[list].filter(isAgent);
  const [wanted] = agents;
  const mine = present.find(({ name }) => name === wanted?.['name']);
  // From the end, so that an index stays what it is while what stands before it is still to go.
  const leftovers = present.filter((container) => container !== mine).reverse();
  const removals: readonly Operation[] = leftovers.map(({ path }) => ({ op: 'remove', path }));
  if (wanted === undefined) return removals;
  const container = withAwsIdentity(pod, wanted, mine);
  if (mine === undefined) return [...removals, ...insertion(pod, list, { container, index })];
  const repairs = repair(mine.raw, container, { path: mine.path, authority });
  const before = leftovers.filter((other) => other.index < mine.index).length;
  return [...repairs, ...removals, ...move(list, mine.index - before, index)];
}

function insertion(
  pod: Pod,
  list: 'containers' | 'initContainers',
  { container, index }: { readonly container: Members; readonly index: number | undefined },
): readonly Operation[] {
  const path = pointer('spec', list);
  if (!Array.isArray(pod.spec[list])) return [{ op: 'add', path, value: [container] }];
  return [{ op: 'add', path: path + pointer(index ?? '-'), value: container }];
}

/** With the agent taken out, an index among the others is its index in the list. */
function move(list: string, from: number, to: number | undefined): readonly Operation[] {
  if (to === undefined || from === to) return [];
  return [{ op: 'move', from: pointer('spec', list, from), path: pointer('spec', list, to) }];
}

function withAwsIdentity(pod: Pod, wanted: Members, present: Container | undefined): Members {
  if (present !== undefined && hasAwsIdentity(present)) return wanted;
  const identity = awsIdentityOf(pod);
  if (identity === undefined) return wanted;
  return {
    ...wanted,
    env: [...listOf(wanted['env']), ...identity.env],
    volumeMounts: [...listOf(wanted['volumeMounts']), identity.mount],
  };
}

/** What works, and may still surprise. */
function warningsOf(pod: Pod, options: PodOptions, consumers: readonly Container[]): readonly string[] {
  const warnings: string[] = [];
  for (const { name, raw } of consumers) {
    const stale = listOf(raw['volumeMounts']).some(
      (mount) =>
        mount['name'] === secretsVolume && (textOf(mount['subPath']) || textOf(mount['subPathExpr'])),
    );
    if (stale) warnings.push(`${name} mounts its secrets by subPath, which never sees an update`);
  }
  const memory = memoryWarning(options.resources, options.sizeBytes);
  if (memory !== undefined) warnings.push(memory);
  if (options.mode === 'sidecar' && !options.native && isForAJob(pod)) {
    warnings.push(
      `the regular container ${agentName} keeps a Job from completing: use ${keyOf('mode')}: init`,
    );
  }
  if (portOf(pod, options) === 'off' && pod.spec['hostNetwork'] === true && options.mode === 'sidecar') {
    warnings.push(`on the host's network the agent serves no metrics unless ${keyOf('port')} names a port`);
  }
  return warnings;
}

function isForAJob(pod: Pod): boolean {
  const owners = listOf(membersOf(pod.raw['metadata'])['ownerReferences']);
  return (
    owners.some(({ kind }) => kind === 'Job') ||
    ['Never', 'OnFailure'].includes(String(pod.spec['restartPolicy']))
  );
}
