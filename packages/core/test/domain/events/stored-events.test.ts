import { describe, expect, it } from 'vitest'
import { GuestpassError } from '../../../src/domain/errors.ts'
import {
  accessTokenFailed,
  accessTokenRenewed,
  accessTokenRequested,
  grantEnded,
  grantInDoubt,
  grantRevoked,
  lastResortStarted,
} from '../../../src/domain/events/access-tokens.ts'
import { type Event, eventTypes } from '../../../src/domain/events/event.ts'
import {
  authenticationData,
  guestAuthenticated,
  guestAuthenticationFailed,
  guestCreateFailed,
  guestCreateInDoubt,
  guestCreateStarted,
  guestOrphaned,
} from '../../../src/domain/events/guest-creates.ts'
import {
  guestEnriched,
  guestEnrichmentFailed,
  guestErased,
  guestInvalidated,
} from '../../../src/domain/events/guest-records.ts'
import {
  refreshCompleted,
  refreshFailed,
  refreshStarted,
  tokenFailed,
  tokenImported,
  tokenIssued,
  tokenRequested,
  tokenRevoked,
} from '../../../src/domain/events/guest-tokens.ts'
import { apiKeyCreated, apiKeyRevoked } from '../../../src/domain/events/api-keys.ts'
import { keysRotated } from '../../../src/domain/events/keys.ts'
import { storeRestored } from '../../../src/domain/events/stores.ts'
import { auditPruned, guestRemoved } from '../../../src/domain/events/retention.ts'
import { eventContext } from '../../../src/domain/events/event-parts.ts'
import { Secret } from '../../../src/domain/secret.ts'
import { signInCompleted, signInFailed, signInStarted } from '../../../src/domain/events/sign-ins.ts'
import {
  webhookDeadLettered,
  webhookDelivered,
  webhookDisabled,
  webhookFailed,
  webhookTested,
} from '../../../src/domain/events/webhooks.ts'

/** What a request survived, and how its event has it. */
const survived = { tries: 3, failedTries: [503, 'lost'] } as const
const SURVIVED = '"tries":3,"failedTries":[503,"lost"]'

const about = { actor: 'library', connection: 'default', subject: 's', correlationId: 'c' }
const stamp = { id: 'e', at: 1 }
const BEGIN = '{"id":"e","at":1,"actor":"library","connection":"default","subject":"s","correlationId":"c",'
const error = new GuestpassError('upstream_rejected', 'Refused.', {
  reason: 'scope',
  upstream: { status: 403 },
})
const ERROR = '"error":{"code":"upstream_rejected","message":"Refused.","reason":"scope"}'

const guest = { api: 'guest-tokens', generation: 2, request: { durationSeconds: 60, scopes: ['a'] } }
const GUEST = '"api":"guest-tokens","durationSeconds":60,"scopes":["a"]'
const EXPIRY = '"tokenExpiry":"1970-01-01T00:00:00.000Z"'
const intent = { id: 'i', holder: 'h', startedAt: 1 }
const refreshing = { ...guest, intent: { ...intent, action: 'refresh' as const } }
const lastResort = { ...guest, intent: { ...intent, action: 'last_resort' as const } }
const applicant = { api: 'engagements', channelId: 'web', assurance: 'verified' } as const
const APPLICANT = '"api":"engagements","channelId":"web","assurance":"verified"'
const token = { verified: true, expiresAt: 0, consentTimestamp: '1970-01-01T00:00:00.000Z' }
const AUTHENTICATED = `${APPLICANT},"verified":true,"tokenExpiry":"1970-01-01T00:00:00.000Z","consent":true,"consentTimestamp":"1970-01-01T00:00:00.000Z"`
const complianceFlags = { gdprConsentRecorded: true, dataMinimizationApplied: true, auditTrailGenerated: false }
const FLAGS =
  '"complianceFlags":{"gdprConsentRecorded":true,"dataMinimizationApplied":true,"auditTrailGenerated":false}'
const create = { ...stamp, applicant, requestId: 'r', latencyMs: 2.04, error }
const grant = { ...stamp, generation: 3, intent: 'i' }
const GRANT = '"generation":3,"data":{"grant":"refresh_token","intent":"i"}'
const delivered = { id: 'd', type: 'REFRESH_COMPLETED', generation: 4, idempotencyKey: 'k' }
const delivery = { ...stamp, webhook: 'w', delivered, attempt: 1, statusCode: 204, latencyMs: 5.55 }
const DELIVERY =
  '"generation":4,"idempotencyKey":"k","data":{"webhook":"w","event":"d","eventType":"REFRESH_COMPLETED","attempt":1}'

