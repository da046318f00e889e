import { checkAnnotations } from './annotations.ts';
import { isMembers } from './schema/conform.ts';
import { clusterGeneratorField, generators } from './schema/generators.ts';
import type { Subject } from './subject.ts';

/** Checks a generator's document; using one is refused where it is referred to. */
export function checkGenerator(subject: Subject): void {
  subject.checkTopLevel(['spec']);
  checkAnnotations(subject, []);
  if (subject.kind === 'ClusterGenerator') checkClusterGenerator(subject);
  // A UUID has nothing to say, so its spec may be left out.
  else if (subject.kind !== 'UUID' || subject.valueAt(['spec']) !== undefined) {
    subject.conform(['spec'], generators[subject.kind] ?? 'any');
  }
}

function checkClusterGenerator(subject: Subject): void {
  const kinds = Object.keys(generators);
  const fields = kinds.map((kind) => `${clusterGeneratorField(kind)} any`).join(' ');
  const spec = subject.conform(['spec'], `{kind! ${kinds.join('|')} generator! {${fields}}#1}`);
  const generator = isMembers(spec) ? spec['generator'] : undefined;
  if (!isMembers(generator)) return;
  for (const kind of kinds) {
    const field = clusterGeneratorField(kind);
    if (Object.hasOwn(generator, field))
      subject.conform(['spec', 'generator', field], generators[kind] ?? 'any');
  }
}
