import type { Context } from '../../domain/context.ts'
import type { GuestCredential, GuestWithTokens } from '../../domain/credential.ts'
import { guestIdOf } from '../../domain/guest-id.ts'
import { isOwnedBy } from '../../domain/guest-owner.ts'
import { endedError, hasEnded } from '../../domain/plan.ts'
import type { EventContext } from '../../domain/events/event-parts.ts'
import type { Instant } from '../../domain/time.ts'
import { asGuestpassError, GuestpassError } from '../../domain/errors.ts'
import { stopwatch } from '../../ports/clock.ts'
import type { RenewalPorts } from '../../tokens/renewal/renewal.ts'
import type { MintRequest } from '../../upstream/guest-tokens/wire.ts'
import { denyLateTokens } from './revocation.ts'
import type { RequestedTokens, TokenCall } from './request-tokens.ts'
import { findGuestRow, type GuestRow } from '../requests/guest-row.ts'
import { unknownGuest } from '../requests/locate.ts'
import type { GuestStore } from '../requests/tombstones.ts'
import { nextGeneration } from './next-generation.ts'
import { endedRequest } from './ended-request.ts'
import type { GuestEventRecorder } from '../events/event-recorder.ts'

/** The API of ephemeral guest tokens. */
export const GUEST_TOKENS = 'guest-tokens'

export interface GuestTokenParts {
  readonly connection: string
  readonly recorder: GuestEventRecorder
  readonly mint: (call: TokenCall) => Promise<RequestedTokens>
  readonly ports: Pick<RenewalPorts, 'clock' | 'random'> & { readonly store: GuestStore }
}

/** A guest of the API of ephemeral tokens that is not stored yet. */
export const newGuest = (
  { connection, ports }: Pick<GuestTokenParts, 'connection' | 'ports'>,
  id: string,
  now: Instant,
  owner?: string,
): GuestCredential => ({
  connection,
  id,
  kind: 'guest',
  api: GUEST_TOKENS,
  subject: ports.random.uuid(),
  generation: 0,
  status: 'active',
  createdAt: now,
  ...(owner === undefined ? {} : { owner }),
})

/**
 * Issues a token for a new or stored guest: requests it from the upstream, verifies it, and stores it as the
 * next generation. Rejects with `guest_revoked`, and with the errors of access tokens and upstream calls.
 */
export async function issueGuestToken(
  parts: GuestTokenParts,
  request: MintRequest,
  context: Context,
): Promise<GuestWithTokens> {
  const { connection, recorder, mint, ports } = parts
  const elapsed = stopwatch(ports.clock)
  const place = await findGuestRow(connection, GUEST_TOKENS, request.guestId, ports.store)
  const now = (): Instant => place.now + elapsed()
  const { owner } = context
  if (place.credential && !isOwnedBy(place.credential, owner)) throw unknownGuest(connection, request.guestId)
  const credential = withRequest(place.credential ?? newGuest(parts, place.row, place.now, owner), request)
  if (hasEnded(credential)) throw endedError(credential)
  const about = recorder.about(credential, context)
  try {
    // Stored before anything is sent, and while the call waits for its permit. A kill leaves it. The machine may lose
    // it until the token is stored: such a request may be sent again.
    const initiated = recorder.initiated(credential, about, now())
    const recorded = ports.store.commit({ connection, events: [initiated], mayBeLost: true })
    recorded.catch(() => {})
    const hooks = { onSend() {}, beforeTry: async () => void (await recorded) }
    const made = await mint({ credential, about, now, hooks, context })
    const stored = await storeToken(parts, made, { place, about, now, owner })
    recorder.announce({ ...made, credential: stored, kind: 'issued' })
    return stored
  } catch (thrown) {
    const error = context.signal?.aborted ? cancelled(thrown) : asGuestpassError(thrown)
    // If the store fails too, the caller gets the first error.
    const failure = { about, error, now: now(), latencyMs: elapsed() }
    await ports.store.commit({ connection, events: [recorder.failed(credential, failure)] }).catch(() => {})
    throw error
  }
}

/** The guest with this request, which later renewals repeat. */
const withRequest = (
  { intent: _off, backOff: _over, ...rest }: GuestCredential,
  { durationSeconds, scopes }: MintRequest,
): GuestCredential => ({
  ...rest,
  request: { durationSeconds, scopes },
})

/** Where and for whom a new token is stored. */
interface TokenStorage {
  /** The row as it was before the request. */
  readonly place: GuestRow
  readonly about: EventContext
  readonly now: () => Instant
  readonly owner: string | undefined
}

/**
 * Stores a new token as the next generation after other writes. A guest that ended meanwhile stays ended; a
 * guest of another API that took the row keeps it, and one of another owner keeps its token.
 */
async function storeToken(
  { connection, ports: { store, random } }: GuestTokenParts,
  { credential, ...made }: RequestedTokens,
  { place, about, now, owner }: TokenStorage,
): Promise<GuestWithTokens> {
  for (let { revision, credential: base = credential } = place; ; ) {
    const next = { ...nextGeneration(base, credential), id: base.id }
    const issued = (made.issued ?? []).map((one) => ({ ...one, credential: next.id }))
    const outcome = await store.commit({
      connection,
      writes: [{ credential: next, expect: { generation: base.generation, revision } }],
      events: [
        ...endedRequest(base, { ...about, subject: next.subject }, { id: random.uuid(), at: now() }, 'superseded'),
        ...made.events.map((event) => ({ ...event, subject: next.subject, generation: next.generation })),
      ],
      issued,
    })
    if (outcome === 'done') return next
    const found = await findGuestRow(connection, GUEST_TOKENS, guestIdOf(next), store)
    base = found.credential ?? { ...credential, id: found.row, generation: 0 }
    revision = found.revision
    if (hasEnded(base)) {
      await denyLateTokens(store, base, issued)
      throw endedError(base)
    }
    if (!isOwnedBy(base, owner)) throw unknownGuest(connection, guestIdOf(next))
  }
}

const cancelled = (cause: unknown): GuestpassError =>
  new GuestpassError('cancelled', 'The caller cancelled the request.', { cause })