/** A guest with a token, and why another one is requested. */
const holding = (expiresAt: number, renewAt: number, more = {}) => ({
  ...guest,
  ...more,
  tokens: { access: new Secret('test-secret-access'), scopes: [], verified: true, sentAt: 0, expiresAt, renewAt },
})

describe('the request for a token', () => {
  it.each([
    ['asked', tokenRequested(about, { ...stamp, guest: holding(10, 5) })],
    ['asked', refreshStarted(about, { ...stamp, guest: holding(10, 5, { intent: refreshing.intent }) })],
    ['due', refreshStarted(about, { ...stamp, at: 5, guest: holding(10, 5, { intent: refreshing.intent }) })],
    ['expired', refreshStarted(about, { ...stamp, at: 10, guest: holding(10, 5, { intent: refreshing.intent }) })],
    [
      'refresh_failed',
      tokenRequested(about, {
        ...stamp,
        guest: holding(10, 5, { intent: { ...intent, action: 'mint', because: 'gone' } }),
      }),
    ],
  ])('names %s as its trigger, and the end of the present token', (trigger, event) => {
    expect(event.data).toMatchObject({ trigger, tokenExpiry: '1970-01-01T00:00:00.010Z' })
  })
})

/** Every event with the text that stores hold, member by member. */
const stored: readonly (readonly [Event, string])[] = [
  [
    tokenRequested(about, { ...stamp, guest }),
    `"type":"TOKEN_REQUEST_INITIATED","outcome":"pending","generation":2,"data":{${GUEST},"trigger":"first"}`,
  ],
  [
    tokenIssued(about, { ...stamp, guest, verified: true, expiresAt: 0, latencyMs: 12.345, statusCode: 201 }),
    `"type":"TOKEN_GENERATED_SUCCESS","outcome":"success","generation":3,"data":{${GUEST},"verified":true,${EXPIRY}},"latencyMs":12.3,"statusCode":201`,
  ],
  [
    tokenIssued(about, { ...stamp, guest, verified: true, expiresAt: 0, tries: survived }),
    `"type":"TOKEN_GENERATED_SUCCESS","outcome":"success","generation":3,"data":{${GUEST},"verified":true,${EXPIRY},${SURVIVED}}`,
  ],
  [
    refreshCompleted(about, { ...stamp, guest: refreshing, verified: true, expiresAt: 0, tries: survived }),
    `"type":"REFRESH_COMPLETED","outcome":"success","generation":3,"idempotencyKey":"i","data":{${GUEST},"verified":true,${EXPIRY},${SURVIVED}}`,
  ],
  [
    guestAuthenticated(about, {
      ...stamp,
      generation: 1,
      data: { ...authenticationData(applicant, token, { crm: 'off', preflight: 'off', requestId: 'r' }), ...survived },
      complianceFlags,
    }),
    `"type":"guest.authentication","outcome":"success","generation":1,"data":{${AUTHENTICATED},"crm":"off","preflight":"off","requestId":"r",${SURVIVED},${FLAGS}}`,
  ],
  [
    accessTokenRenewed(about, {
      ...stamp,
      generation: 1,
      data: { grant: 'client_credentials', scopes: ['a'], verified: true, ...survived },
    }),
    `"type":"ACCESS_TOKEN_RENEWED","outcome":"success","generation":1,"data":{"grant":"client_credentials","scopes":["a"],"verified":true,${SURVIVED}}`,
  ],
  [
    tokenFailed(about, { ...stamp, guest, latencyMs: 1, error }),
    `"type":"TOKEN_FAILED","outcome":"failure","generation":2,"data":{${GUEST}},"latencyMs":1,"statusCode":403,${ERROR}`,
  ],
  [
    tokenImported(about, { ...stamp, api: 'guest-tokens', generation: 1, scopes: ['a'], expiresAt: 0 }),
    `"type":"TOKEN_ADOPTED","outcome":"success","generation":1,"data":{"api":"guest-tokens","scopes":["a"],${EXPIRY}}`,
  ],
  [
    tokenRevoked(about, { ...stamp, api: 'engagements', generation: 3, because: 'asked' }),
    '"type":"TOKEN_REVOKED","outcome":"success","generation":3,"data":{"api":"engagements","upstream":"unsupported","because":"asked"}',
  ],
  [
    refreshStarted(about, { ...stamp, guest: refreshing }),
    `"type":"REFRESH_INITIATED","outcome":"pending","generation":2,"data":{${GUEST},"trigger":"first"},"idempotencyKey":"i"`,
  ],
  [
    refreshStarted(about, { ...stamp, guest: lastResort }),
    `"type":"REFRESH_INITIATED","outcome":"pending","generation":2,"data":{${GUEST},"lastResort":true,"trigger":"first"},"idempotencyKey":"i"`,
  ],
  [
    refreshCompleted(about, {
      ...stamp,
      guest: refreshing,
      verified: false,
      expiresAt: 0,
      latencyMs: 3,
      statusCode: 200,
    }),
    `"type":"REFRESH_COMPLETED","outcome":"success","generation":3,"idempotencyKey":"i","data":{${GUEST},"verified":false,${EXPIRY}},"latencyMs":3,"statusCode":200`,
  ],
  [
    refreshFailed(about, { ...stamp, guest: refreshing, error }),
    `"type":"REFRESH_FAILED","outcome":"failure","generation":2,"data":{${GUEST}},"idempotencyKey":"i","statusCode":403,${ERROR}`,
  ],
  [
    refreshFailed(about, { ...stamp, guest: { api: 'guest-tokens', generation: 0 }, error }),
    `"type":"REFRESH_FAILED","outcome":"failure","generation":0,"data":{"api":"guest-tokens"},"statusCode":403,${ERROR}`,
  ],
  [
    guestCreateStarted(about, { ...stamp, applicant, requestId: 'r', resumes: true }),
    `"type":"GUEST_CREATE_INITIATED","outcome":"pending","generation":0,"data":{${APPLICANT},"requestId":"r","resumes":true}`,
  ],
  [
    guestCreateInDoubt(about, create),
    `"type":"GUEST_CREATE_IN_DOUBT","outcome":"failure","generation":0,"data":{${APPLICANT},"requestId":"r"},"latencyMs":2,"statusCode":403,${ERROR}`,
  ],
  [
    guestCreateFailed(about, create),
    `"type":"GUEST_CREATE_FAILED","outcome":"failure","generation":0,"data":{${APPLICANT},"requestId":"r"},"latencyMs":2,"statusCode":403,${ERROR}`,
  ],
  [
    guestOrphaned(about, { ...stamp, applicant: { api: 'external-users', assurance: 'claimed' }, latencyMs: 1 }),
    '"type":"GUEST_ORPHANED","outcome":"failure","generation":0,"data":{"api":"external-users","assurance":"claimed"},"latencyMs":1',
  ],
  [
    guestAuthenticationFailed(about, create),
    `"type":"guest.authentication","outcome":"failure","generation":0,"data":{${APPLICANT},"requestId":"r"},"latencyMs":2,"statusCode":403,${ERROR}`,
  ],
  [
    guestAuthenticated(about, {
      ...stamp,
      generation: 1,
      data: authenticationData(applicant, token, { crm: 'found', preflight: 'usable', requestId: 'r' }),
      complianceFlags,
      latencyMs: 9,
      statusCode: 200,
    }),
    `"type":"guest.authentication","outcome":"success","generation":1,"data":{${AUTHENTICATED},"crm":"found","preflight":"usable","requestId":"r",${FLAGS}},"latencyMs":9,"statusCode":200`,
  ],
  [
    guestAuthenticated(about, {
      ...stamp,
      generation: 1,
      data: authenticationData(applicant, token, { reused: true }),
      complianceFlags,
    }),
    `"type":"guest.authentication","outcome":"success","generation":1,"data":{${AUTHENTICATED},"reused":true,${FLAGS}}`,
  ],
  [
    guestAuthenticated(about, {
      ...stamp,
      generation: 1,
      data: authenticationData(applicant, token, { recovered: true, crm: 'off' }),
      complianceFlags,
    }),
    `"type":"guest.authentication","outcome":"success","generation":1,"data":{${AUTHENTICATED},"recovered":true,"crm":"off",${FLAGS}}`,
  ],
  [
    guestEnriched(about, {
      ...stamp,
      generation: 1,
      latencyMs: 4,
      data: { api: 'engagements', crm: 'found', dropped: ['tier'] },
    }),
    '"type":"GUEST_ENRICHED","outcome":"success","generation":1,"data":{"api":"engagements","crm":"found","dropped":["tier"]},"latencyMs":4',
  ],
  [
    guestEnrichmentFailed(about, {
      ...stamp,
      generation: 1,
      latencyMs: 4,
      error,
      data: { api: 'engagements', crm: 'failed', attempts: 2 },
    }),
    `"type":"GUEST_ENRICHMENT_FAILED","outcome":"failure","generation":1,"data":{"api":"engagements","crm":"failed","attempts":2},"latencyMs":4,"statusCode":403,${ERROR}`,
  ],
  [
    guestInvalidated(about, { ...stamp, generation: 0, state: 'live' }),
    '"type":"GUEST_INVALIDATED","outcome":"success","generation":0,"data":{"state":"live"}',
  ],
  [
    guestErased(about, { ...stamp, generation: 5, api: 'engagements', upstream: 'unsupported' }),
    '"type":"GUEST_ERASED","outcome":"success","generation":5,"data":{"api":"engagements","upstream":"unsupported"}',
  ],
  [accessTokenRequested(about, grant), `"type":"ACCESS_TOKEN_INITIATED","outcome":"pending",${GRANT}`],
  [
    accessTokenRenewed(about, {
      ...stamp,
      generation: 1,
      latencyMs: 3,
      statusCode: 200,
      data: { grant: 'client_credentials', scopes: ['a'], verified: true },
    }),
    '"type":"ACCESS_TOKEN_RENEWED","outcome":"success","generation":1,"data":{"grant":"client_credentials","scopes":["a"],"verified":true},"latencyMs":3,"statusCode":200',
  ],
  [
    accessTokenRenewed(about, {
      ...stamp,
      generation: 1,
      data: {
        grant: 'refresh_token',
        rotated: true,
        scopes: ['a'],
        missing: ['b'],
        excess: [],
        verified: true,
      },
    }),
    '"type":"ACCESS_TOKEN_RENEWED","outcome":"success","generation":1,"data":{"grant":"refresh_token","rotated":true,"scopes":["a"],"missing":["b"],"excess":[],"verified":true}',
  ],
  [
    accessTokenFailed(about, {
      ...stamp,
      generation: 0,
      latencyMs: 3,
      error,
      data: { grant: 'client_credentials', asked: [] },
    }),
    `"type":"ACCESS_TOKEN_FAILED","outcome":"failure","generation":0,"data":{"grant":"client_credentials","asked":[]},"latencyMs":3,"statusCode":403,${ERROR}`,
  ],
  [
    grantInDoubt(about, { ...grant, latencyMs: 8 }),
    `"type":"GRANT_IN_DOUBT","outcome":"pending",${GRANT},"latencyMs":8`,
  ],
  [lastResortStarted(about, grant), `"type":"GRANT_LAST_RESORT","outcome":"pending",${GRANT}`],
  [
    grantEnded(about, { ...stamp, generation: 3 }),
    '"type":"GRANT_ENDED","outcome":"failure","generation":3,"data":{"grant":"refresh_token"}',
  ],
  [
    grantRevoked(about, { ...stamp, generation: 4, upstream: 'done' }),
    '"type":"GRANT_REVOKED","outcome":"success","generation":4,"data":{"upstream":"done"}',
  ],
  [
    signInStarted(about, { ...stamp, generation: 0, data: { grant: 'authorization_code', scopes: ['a'] } }),
    '"type":"SIGN_IN_STARTED","outcome":"pending","generation":0,"data":{"grant":"authorization_code","scopes":["a"]}',
  ],
  [
    signInCompleted(about, {
      ...stamp,
      generation: 1,
      data: { grant: 'device_code', scopes: ['a'], missing: [], excess: [], verified: true, identified: false },
    }),
    '"type":"SIGN_IN_COMPLETED","outcome":"success","generation":1,"data":{"grant":"device_code","scopes":["a"],"missing":[],"excess":[],"verified":true,"identified":false}',
  ],
  [
    signInFailed(about, { ...stamp, generation: 0, error, latencyMs: 7 }),
    `"type":"SIGN_IN_FAILED","outcome":"failure","generation":0,"latencyMs":7,"statusCode":403,${ERROR}`,
  ],
  [
    webhookDelivered(about, delivery),
    `"type":"WEBHOOK_SYNCED","outcome":"success",${DELIVERY},"latencyMs":5.6,"statusCode":204`,
  ],
  [
    webhookFailed(about, { ...delivery, error }),
    `"type":"WEBHOOK_FAILED","outcome":"failure",${DELIVERY},"latencyMs":5.6,"statusCode":204,${ERROR}`,
  ],
  [
    webhookDeadLettered(about, { ...delivery, error }),
    `"type":"WEBHOOK_PARKED","outcome":"failure",${DELIVERY},"latencyMs":5.6,"statusCode":204,${ERROR}`,
  ],
  [
    webhookDisabled(about, {
      ...stamp,
      webhook: 'w',
      delivered: { id: 'd', type: 'KEYS_ROTATED', generation: 0 },
      error,
    }),
    `"type":"WEBHOOK_DISABLED","outcome":"failure","generation":0,"data":{"webhook":"w","event":"d","eventType":"KEYS_ROTATED"},"statusCode":403,${ERROR}`,
  ],
  [
    webhookTested(about, { ...stamp, webhook: 'w' }),
    '"type":"WEBHOOK_TEST","outcome":"success","generation":0,"data":{"webhook":"w"}',
  ],
  [
    webhookTested(about, { ...stamp, webhook: 'w', latencyMs: 1, statusCode: 500, error }),
    `"type":"WEBHOOK_TEST","outcome":"failure","generation":0,"data":{"webhook":"w"},"latencyMs":1,"statusCode":500,${ERROR}`,
  ],
  [
    keysRotated(about, { ...stamp, keys: 1, values: 2 }),
    '"type":"KEYS_ROTATED","outcome":"success","generation":0,"data":{"keys":1,"values":2}',
  ],
  [
    storeRestored(about, { ...stamp, data: { records: 7, inDoubt: 2, erased: 1 } }),
    '"type":"STORE_RESTORED","outcome":"success","generation":0,"data":{"records":7,"inDoubt":2,"erased":1}',
  ],
  [
    auditPruned(about, { ...stamp, data: { count: 3, hash: 'h', checkpoint: 2 } }),
    '"type":"AUDIT_PRUNED","outcome":"success","generation":0,"data":{"count":3,"hash":"h","checkpoint":2}',
  ],
  [
    apiKeyCreated(about, { ...stamp, data: { key: 'k', roles: ['issuer'] } }),
    '"type":"API_KEY_CREATED","outcome":"success","generation":0,"data":{"key":"k","roles":["issuer"]}',
  ],
  [
    apiKeyRevoked(about, { ...stamp, data: { key: 'k', roles: ['issuer'], endsAt: '2026-01-01T00:00:00.000Z' } }),
    '"type":"API_KEY_REVOKED","outcome":"success","generation":0,"data":{"key":"k","roles":["issuer"],"endsAt":"2026-01-01T00:00:00.000Z"}',
  ],
  [
    guestRemoved(about, { ...stamp, generation: 4, data: { api: 'a', status: 'revoked' } }),
    '"type":"GUEST_REMOVED","outcome":"success","generation":4,"data":{"api":"a","status":"revoked"}',
  ],
]

describe('the text of a stored event', () => {
  it.each(stored.map(([event, text]) => [event.type, event, text] as const))(
    'of type %s keeps its members and their order',
    (_type, event, text) => {
      expect(JSON.stringify(event)).toBe(`${BEGIN}${text}}`)
    },
  )

  it('is pinned for every event type', () => {
    expect([...new Set(stored.map(([{ type }]) => type))].sort()).toEqual([...eventTypes].sort())
  })
})

describe('what the events of one call share', () => {
  it('is the actor and the correlation id of the caller, else "library" and a new UUID', () => {
    const random = { uuid: () => 'new' }
    const of = { connection: 'default', subject: 's' }
    expect(eventContext(of, {}, random)).toEqual({ ...of, actor: 'library', correlationId: 'new' })
    expect(eventContext(of, { actor: 'cli', correlationId: 'c' }, random)).toEqual({
      ...of,
      actor: 'cli',
      correlationId: 'c',
    })
  })
})
