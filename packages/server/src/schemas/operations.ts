import { eventTypes, webhookEvents } from '@guestpass/core/runtime-kit'
import { apiKeyGroup, apiKeyRoles } from '@guestpass/runtime'
import * as z from 'zod'
import { text, time, writtenNumber } from './parts.ts'

/** How a connection gets its access tokens. */
export const connection = z
  .looseObject({
    connection: z.string(),
    grant: z.string(),
    status: z.string(),
    generation: z.int(),
    scopes: z.array(z.string()),
    renewable: z.boolean(),
    expiresAt: time.optional(),
    renewedAt: time.optional(),
    user: z.string().optional(),
    organization: z.string().optional(),
  })
  .meta({ id: 'Connection' })

export const connectionParams = z.object({ name: z.string().min(1).max(100) })

/** An OAuth access token. */
export const accessToken = z
  .object({
    accessToken: z.string(),
    expiresAt: time,
    scope: z.string(),
    generation: z.int(),
    status: z.string(),
  })
  .meta({ id: 'AccessToken' })

/** A one-time link that begins a sign-in. */
export const signInLink = z
  .object({ url: z.string().describe('open it once in a browser'), expiresAt: time })
  .meta({ id: 'SignInLink' })

export const endpointParams = z.object({ id: z.string().min(1).max(200) })

const endpointMembers = {
  id: z.string(),
  url: z.string(),
  contract: z.enum(['standard', 'idp', 'idm', 'analytics']),
  events: z.union([z.literal('all'), z.array(z.enum(eventTypes))]),
  includeToken: z.boolean(),
  configured: z.boolean().describe('whether it is of the configuration'),
  secrets: z.array(z.string()).describe('the signing secrets; masked but for the answer that makes one'),
  disabled: z.object({ at: time, why: z.string() }).optional(),
}

/** A webhook endpoint. */
export const endpoint = z.object(endpointMembers).meta({ id: 'WebhookEndpoint' })

/** A webhook endpoint in a list. */
export const listedEndpoint = z
  .object({ ...endpointMembers, waiting: z.int(), deadLetters: z.int() })
  .meta({ id: 'ListedWebhookEndpoint' })

/** A new webhook endpoint. */
export const endpointRequest = z
  .strictObject({
    url: text.describe('an https:// address of a public host'),
    events: z
      .array(z.string().max(100))
      .max(100)
      .optional()
      .describe(`of ${webhookEvents.join(', ')}; default: all`),
    includeToken: z.boolean().optional().describe('send guest tokens too; default false'),
  })
  .meta({ id: 'WebhookEndpointRequest' })

/** A change of a webhook endpoint. */
export const endpointChange = z
  .strictObject({ enabled: z.boolean().describe('false: nothing is sent; true: ends what disabled it') })
  .meta({ id: 'WebhookEndpointChange' })

export const removedEndpoint = z.object({ id: z.string(), removed: z.literal(true) })

/** The result of a test of a webhook endpoint. */
export const endpointTest = z
  .object({ id: z.string(), delivered: z.literal(true), statusCode: z.int().optional(), latencyMs: z.number() })
  .meta({ id: 'WebhookTest' })

/** Events to send again: none for all dead letters. */
export const redeliverRequest = z
  .strictObject({ events: z.array(z.string().min(1).max(200)).max(1_000).optional() })
  .meta({ id: 'RedeliverRequest' })

export const redelivered = z.object({ id: z.string(), redelivered: z.int() })

/** An event that could not be delivered. */
export const deadLetter = z
  .object({ eventId: z.string(), eventType: z.string(), timestamp: time, attempts: z.int(), why: z.string() })
  .meta({ id: 'DeadLetter' })

export const apiKeyParams = z.object({ id: z.string().min(1).max(100) })

const apiKeyMembers = {
  id: z.string().describe('names the key in audit records; it is no secret'),
  name: z.string(),
  roles: z.array(z.enum(apiKeyRoles)),
  group: z.string().optional().describe('keys of one group share their guests'),
  owner: z.string(),
  configured: z.boolean().describe('whether it is of GUESTPASS_API_KEYS or of this run, and no route can end it'),
  perMinute: z.int().optional(),
  createdAt: time.optional().describe('absent for a configured key'),
  createdBy: z.string().optional().describe('absent for a configured key'),
  expiresAt: time.optional(),
  usedAt: time.optional().describe('when it was last used, within a minute'),
}

