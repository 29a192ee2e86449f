/** The kinds of stored documents. They are stored, so that their values never change. */
export const documentKind = {
  /** Which checkpoint a webhook endpoint acknowledged last, by the id of the endpoint. */
  acknowledgedCheckpoint: 'webhook-checkpoint',
  /** API keys of the service, by their id. */
  apiKey: 'api-key',
  /** When an API key was last used, by the id of the key. */
  apiKeyUse: 'api-key-use',
  /** The checkpoint up to which the audit chain was pruned. */
  chainBase: 'chain-base',
  /** Signed checkpoints of the audit chain. */
  checkpoint: 'checkpoint',
  /** Webhook endpoints, by their id. */
  endpoint: 'webhook',
  /** Which configured webhook endpoints are registered. */
  configuredEndpoint: 'webhook-configured',
  /** Pending enrichments, by the row of their guest. */
  enrichment: 'enrichment',
  /** Requests with an Idempotency-Key, by a digest of caller and key. */
  idempotentRequest: 'idempotent-request',
  /** The answers to such requests, by the row of their guest and the digest. */
  idempotentAnswer: 'idempotent-answer',
  /** One-time links that begin a sign-in, by their digest. */
  signInLink: 'sign-in-link',
  /** Keys that the service made for itself, by their use. */
  key: 'key',
  /** Guest reservations, by the pseudonym of applicant and channel. */
  reservation: 'duplicate',
  /** Sessions of browsers at the service, by the digest of their secret. */
  browserSession: 'browser-session',
  /** How far the passes of retention have come. */
  retentionTime: 'retention-time',
  /** What a report counts, by the hour of the events. */
  rollUp: 'roll-up',
  /** What a report counts, of all hours together. */
  rollUpTotals: 'roll-up-totals',
  /** What is left of removed guests, by a pseudonym of their row. */
  tombstone: 'tombstone',
  /** Sign-ins that were started, by the digest of their state. */
  signIn: 'sign-in',
} as const
