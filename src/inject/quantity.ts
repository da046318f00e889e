import { AgentError } from '../base/errors.ts';

/** Thousandths per unit, of a quantity of Kubernetes. */
const binaryUnits = ['Ki', 'Mi', 'Gi', 'Ti'] as const;
const decimalMillis: Readonly<Record<string, bigint>> = {
  m: 1n,
  '': 1_000n,
  k: 1_000_000n,
  M: 1_000_000_000n,
  G: 1_000_000_000_000n,
  T: 1_000_000_000_000_000n,
};

/** A quantity in thousandths, exactly. */
export interface Quantity {
  readonly millis: bigint;
  /** As the API server would write it: a pod that it hands back compares equal to what was asked for. */
  readonly text: string;
}

/** `10m`, `0.5`, `64Mi`, `1Gi`, `128M`. Throws AgentError SpecInvalid. */
export function parseQuantity(text: string): Quantity {
  const [, whole = '', fraction = '', unit = ''] =
    /^([0-9]{1,15})(?:\.([0-9]{1,9}))?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/.exec(text) ?? [];
  if (whole === '') throw invalid(text, 'is not a quantity');
  const binary = binaryUnits.indexOf(unit as (typeof binaryUnits)[number]);
  const perUnit = binary === -1 ? decimalMillis[unit]! : 1_000n * 1_024n ** BigInt(binary + 1);
  const scaled = BigInt(whole + fraction) * perUnit;
  const divisor = 10n ** BigInt(fraction.length);
  if (scaled % divisor !== 0n) throw invalid(text, 'is finer than a thousandth');
  const millis = scaled / divisor;
  return { millis, text: binary === -1 ? decimalText(millis) : binaryText(millis) };
}

/** A number of bytes as a quantity with a binary unit. */
export function bytesQuantity(bytes: bigint): Quantity {
  return { millis: bytes * 1_000n, text: binaryText(bytes * 1_000n) };
}

function decimalText(millis: bigint): string {
  if (millis === 0n) return '0';
  const units = Object.entries(decimalMillis).reverse();
  const [unit, perUnit] = units.find(([, each]) => millis % each === 0n) ?? ['m', 1n];
  return `${millis / perUnit}${unit}`;
}

function binaryText(millis: bigint): string {
  if (millis === 0n) return '0';
  if (millis % 1_000n !== 0n) return `${millis}m`;
  let count = millis / 1_000n;
  let unit = '';
  for (const next of binaryUnits) {
    if (count % 1_024n !== 0n) break;
    [count, unit] = [count / 1_024n, next];
  }
  return `${count}${unit}`;
}

function invalid(text: string, why: string): AgentError {
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  return new AgentError('SpecInvalid', `${JSON.stringify(shown)} ${why}`, {
    remedy: 'write it as 10m, 0.5, 64Mi or 1Gi',
  });
}
