import { goMarshal, isObject, type Json, JsonNumber, plainDecimal } from '../base/json.ts';

/**
 * ESO's GetByteValue: a JSON value as the bytes of a secret. Strings and number literals as they are, null as
 * nothing, objects and arrays as JSON with HTML escaping.
 */
export function byteValue(value: Json): Buffer {
  if (value === null) return Buffer.alloc(0);
  if (typeof value === 'string') return Buffer.from(value);
  return Buffer.from(goMarshal(value, { escapeHtml: true }));
}

/** The same after Go's `any`, where every number is a float64: large integers lose digits, as in ESO. */
export function byteValueOfFloats(value: Json): Buffer {
  if (value instanceof JsonNumber) return Buffer.from(plainDecimal(Number(value.literal)));
  return byteValue(withFloats(value));
}

/** encoding/json and JavaScript write a float alike, but for the sign of zero. */
export function withFloats(value: Json): Json {
  if (value instanceof JsonNumber) {
    const float = Number(value.literal);
    return new JsonNumber(Object.is(float, -0) ? '-0' : String(float));
  }
  if (value === null || typeof value !== 'object') return value;
  if (isObject(value)) return new Map([...value].map(([key, member]) => [key, withFloats(member)]));
  return value.map(withFloats);
}
