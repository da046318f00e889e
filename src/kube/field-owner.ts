import { hash } from 'node:crypto';
import { annotationPrefix } from '../spec/contract.ts';

/** The API server's own bound on the name of a field manager. */
const fieldManagerLength = 128;

/** Who we are to the API server: one manager for each ExternalSecret, the same in every replica. */
export function fieldManagerOf(externalSecretName: string): string {
  const manager = annotationPrefix + externalSecretName;
  if (manager.length <= fieldManagerLength) return manager;
  return `${annotationPrefix}sha256/${hash('sha256', externalSecretName)}`;
}
