import { guestApis } from '@guestpass/core'
import { currentStatuses, type RegisteredApi, registeredApis, type RequestField } from '@guestpass/core/runtime-kit'
import * as z from 'zod'
import { text, time } from './parts.ts'

/** How a field is written in JSON. What the API takes exactly is checked by the library, with all faults at once. */
function fieldSchema({ written, means, schema, about }: RequestField): z.ZodType {
  const isNumberToo = schema.safeParse(60).success
  const shapes: Readonly<Record<RequestField['written'], object>> = {
    text: { type: isNumberToo ? ['string', 'integer'] : 'string' },
    list: { type: 'array', items: { type: 'string' } },
    pairs: { type: 'object', additionalProperties: true },
    flag: means === undefined ? { type: 'boolean', enum: [true] } : { type: 'string' },
  }
  return z.unknown().meta({ ...shapes[written], description: about })
}

const isOptional = ({ schema }: RequestField): boolean => schema.safeParse(undefined).success

const titleOf = (name: string): string => name.replaceAll(/(?:^|-)(.)/g, (_, letter: string) => letter.toUpperCase())

/** The request of one API, from its description in the library: a new API needs nothing here. */
function requestOf({ name, fields, summary }: RegisteredApi, isDefault: boolean) {
  const members = Object.entries(fields).map(([field, of]: [string, RequestField]) => {
    const member = fieldSchema(of)
    return [field, isOptional(of) ? member.optional() : member] as const
  })
  const api = z.literal(name)
  return z
    .looseObject({ api: isDefault ? api.optional() : api, ...Object.fromEntries(members) })
    .meta({ id: `${titleOf(name)}Request`, description: `Request for ${summary}` })
}

/** The requests of all APIs, for the OpenAPI document. */
export const guestRequests: readonly z.ZodType[] = registeredApis.map((api, at) => requestOf(api, at === 0))

/**
 * The body of a request for a guest. The library checks its members, so that every fault has its remedy. In the
 * OpenAPI document it is one of `guestRequests`.
 */
export const guestRequest = z.looseObject({})

const token = {
  token: z.string().describe('the token of the guest, for the chat SDK'),
  expiresAt: time,
  generation: z.int().describe('the number of the token: each renewal adds one'),
}

/** The token of a guest. */
export const guestToken = z.object(token).meta({ id: 'GuestToken' })

/** A guest that was issued, with its token. */
export const issuedGuest = z
  .object({
    guestId: z.string(),
    api: z.enum(guestApis),
    ...token,
    verified: z.boolean().describe('whether signature and claims were verified on receipt'),
    channelId: z.string().optional(),
    crm: z.looseObject({}).optional().describe("the CRM's profile of an authenticated guest"),
    upstream: z.looseObject({}).optional().describe('what the API answered, without tokens'),
  })
  .meta({ id: 'IssuedGuest' })

/** A guest without its token. */
export const guestView = z
  .object({
    guestId: z.string(),
    api: z.enum(guestApis),
    status: z.enum(currentStatuses),
    generation: z.int(),
    scopes: z.array(z.string()),
    verified: z.boolean(),
    channelId: z.string().optional(),
    expiresAt: time.optional(),
    removedAt: time.optional(),
    createdAt: time,
    subject: z.string().describe('the random id of the guest in audit records'),
    tokenSubject: z.string().optional(),
    owner: z.string().optional().describe('the key or group for which it was issued'),
  })
  .meta({ id: 'Guest' })

/** The body of a refresh. */
export const refreshRequest = z
  .strictObject({
    token: text.optional().describe('the current token, if the service does not have it'),
    subject: text.optional().describe("the `sub` of that token, if it is not the guest's id"),
  })
  .meta({ id: 'RefreshRequest' })

/** The result of a revocation. */
export const revocation = z
  .object({
    upstream: z.enum(['done', 'unsupported', 'failed']),
    local: z.literal('done'),
    upstreamValidUntil: time.optional(),
  })
  .meta({ id: 'Revocation' })

/** The result of an erasure. */
export const erasure = z
  .object({
    upstream: z.enum(['done', 'unsupported', 'failed']),
    local: z.literal('done'),
    upstreamValidUntil: time.optional(),
    remains: z.array(z.string()).describe('where data of the person may still be'),
  })
  .meta({ id: 'Erasure' })

/** The person of an address. */
export const person = z
  .strictObject({ email: text, channelId: text.optional().describe('only guests of this channel') })
  .meta({ id: 'Person' })

/** The result of the erasure of a person. */
export const personErasure = z
  .object({
    guests: z.array(
      z.object({
        guestId: z.string(),
        api: z.string(),
        channelId: z.string().optional(),
        upstream: z.enum(['done', 'unsupported', 'failed']),
        local: z.literal('done'),
        upstreamValidUntil: time.optional(),
      }),
    ),
    remains: z.array(z.string()),
  })
  .meta({ id: 'PersonErasure' })

/** Everything that is stored of a person. */
export const personExport = z.looseObject({ connection: z.string(), email: z.string() }).meta({ id: 'PersonExport' })

/** Why something happened to a guest. */
export const explanation = z
  .looseObject({
    guestId: z.string(),
    api: z.string(),
    subject: z.string(),
    at: time,
    happened: z.string(),
    cause: z.string(),
    what: z.string(),
    why: z.string(),
    rule: z.string(),
    prevention: z.string(),
    records: z.array(z.looseObject({ count: z.int(), eventType: z.string() })),
  })
  .meta({ id: 'Explanation' })

/** A token to verify, and what it must have. */
export const verifyRequest = z
  .strictObject({
    token: text,
    subject: text.optional().describe('the id that the token must be of'),
    scopes: z.array(text).max(100).optional().describe('scopes that the token must have'),
  })
  .meta({ id: 'VerifyRequest' })

/** Whether a token is valid. */
export const verdict = z
  .object({
    valid: z.boolean(),
    reason: z.string().optional(),
    missing: z.array(z.string()).optional().describe('the scopes that the token lacks'),
    claims: z.looseObject({}).optional(),
  })
  .meta({ id: 'Verdict' })
