import { z } from 'zod'
import type { Access } from '../access.ts'
import { iso } from '../clock.ts'
import type { Answer, Call, Endpoint } from '../endpoint.ts'
import { optionalJsonBody } from '../json-body.ts'
import { apiRefusal } from '../refusal.ts'
import { assertSameOrganization } from './generate-token.ts'
import type { Guest, Guests } from './guests.ts'
import type { IdempotencyKeys } from './idempotency.ts'

/** How long after its expiry a guest token can still be refreshed, in milliseconds. */
const REFRESH_GRACE_MS = 300_000

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i

const anyObject = z.record(z.string(), z.unknown(), { error: 'a JSON object' })

interface RefreshParts {
  readonly access: Access
  readonly guests: Guests
  readonly idempotencyKeys: IdempotencyKeys
  readonly now: () => number
}

/**
 * `POST /api/v2/conversations/webmessaging/guesttokens/{guestTokenId}/refresh`: takes effect once for each
 * Idempotency-Key.
 */
export function refreshTokenEndpoint({ access, guests, idempotencyKeys, now }: RefreshParts): Endpoint {
  const renew = async (call: Call, guest: Guest): Promise<Answer> => {
    await call.pause()
    const next = await guests.refresh(guest)
    call.note({ refreshes: next.guest.refreshes })
    return { status: 200, json: refreshed(next.guest, next.token) }
  }
  return {
    operation: 'refresh',
    method: 'POST',
    paths: ['/api/v2/conversations/webmessaging/guesttokens/:guestTokenId/refresh'],
    dialect: 'api',
    callsPause: true,
    answer: async (call) => {
      const { organization } = access(call, 'webmessaging:guesttoken:write').token.client
      const id = (call.params['guestTokenId'] ?? '').toLowerCase()
      const key = `${organization.id}/${idempotencyKey(call)}`
      const fingerprint = canonical([id, optionalJsonBody(call, anyObject)])
      // The key is checked before the guest is read: the answer to a known key does not depend on the guest.
      const known = idempotencyKeys.status(key, fingerprint)
      if (known.is === 'other') throw otherRequest()
      call.note({ guestId: id })
      if (known.is === 'running') throw stillRunning()
      if (known.is === 'done') return replayed(call, known.answer, guests.find(id))
      const guest = refreshable(guests.find(id), organization.id, now())
      return idempotencyKeys.run(key, fingerprint, () => renew(call, guest))
    },
  }
}

function replayed(call: Call, answer: Answer, guest: Guest | undefined): Answer {
  call.note({ replayed: true, ...(guest && { refreshes: guest.refreshes }) })
  return answer
}

function refreshed(guest: Guest, guestToken: string): Readonly<Record<string, string>> {
  return {
    guestTokenId: guest.guestId,
    guestToken,
    expiresAt: iso(guest.expiresAt),
    createdAt: iso(guest.createdAt),
    updatedAt: iso(guest.updatedAt),
  }
}

function idempotencyKey({ headers }: Call): string {
  const key = headers['idempotency-key']
  if (typeof key === 'string' && UUID_V4.test(key)) return key.toLowerCase()
  const errorCode = key === undefined ? 'parameters.missing' : 'invalid.value'
  const message = 'The Idempotency-Key header must be a version 4 UUID.'
  throw apiRefusal({
    status: 400,
    code: errorCode,
    message,
    details: [{ errorCode, fieldName: 'Idempotency-Key', message }],
  })
}

function refreshable(guest: Guest | undefined, organizationId: string, now: number): Guest {
  if (guest === undefined) {
    const message = 'No guest token has this id.'
    const details = [{ errorCode: 'invalid.value', fieldName: 'guestTokenId', message }]
    throw apiRefusal({ status: 400, code: 'invalid.value', message, details })
  }
  assertSameOrganization(guest.organization.id, organizationId)
  if (now > guest.expiresAt + REFRESH_GRACE_MS) {
    throw apiRefusal({
      status: 400,
      code: 'credentials.expired',
      message: `The guest token expired more than ${REFRESH_GRACE_MS / 1000} seconds ago and cannot be refreshed.`,
    })
  }
  return guest
}

function otherRequest() {
  const message = 'This Idempotency-Key was used for another request.'
  return apiRefusal({ status: 422, code: 'unprocessable.entity', message })
}

function stillRunning() {
  const message = 'A request with this Idempotency-Key is still running; ask again with the same key.'
  return apiRefusal({ status: 409, code: 'request.conflict', message })
}

/** JSON with sorted names, so that the order of members makes no difference. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
