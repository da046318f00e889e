/**
 * Every bound of the agent, named, with its unit last. A bound is here so that it can be found, argued
 * about and tested; nothing that waits or grows is without one.
 */
export const limits = {
  /** A spec file larger than this is refused unread. */
  specFileBytes: 1024 * 1024,
  /** YAML aliases a document may expand; the yaml library counts them. */
  yamlAliasCount: 100,
  /** Nodes in one document after alias expansion. */
  yamlNodeCount: 100_000,
  /** Documents over all spec files. */
  specDocumentCount: 5_000,
  /** One value from a store, one file on the volume. */
  valueBytes: 16 * 1024 * 1024,
  /** All of one target. */
  payloadBytes: 64 * 1024 * 1024,
  /** One HTTP answer of a store. */
  responseBytes: 24 * 1024 * 1024,
  /** Keys that `find` may return. */
  findCount: 10_000,
  /** Time for one request to a store, login included. */
  requestMs: 15_000,
  /** Time for opening a connection. */
  connectMs: 5_000,
  /** Time for one ExternalSecret's whole sync. */
  syncMs: 120_000,
  /** Requests in flight to one store. */
  requestsInFlight: 4,
  /** Shutdown, from SIGTERM to exit. */
  shutdownMs: 2_000,
} as const;
