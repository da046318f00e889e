import { limits } from '../base/limits.ts';

/** All items, as many at a time as one store is asked at once. The first throw ends it. */
export async function inPool<T>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < items.length; i = next++) await work(items[i] as T, i);
  };
  await Promise.all(Array.from({ length: Math.min(limits.requestsInFlight, items.length) }, worker));
}
