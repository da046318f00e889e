import { hash, timingSafeEqual } from 'node:crypto';
import { inspect } from 'node:util';

/** What a Secret shows wherever it is printed by mistake. */
export const redacted = '[secret]';

/**
 * Bytes that cannot be printed: string conversion, JSON and inspection all give `[secret]`. The bytes are
 * held in a private field, so no serializer that walks properties can meet them.
 */
export class Secret {
  readonly #bytes: Buffer;

  private constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  static of(value: Buffer | Uint8Array | string): Secret {
    if (typeof value === 'string') return new Secret(Buffer.from(value, 'utf8'));
    return new Secret(Buffer.isBuffer(value) ? value : Buffer.from(value));
  }

  /** The bytes themselves, not a copy. Every call is a place where a value leaves the type: keep them few. */
  reveal(): Buffer {
    return this.#bytes;
  }

  /** The bytes as UTF-8 text. */
  text(): string {
    return this.#bytes.toString('utf8');
  }

  get byteLength(): number {
    return this.#bytes.length;
  }

  equals(other: Secret): boolean {
    return this.#bytes.length === other.#bytes.length && timingSafeEqual(this.#bytes, other.#bytes);
  }

  /** Hex SHA-256 of the bytes, for change detection; never shown to users. */
  digest(): string {
    return hash('sha256', this.#bytes);
  }

  toString(): string {
    return redacted;
  }

  toJSON(): string {
    return redacted;
  }

  [Symbol.toPrimitive](): string {
    return redacted;
  }

  [inspect.custom](): string {
    return redacted;
  }
}

/** Keys and values as a provider or a template delivers them, in insertion order. */
export type SecretMap = ReadonlyMap<string, Secret>;
