import { createPrivateKey, X509Certificate } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { Clock } from '../base/clock.ts';
import { AgentError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { TlsPair, TlsSource } from './tls.ts';

export interface TlsFilesOptions {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * A certificate and its key from two files, looked at again and again, as cert-manager and OLM renew them. A new pair
 * that does not fit together, or cannot be read, is told once and the old one goes on serving. Throws AgentError
 * when the first cannot be had.
 */
export async function openTlsFiles(options: TlsFilesOptions): Promise<TlsSource> {
  const files = new TlsFiles(options, await readPair(options));
  files.watch();
  return files;
}

class TlsFiles implements TlsSource {
  readonly #options: TlsFilesOptions;
  readonly #listeners: (() => void)[] = [];
  readonly #closing = new AbortController();
  #pair: TlsPair;
  #told = '';
  #watching: Promise<void> = Promise.resolve();

  constructor(options: TlsFilesOptions, pair: TlsPair) {
    this.#options = options;
    this.#pair = pair;
  }

  tls(): TlsPair {
    return this.#pair;
  }

  onTlsChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  watch(): void {
    this.#watching = this.#poll();
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('closed'));
    await this.#watching;
  }

  async #poll(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await clock.sleep(limits.tlsPollMs, signal).catch(() => {});
      if (!signal.aborted) await this.#look();
    }
  }

  /** A pair is written as two files, and one may be seen before the other: the next look sees both. */
  async #look(): Promise<void> {
    const { log, certFile } = this.#options;
    try {
      const pair = await readPair(this.#options);
      this.#told = '';
      if (pair.cert === this.#pair.cert && pair.key === this.#pair.key) return;
      this.#pair = pair;
      log.info({ certFile }, 'the certificate was replaced');
      for (const listener of this.#listeners) listener();
    } catch (err) {
      const message = err instanceof Error ? err.message : '';
      if (message !== this.#told) log.error({ err }, 'the new certificate is not used');
      this.#told = message;
    }
  }
}

async function readPair({ certFile, keyFile }: TlsFilesOptions): Promise<TlsPair> {
  const [cert, key] = await Promise.all([textOf(certFile), textOf(keyFile)]);
  checkPair({ cert, key }, certFile);
  return { cert, key };
}

/** Throws AgentError SpecInvalid unless the key is that of the certificate. */
function checkPair({ cert, key }: TlsPair, certFile: string): void {
  let fits: boolean;
  try {
    fits = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch {
    throw refused(
      certFile,
      'the certificate or its key is not PEM',
      'give a PEM chain and its unencrypted key',
    );
  }
  if (!fits)
    throw refused(certFile, 'the key is not that of the certificate', 'give a pair that belongs together');
}

async function textOf(path: string): Promise<string> {
  const remedy = 'mount the Secret with the certificate, and check --cert-file and --key-file';
  const file = await open(path).catch((cause: NodeJS.ErrnoException) => {
    throw refused(path, `cannot be read: ${cause.code}`, remedy);
  });
  try {
    const { size } = await file.stat();
    if (size > limits.tlsFileBytes)
      throw refused(path, `is larger than ${limits.tlsFileBytes} bytes`, remedy);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

function refused(file: string, message: string, remedy: string): AgentError {
  return new AgentError('SpecInvalid', message, { at: { file }, remedy });
}
