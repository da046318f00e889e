import type { Path } from './path.ts';
import { keyComplaint, shown } from './schema/rules.ts';
import type { Target, Template, TemplateFrom, TemplateSource, TemplateText } from './spec.ts';
import type { Subject } from './subject.ts';

/** `spec.target` after its structure was checked and its defaults applied. */
export interface RawTarget extends Pick<Target, 'creationPolicy' | 'deletionPolicy'> {
  readonly name?: string;
  readonly immutable?: boolean;
  readonly manifest?: unknown;
  readonly template?: RawTemplate;
}

interface RawTemplate {
  readonly type?: string;
  readonly mergePolicy: Template['mergePolicy'];
  readonly metadata?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
  };
  readonly data?: Readonly<Record<string, string>>;
  readonly templateFrom?: readonly RawTemplateFrom[];
}

interface RawTemplateFrom {
  readonly configMap?: TemplateSource;
  readonly secret?: TemplateSource;
  readonly literal?: string;
  readonly target: string;
  readonly valuesDecodingStrategy?: TemplateFrom['valuesDecodingStrategy'];
}

const targetPath: Path = ['spec', 'target'];
const templatePath: Path = [...targetPath, 'template'];

/** The target, and the admission webhook's rules on it. */
export function readTarget(subject: Subject, raw: RawTarget): Target {
  checkPolicies(subject, raw);
  if (raw.template !== undefined) checkPrivileged(subject, raw.template);
  // Another kind of target has rules of its own, which nobody could follow here.
  const manifest = raw.manifest !== undefined;
  if (manifest) subject.unsupported([...targetPath, 'manifest']);
  return {
    name: raw.name ?? subject.name,
    creationPolicy: raw.creationPolicy,
    deletionPolicy: raw.deletionPolicy,
    immutable: raw.immutable ?? false,
    template: raw.template === undefined || manifest ? undefined : readTemplate(subject, raw.template),
  };
}

function checkPolicies(subject: Subject, raw: RawTarget): void {
  const { creationPolicy, deletionPolicy } = raw;
  const path = [...targetPath, 'deletionPolicy'];
  if (deletionPolicy === 'Delete' && ['Merge', 'None', 'CreateOrMerge'].includes(creationPolicy)) {
    const message = `deletionPolicy Delete does not go with creationPolicy ${creationPolicy}, which does not own the Secret`;
    subject.problem(path, message, 'use creationPolicy Owner');
  }
  if (deletionPolicy === 'Merge' && creationPolicy === 'None') {
    subject.problem(
      path,
      'deletionPolicy Merge does not go with creationPolicy None: there is no Secret to merge with',
    );
  }
}

/** Types that would mint long-lived credentials of the cluster's. */
function checkPrivileged(subject: Subject, template: RawTemplate): void {
  const path = [...templatePath, 'type'];
  if (template.type === 'bootstrap.kubernetes.io/token') {
    subject.problem(path, `the type ${template.type} is not allowed`);
  }
  if (template.type !== 'kubernetes.io/service-account-token') return;
  const account = 'kubernetes.io/service-account.name';
  if (Object.hasOwn(template.metadata?.annotations ?? {}, account)) {
    subject.problem(path, `the type ${template.type} is not allowed with the annotation ${account}`);
  }
  if (template.templateFrom?.some((from) => from.target.toLowerCase() === 'annotations')) {
    subject.problem(
      path,
      `the type ${template.type} is not allowed with a templateFrom whose target is Annotations`,
    );
  }
}

function readTemplate(subject: Subject, raw: RawTemplate): Template {
  for (const key of Object.keys(raw.data ?? {})) {
    const complaint = keyComplaint(key);
    if (complaint !== undefined) {
      subject.problem([...templatePath, 'data', key], complaint.message, complaint.remedy);
    }
  }
  return {
    at: subject.at(templatePath),
    type: raw.type ?? '',
    mergePolicy: raw.mergePolicy,
    labels: textsAt(subject, [...templatePath, 'metadata', 'labels'], raw.metadata?.labels),
    annotations: textsAt(subject, [...templatePath, 'metadata', 'annotations'], raw.metadata?.annotations),
    finalizers: raw.metadata?.finalizers ?? [],
    data: textsAt(subject, [...templatePath, 'data'], raw.data),
    templateFrom: (raw.templateFrom ?? []).map((from, i) => readTemplateFrom(subject, from, i)),
  };
}

function textsAt(
  subject: Subject,
  path: Path,
  texts: Readonly<Record<string, string>> = {},
): ReadonlyMap<string, TemplateText> {
  const placed = ([key, text]: [string, string]) =>
    [key, { text, at: subject.textAt([...path, key]) }] as const;
  return new Map(Object.entries(texts).map(placed));
}

function readTemplateFrom(subject: Subject, raw: RawTemplateFrom, index: number): TemplateFrom {
  const path = [...templatePath, 'templateFrom', index];
  const literal = raw.literal;
  return {
    at: subject.at(path),
    target: templateTarget(subject, raw.target, [...path, 'target']),
    valuesDecodingStrategy: raw.valuesDecodingStrategy ?? 'None',
    configMap: raw.configMap,
    secret: raw.secret,
    literal: literal === undefined ? undefined : { text: literal, at: subject.textAt([...path, 'literal']) },
  };
}

/** Any case will do, and the empty string means Data; other values are paths into other kinds of target. */
function templateTarget(subject: Subject, text: string, path: Path): TemplateFrom['target'] {
  if (text === '') return 'Data';
  const known = (['Data', 'Labels', 'Annotations'] as const).find(
    (target) => target.toLowerCase() === text.toLowerCase(),
  );
  if (known !== undefined) return known;
  subject.problem(path, `unknown value ${shown(text)}`, 'use one of Data, Labels, Annotations');
  return 'Data';
}