/** An API key without the key itself. */
export const apiKey = z.object(apiKeyMembers).meta({ id: 'ApiKey' })

/** An API key that was just made. */
export const createdApiKey = z
  .object({ ...apiKeyMembers, key: z.string().describe('shown this once') })
  .meta({ id: 'CreatedApiKey' })

/** A new API key. */
export const apiKeyRequest = z
  .strictObject({
    name: z.string().min(1).max(100),
    roles: z.array(z.enum(apiKeyRoles)).min(1).max(apiKeyRoles.length),
    group: apiKeyGroup.optional(),
    perMinute: z
      .int()
      .min(1)
      .max(1_000_000)
      .optional()
      .describe('requests a minute that it may send, to all instances together'),
    expiresInSeconds: z.int().min(1).max(315_360_000).optional(),
  })
  .meta({ id: 'ApiKeyRequest' })

/** How long the former key goes on. */
export const rotationRequest = z
  .strictObject({ overlapSeconds: z.int().min(0).max(31_536_000).default(0) })
  .meta({ id: 'ApiKeyRotation' })

/** When the key ends. */
export const revocationQuery = z.strictObject({
  inSeconds: writtenNumber.int().min(0).max(31_536_000).default(0).describe('when it ends; default: at once'),
})

export const revokedApiKey = z.object({ id: z.string(), endsAt: time })

/** What begins a session of a browser. */
export const sessionRequest = z.strictObject({ key: text.describe('an API key') }).meta({ id: 'SessionRequest' })

/** The session of a browser. */
export const session = z
  .object({
    key: z.string().describe('the id of its API key'),
    connection: z.string(),
    roles: z.array(z.enum(apiKeyRoles)),
  })
  .meta({ id: 'Session' })

export const endedSession = z.object({ ended: z.literal(true) })

/** An audit record. */
export const auditRecord = z
  .looseObject({
    timestamp: time,
    eventId: z.string(),
    eventType: z.enum(eventTypes),
    outcome: z.enum(['pending', 'success', 'failure']),
    actor: z.string(),
    connection: z.string(),
    subject: z.string(),
    correlationId: z.string(),
    data: z.looseObject({}),
  })
  .meta({ id: 'AuditRecord' })

/** Whether the chain of audit records is unchanged. */
export const auditVerdict = z
  .looseObject({
    valid: z.boolean(),
    count: z.int().optional(),
    anchored: z.int().optional().describe('how many records signed checkpoints confirm'),
    reason: z.string().optional(),
    message: z.string().optional(),
  })
  .meta({ id: 'AuditVerdict' })

/** What a connection did. */
export const report = z
  .looseObject({
    connection: z.string(),
    totalRequests: z.int(),
    successfulRefreshes: z.int(),
    failedRefreshes: z.int(),
    validityRatePercent: z.number(),
    avgLatencyMs: z.number(),
    totalLatencyMs: z.number(),
  })
  .meta({ id: 'Report' })

const worker = z.looseObject({
  name: z.string(),
  connection: z.string().optional(),
  state: z.enum(['waiting', 'working', 'failing', 'stopped']),
  backlog: z.int().optional(),
})

/** The state of store and workers of a connection. */
export const health = z
  .looseObject({
    status: z.enum(['ok', 'degraded', 'stopped']),
    connection: z.string(),
    store: z.looseObject({ place: z.string() }),
    workers: z.array(worker),
    backlog: z.record(z.string(), z.int()),
  })
  .meta({ id: 'Health' })

/** Whether the instance takes requests. */
export const readiness = z
  .object({
    status: z.enum(['ready', 'starting', 'stopping', 'unavailable']),
    connections: z.array(
      z.object({
        connection: z.string(),
        store: z.enum(['ok', 'failing']),
        workers: z.record(z.string(), z.enum(['waiting', 'working', 'failing', 'stopped'])),
      }),
    ),
  })
  .meta({ id: 'Readiness' })

/** Metrics in the text format of Prometheus. */
export const metricsText = z.string()
