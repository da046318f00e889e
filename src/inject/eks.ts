import { isAgent } from './placement.ts';
import type { Container, Pod } from './pod.ts';
import { listOf, type Members, textOf } from './raw.ts';

/** What the EKS webhooks gave a container: variables, and the mount of the token that they name. */
export interface AwsIdentity {
  readonly env: readonly Members[];
  readonly mount: Members;
}

interface Kind {
  readonly required: readonly string[];
  readonly tokenFile: string;
}

/** In the order in which EKS itself decides: its Pod Identity wins over IRSA. */
const kinds: readonly Kind[] = [
  {
    required: ['AWS_CONTAINER_CREDENTIALS_FULL_URI', 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'],
    tokenFile: 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
  },
  { required: ['AWS_ROLE_ARN', 'AWS_WEB_IDENTITY_TOKEN_FILE'], tokenFile: 'AWS_WEB_IDENTITY_TOKEN_FILE' },
];

/** Given along with either. */
const regional: readonly string[] = ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_STS_REGIONAL_ENDPOINTS'];

/** Whether EKS gave this container a whole set, or we did before. */
export function hasAwsIdentity(container: Container): boolean {
  return kinds.some((kind) => identityIn(container, kind) !== undefined);
}

/**
 * The set that an agent without one is given when EKS's webhook ran before ours, since it may not run again; undefined
 * when no other container has a whole set. Never parts of two.
 */
export function awsIdentityOf(pod: Pod): AwsIdentity | undefined {
  const siblings = [...pod.containers, ...pod.initContainers].filter((container) => !isAgent(container));
  for (const kind of kinds) {
    const found = siblings.map((container) => identityIn(container, kind)).find((each) => each !== undefined);
    if (found !== undefined) return found;
  }
  return undefined;
}

function identityIn(container: Container, kind: Kind): AwsIdentity | undefined {
  const env = listOf(container.raw['env']);
  const literal = (name: string): Members | undefined => {
    const value = textOf(env.find((each) => each['name'] === name)?.['value']);
    return value === undefined || value === '' ? undefined : { name, value };
  };
  const required = kind.required.map(literal).filter((each) => each !== undefined);
  if (required.length < kind.required.length) return undefined;
  const mount = mountOver(container, textOf(literal(kind.tokenFile)?.['value']) ?? '');
  if (mount === undefined) return undefined;
  return { env: [...required, ...regional.map(literal).filter((each) => each !== undefined)], mount };
}

function mountOver(container: Container, file: string): Members | undefined {
  const mount = listOf(container.raw['volumeMounts']).find((each) =>
    file.startsWith(`${textOf(each['mountPath']) ?? file}/`),
  );
  if (mount === undefined) return undefined;
  return { name: mount['name'] ?? '', mountPath: mount['mountPath'] ?? '', readOnly: true };
}
