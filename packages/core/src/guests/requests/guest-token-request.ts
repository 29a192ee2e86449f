import * as z from 'zod/mini'
import type { GuestpassError } from '../../domain/errors.ts'
import { isObject } from '../../domain/options.ts'
import { isGuestId, NO_GUEST_ID } from '../../domain/guest-id.ts'
import { scopeList } from '../../domain/scopes.ts'
import { isUuid } from '../../domain/uuid.ts'
import { guestTokens } from '../../upstream/guest-tokens/api.ts'
import { durations } from '../../upstream/guest-tokens/durations.ts'
import type { MintRequest } from '../../upstream/guest-tokens/wire.ts'
import { authenticatingApis } from '../../upstream/guest-apis.ts'
import { remediesOf, shapeOf } from '../../upstream/request-field.ts'
import { invalid, requestFaults } from './faults.ts'

const remedies = { ...remediesOf(guestTokens.fields), request: "Give { scopes: ['webmessaging:guest:send'] }." }
const schema = z.strictObject({ api: z.optional(z.literal(guestTokens.name)), ...shapeOf(guestTokens.fields) })

/**
 * Checks a request for an ephemeral guest token. `newId` makes an id if none is given. Throws `invalid_input`
 * with every fault.
 */
export function parseGuestTokenRequest(input: unknown, newId: () => string): MintRequest {
  const parsed = schema.safeParse(input)
  if (!parsed.success)
    throw otherApi(input) ?? requestFaults(parsed.error.issues, { input, fields: schema.shape, remedies })
  const { guestId, duration, scopes } = parsed.data
  return {
    guestId: guestId?.toLowerCase() ?? newId(),
    durationSeconds: duration ?? durations.shortSession,
    scopes: scopeList(scopes),
  }
}

/** The error of a request without its API whose fields are all those of other APIs. Undefined: it is no such request. */
function otherApi(input: unknown): GuestpassError | undefined {
  if (!isObject(input) || input['api'] !== undefined) return undefined
  const given = Object.keys(input)
  const isForeign = given.some((field) => !Object.hasOwn(guestTokens.fields, field))
  const names = authenticatingApis
    .filter(({ fields }) => given.every((field) => Object.hasOwn(fields, field)))
    .map(({ name }) => name)
  if (!isForeign || names.length === 0) return undefined
  const message = `is missing: this looks like a request of ${names.join(' or ')}`
  return invalid([{ path: ['api'], message }], { api: `Give ${names.map((name) => `api: '${name}'`).join(' or ')}.` })
}

/** Checks the id of an ephemeral guest, and gives it in lower case. Throws `invalid_input`. */
export function parseNewGuestId(input: string): string {
  if (isUuid(input)) return input.toLowerCase()
  const remedy = 'Give a UUID such as 3f2b8c1e-7a54-4d09-9c1f-5b6e2a7d8f90.'
  throw invalid([{ path: ['guestId'], message: 'not a UUID' }], { guestId: remedy })
}

/** Checks the id of a stored guest, and gives it unchanged. Throws `invalid_input`. */
export function parseGuestId(input: unknown): string {
  if (typeof input === 'string' && isGuestId(input)) return input
  const isMissing = input === undefined || input === null || input === ''
  throw invalid([{ path: ['guestId'], message: isMissing ? 'is missing' : NO_GUEST_ID }], {
    guestId: 'Give the `guestId` of the issued guest.',
  })
}
