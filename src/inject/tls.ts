/** What the webhook serves with, in PEM. */
export interface TlsPair {
  readonly key: string;
  /** Leaf first. */
  readonly cert: string;
}

/** Where certificates come from: files, or made by the injector itself. */
export interface TlsSource {
  /** The pair to serve now; undefined until there is one. */
  tls(): TlsPair | undefined;
  /** Calls `listener` after each change of `tls()`. */
  onTlsChange(listener: () => void): void;
  close(): Promise<void>;
}
