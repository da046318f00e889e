/**
 * Every bound of the agent, named, with its unit last. A bound is here so that it can be found, argued
 * about and tested; nothing that waits or grows is without one.
 */
export const limits = {
  /** A spec file larger than this is refused unread. */
  specFileBytes: 1024 * 1024,
  /** All spec files together. */
  specBytes: 16 * 1024 * 1024,
  /** YAML aliases a document may expand; the yaml library counts them. */
  yamlAliasCount: 100,
  /** How deep brackets may nest in one document, and dashes in one line. */
  yamlDepth: 500,
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
  /** Go refuses deeper JSON as well. */
  jsonDepth: 10_000,
  /** A gjson path in `property`. */
  pathLength: 4_096,
  /** Bytes that one gjson path may read or make, and how deep its parts and the values it walks nest. */
  pathWorkBytes: 64 * 1024 * 1024,
  pathDepthCount: 250,
  /** Keys that `find` may return. */
  findCount: 10_000,
  /** Time for one request to a store, login included. */
  requestMs: 15_000,
  /** Time for opening a connection. */
  connectMs: 5_000,
  /** An idle connection is closed after this. */
  keepAliveMs: 4_000,
  /** Time for one read, login and retries within the provider included. */
  readMs: 40_000,
  /** Time for one ExternalSecret's whole sync. */
  syncMs: 120_000,
  /** Requests in flight to one store. */
  requestsInFlight: 6,
  /** A round of which no read was answered for so long sends no more: two requests, one after the other. */
  roundPatienceMs: 30_000,
  /** Probes and metrics wait for the first deliveries, but no longer than this. */
  firstRoundMs: 250,
  /** What changes in the kept state within this is written at once. */
  keptWriteMs: 100,
  /** Shutdown, from SIGTERM to exit. */
  shutdownMs: 2_000,
  /** Retries of Denied, NotFound and the like before only the interval counts. */
  settledRetries: 6,
  /** Such a target that never was delivered is tried at least this often. */
  undeliveredRetryMs: 5 * 60_000,
  backoffBaseMs: 1_000,
  /** Or a third of the interval, where that is longer. */
  backoffCapMs: 60_000,
  /** A longer Retry-After is cut to this. */
  retryAfterCapMs: 10 * 60_000,
  /** Rounds in a row that must fail before a store's breaker opens. */
  breakerFailures: 5,
  breakerProbeMinMs: 30_000,
  breakerProbeMaxMs: 60_000,
  /** Retries a store may be sent in a burst, and how often one more is earned. */
  retryBudgetTokens: 20,
  retryBudgetRefillMs: 1_000,
  /** A refreshInterval below this is this. */
  refreshFloorMs: 1_000,
  /** The loop looks at its clock at least this often. */
  sleepCapMs: 60 * 60_000,
  /** Two refreshes on demand are at least this far apart. */
  refreshSpacingMs: 1_000,
  /** A target outside its syncWindows is looked at again after this. */
  syncWindowCheckMs: 60_000,
  /** From the end of an ExternalSecret to the end of its folder. */
  removalGraceMs: 60_000,
  /** Proven NotFounds, and their least distance, before a delivered key is taken away. */
  absenceConfirmations: 3,
  absenceSpacingMs: 30_000,
  /** `/livez` fails when the loop is this late for what it wanted to do. */
  heartbeatLateMs: 60_000,
  /** Of our own HTTP servers, on `--listen` and on the control socket. */
  servedConnections: 64,
  servedHeaderBytes: 8 * 1024,
  servedRequestMs: 10_000,
  refreshTokenFileBytes: 4_096,
  /** All that `check --connect` asks. */
  doctorMs: 5 * 60_000,
  /** One AdmissionReview: the API server takes objects of 3 MiB, and sends the old one along. */
  reviewBytes: 8 * 1024 * 1024,
  /** Values of one review, and how deep they nest: an empty object of two bytes takes memory of sixty. The API server
   * itself reads JSON no deeper; a pod of 3 MiB that has nothing but variables has 240,000. */
  reviewValueCount: 300_000,
  reviewDepth: 10_000,
  /** What a review usually has at most, and what larger ones that come at once may have beyond it together. */
  reviewUsualBytes: 64 * 1024,
  reviewHeldBytes: 16 * 1024 * 1024,
  /** Of the webhook: the API server keeps its connections; a handshake, and a request from its first byte to its last,
   * is done in this time. */
  reviewConnections: 1_024,
  reviewMs: 10_000,
  reviewKeepAliveMs: 120_000,
  /** Warnings of one answer, and the letters that the API server shows of each. */
  reviewWarningCount: 10,
  reviewWarningLength: 256,
  /** What a refusal tells at most. */
  reviewMessageLength: 8_192,
  /** A certificate chain or a key, and how often the files are looked at. */
  tlsFileBytes: 256 * 1024,
  tlsPollMs: 5_000,
  /** The webhook's own certificates: how often Secret and caBundle are looked at, how long a new authority stands
   * in the caBundle before it signs, and what one look may take. */
  certificatePollMs: 10_000,
  certificateSettleMs: 60_000,
  certificateTurnMs: 30_000,
  /** All annotations of a pod together, as the API server has it: it counts them only after its webhooks. */
  podAnnotationBytes: 256 * 1024,
  /** ConfigMaps, audiences, containers, … that one annotation names. */
  podListCount: 100,
  /** Specs that one object is or holds, as the webhook checks them: while it does, it answers nobody else. To read
   * 20,000 short lines takes half a second. */
  reviewSpecBytes: 256 * 1024,
  reviewSpecLines: 20_000,
  /** Containers of a pod, and changes that it needs: a patch is larger than what it changes. */
  podContainerCount: 1_000,
  podOperationCount: 10_000,
  /** Unknown annotations of one pod that are told: a look for the nearest known name has its cost. */
  podUnknownCount: 20,
  /** Mounts of a pod that are told to be in the way. */
  podClashCount: 20,
  /** A pod or workload that `inject` reads. */
  injectFileBytes: 16 * 1024 * 1024,
  /** A written status that is younger by no more than this, and says the same, is left alone. */
  statusFreshMs: 60_000,
  /** Events on the pod: so many at once, one more every so often, and as many different ones remembered. */
  eventBurst: 20,
  eventRefillMs: 30_000,
  eventSeries: 256,
  /** Kubernetes keeps an Event for an hour after it was last written. */
  eventRenewMs: 30 * 60_000,
  /** After an Event could not be written none is tried for so long. */
  eventMuteMs: 5 * 60_000,
  /** One Event's writing, and the wait for those under way at the end. */
  eventMs: 10_000,
  eventFlushMs: 1_000,
  /** The API server takes 1024. */
  eventMessageBytes: 1_000,
  /** `status` of many pods: how many, how many at once, and how much of each one's answer. */
  fleetPods: 10_000,
  fleetInFlight: 16,
  fleetStatusBytes: 4 * 1024 * 1024,
  /** A question of `status` or `probe` to the running agent. */
  askMs: 5_000,
  /** Between two questions of a probe that waits for a yes. */
  probePauseMs: 50,
  /** AWS: a call that took longer before it failed is not tried again at once. */
  awsQuickFailureMs: 5_000,
  /** AWS: the longest pause between two tries of one call; a longer Retry-After is left to the loop. */
  awsPauseCapMs: 5_000,
  /** AWS: tries of one call, whatever retrySettings say. */
  awsAttempts: 10,
  /** AWS credentials are replaced this long before they expire, and up to the jitter sooner. */
  awsCredentialsEarlyMs: 5 * 60_000,
  awsCredentialsJitterMs: 60_000,
  /** AWS credentials that do not say when they expire are read anew after this. */
  awsCredentialsAgeMs: 60 * 60_000,
  /** After a login failed while the old credentials still work, the next one waits this long. */
  awsLoginPauseMs: 30_000,
  /** AWS: a login with all its role changes. */
  awsLoginMs: 30_000,
  /** AWS: ids in one BatchGetSecretValue, as the API has it. */
  awsBatchCount: 20,
  /** AWS: how long a denial of BatchGetSecretValue is believed. */
  awsBatchDenialMs: 24 * 60 * 60_000,
  /** AWS: the longest wait after a throttled batch before its keys are read one by one. */
  awsBatchThrottleMs: 1_000,
  /** AWS: pages of one list; more is an endless list. */
  awsPageCount: 1_000,
  /** A service-account token; the API server's have about 1 KB. */
  tokenFileBytes: 64 * 1024,
  /** Kubernetes: tries of one call, its first pause, and the longest one; a longer Retry-After is left to the
   * loop. */
  kubeAttempts: 4,
  kubeBackoffMs: 250,
  kubePauseCapMs: 5_000,
  /** Kubernetes: the look at a Secret before its values are fetched; files wait for it. */
  kubeLookMs: 2_000,
  /** Kubernetes: replicas that would update one Secret together spread over this. */
  kubeUpdateSpreadMs: 10_000,
  /** Kubernetes: writes of one Secret in a row that somebody else beat. */
  kubeRaces: 5,
  /** Kubernetes: the values of one Secret together, as the API server has it. */
  kubeSecretBytes: 1024 * 1024,
  /** Kubernetes: objects in one page of a list. */
  kubePageCount: 500,
  /** Kubernetes: one kubeconfig file. */
  kubeconfigBytes: 1024 * 1024,
  /** Kubernetes: a login program of a kubeconfig, what it prints, how long its token is used at most, and how long
   * before its end another is asked for. */
  kubePluginMs: 60_000,
  kubePluginBytes: 1024 * 1024,
  kubePluginAgeMs: 5 * 60_000,
  kubePluginEarlyMs: 30_000,
  /** Giving a token back at the end, within the shutdown. */
  revokeMs: 1_500,
  /** Folders within folders that `find` follows. */
  findDepth: 32,
  /** Of a store's own words in a message. */
  quotedErrorLength: 300,
  /** How deep a template's actions and parentheses nest. */
  templateNestingCount: 250,
  /** Levels of nesting of all templates that are being rendered within one another. */
  templateDepthCount: 2_000,
  /** How deep a value (a list in a list, …) may be where it is printed or walked. */
  templateValueDepthCount: 200,
  /** Actions, iterations, calls and 64-byte pieces of arguments in one rendering. */
  templateStepCount: 10_000_000,
  /** CPU time of one rendering. */
  templateCpuMs: 20_000,
  /** A text that templates read as YAML: what a ConfigMap holds at most. One full of mistakes takes seconds a MiB. */
  templateYamlBytes: 1024 * 1024,
  /** One rendered template. */
  templateOutputBytes: 16 * 1024 * 1024,
  /** A version, or a constraint on one, that a template compares. */
  templateVersionChars: 4_096,
  /** All strings made while rendering one template. */
  templateWorkBytes: 256 * 1024 * 1024,
  /** How long readers that are in a generation of files when it is replaced may stay there. */
  oldGenerationMs: 60_000,
} as const;
