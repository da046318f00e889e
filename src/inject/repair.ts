import { type Operation, pointer } from './json-patch.ts';
import { contains, isMembers, type Json, listOf, type Members } from './raw.ts';

/**
 * How much of what stands in the pod is ours to change.
 * - `repair`: we made this very container before. What is missing comes back; what a later webhook or the API server
 *   changed on purpose (an image of a mirror, a uid of OpenShift, a probe that Istio rewrote) stays.
 * - `update`: the same version of ours made it for other wishes. All is made as wished but the image.
 * - `upgrade`: another version made it. All is made as wished.
 */
export type Authority = 'repair' | 'update' | 'upgrade';

/** Lists whose elements have a name of their own; all others are compared whole. */
const listKeys: Readonly<Record<string, string>> = {
  env: 'name',
  volumeMounts: 'mountPath',
  ports: 'containerPort',
};

/** Changed as one: half of a probe beside half of another is refused by the API server. */
const atoms: readonly string[] = ['startupProbe', 'livenessProbe', 'emptyDir', 'projected', 'downwardAPI'];

/** What nobody but us has a say in: how the agent is run, and that it is a sidecar. */
const always: readonly string[] = ['args', 'restartPolicy'];

/** What admission elsewhere may choose better than we do. */
const lenient: readonly string[] = ['image', 'imagePullPolicy', 'resources'];

/** The operations after which the object at `path` has all that `wanted` says. */
export function repair(
  present: Members,
  wanted: Members,
  { path, authority }: { readonly path: string; readonly authority: Authority },
): readonly Operation[] {
  return Object.entries(wanted).flatMap(([name, value]) => {
    const at = path + pointer(name);
    const found = present[name];
    if (found === undefined || found === null) return [{ op: 'add', path: at, value }];
    if (contains(found, value)) return [];
    return repairMember(name, { found, value }, { path: at, authority: authorityOver(name, authority) });
  });
}

function authorityOver(name: string, authority: Authority): Authority {
  if (always.includes(name)) return 'upgrade';
  return lenient.includes(name) && authority === 'update' ? 'repair' : authority;
}

function repairMember(
  name: string,
  { found, value }: { readonly found: Json; readonly value: Json },
  place: { readonly path: string; readonly authority: Authority },
): readonly Operation[] {
  const key = listKeys[name];
  if (key !== undefined && Array.isArray(found))
    return repairList(listOf(found), listOf(value), { ...place, key });
  if (isMembers(found) && isMembers(value) && !atoms.includes(name)) return repair(found, value, place);
  return place.authority === 'repair' ? [] : [{ op: 'replace', path: place.path, value }];
}

function repairList(
  found: readonly Members[],
  wanted: readonly Members[],
  { path, authority, key }: { readonly path: string; readonly authority: Authority; readonly key: string },
): readonly Operation[] {
  return wanted.flatMap((element): readonly Operation[] => {
    const index = found.findIndex((each) => each[key] === element[key]);
    if (index === -1) return [{ op: 'add', path: `${path}/-`, value: element }];
    if (contains(found[index], element) || authority === 'repair') return [];
    return [{ op: 'replace', path: path + pointer(index), value: element }];
  });
}

/** The operations that put elements at the end of a list that may not be there yet: one, or one each. */
export function appended(
  path: string,
  list: Json | undefined,
  elements: readonly Members[],
): readonly Operation[] {
  if (elements.length === 0) return [];
  if (!Array.isArray(list)) return [{ op: 'add', path, value: elements }];
  return elements.map((value) => ({ op: 'add', path: `${path}/-`, value }));
}

/** The same for the members of an object. */
export function withMembers(path: string, present: Json | undefined, wanted: Members): readonly Operation[] {
  if (!isMembers(present)) return [{ op: 'add', path, value: wanted }];
  return Object.entries(wanted).flatMap(([name, value]) =>
    present[name] === value ? [] : [{ op: 'add', path: path + pointer(name), value }],
  );
}
