import { aws } from './aws.ts';
import { fake } from './fake.ts';
import { kubernetes } from './kubernetes.ts';
import type { Provider } from './provider.ts';
import { vault } from './vault.ts';

/** Every store type, by its key in `spec.provider`. Their SDKs load when a store of theirs is opened. */
export const catalog: Readonly<Record<string, Provider>> = { fake, aws, vault, kubernetes };
