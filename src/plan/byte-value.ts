import { goMarshal, type Json, JsonNumber, plainDecimal } from '../base/json.ts';

/**
 * ESO's GetByteValue: a JSON value as the bytes of a secret. Strings and number literals as they are, null as
 * nothing, objects and arrays as JSON with HTML escaping.
 */
export function byteValue(value: Json): Buffer {
  if (value === null) return Buffer.alloc(0);
  if (typeof value === 'string') return Buffer.from(value);
  return Buffer.from(goMarshal(value, { escapeHtml: true }));
}

/** The same of what was read with floats: a number by itself is written without an exponent, as in ESO. */
export function byteValueOfFloats(value: Json): Buffer {
  if (value instanceof JsonNumber) return Buffer.from(plainDecimal(Number(value.literal)));
  return byteValue(value);
}
