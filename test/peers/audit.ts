import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface AuditEvent {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly requestURI: string;
  /** Unset for what is no resource: `/version`. */
  readonly objectRef?: {
    readonly resource?: string;
    readonly subresource?: string;
    readonly name?: string;
  };
  readonly responseStatus: { readonly code: number };
  readonly responseObject?: {
    readonly metadata: { readonly resourceVersion: string; readonly annotations?: Record<string, string> };
    readonly data?: Record<string, string>;
  };
}

/** The audit log of an API server: what it was asked, by its own word. */
export class Audit {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** @param rules of an audit policy, in YAML. */
  static async prepare(rules: string): Promise<Audit> {
    const audit = new Audit(await mkdtemp(join(tmpdir(), 'esa-audit-')));
    const head = 'apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n';
    await writeFile(audit.#policy, head + rules);
    return audit;
  }

  /** For `startApiServer`. */
  get args(): readonly string[] {
    return [`--audit-policy-file=${this.#policy}`, `--audit-log-path=${this.#log}`];
  }

  /** In order. The server writes an event before it answers. */
  async events(): Promise<readonly AuditEvent[]> {
    const text = await readFile(this.#log, 'utf8').catch(() => '');
    return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as AuditEvent]));
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  get #policy(): string {
    return join(this.#folder, 'policy.yaml');
  }

  get #log(): string {
    return join(this.#folder, 'audit.log');
  }
}
