import type { Context } from '../../domain/context.ts'
import type { Credential } from '../../domain/credential.ts'
import { guestIdOf } from '../../domain/guest-id.ts'
import { ended, hasEnded } from '../../domain/plan.ts'
import type { Instant } from '../../domain/time.ts'
import { asGuestpassError, GuestpassError } from '../../domain/errors.ts'
import { stopwatch } from '../../ports/clock.ts'
import type { Live, RenewalPorts } from '../../tokens/renewal/renewal.ts'
import type { MintRequest } from '../../upstream/guest-tokens/wire.ts'
import { denyLate } from './revocation.ts'
import type { Obtained, TokenOrder } from './request-tokens.ts'
import { nextOf, placeFor } from './place.ts'
import type { Telling } from '../events/event-recorder.ts'

/** The API of ephemeral guest tokens. */
export const EPHEMERAL = 'guest-tokens'

export interface EphemeralParts {
  readonly connection: string
  readonly telling: Telling
  readonly mint: (order: TokenOrder) => Promise<Obtained>
  readonly ports: Pick<RenewalPorts, 'store' | 'clock' | 'random'>
}

/** A guest of the API of ephemeral tokens that is not stored yet. */
export const blankGuest = (
  { connection, ports }: Pick<EphemeralParts, 'connection' | 'ports'>,
  id: string,
  now: Instant,
): Credential => ({
  connection,
  id,
  kind: 'guest',
  api: EPHEMERAL,
  subject: ports.random.uuid(),
  generation: 0,
  standing: 'active',
  createdAt: now,
})

/**
 * A new token for a guest, known or not: asked of upstream, verified, stored as the next generation. Rejects with `guest_revoked` and
 * the codes of token and upstream.
 */
export async function issueEphemeral(parts: EphemeralParts, request: MintRequest, context: Context): Promise<Live> {
  const { connection, telling, mint, ports } = parts
  const elapsed = stopwatch(ports.clock)
  const place = await placeFor(connection, EPHEMERAL, request.guestId, ports.store)
  const now = (): Instant => place.now + elapsed()
  const credential = wanted(place.credential ?? blankGuest(parts, place.row, place.now), request)
  if (hasEnded(credential)) throw ended(credential)
  const about = telling.about(credential, context)
  try {
    await ports.store.commit({ connection, events: [telling.initiated(credential, about, now())] })
    const made = await mint({ credential, about, now, sending: { onSend() {} }, context })
    const kept = await keep(parts, made)
    telling.announce({ ...made, credential: kept, kind: 'issued' })
    return kept
  } catch (thrown) {
    const error = context.signal?.aborted ? cancelled(thrown) : asGuestpassError(thrown)
    // The caller hears what went wrong also when the store cannot take it down.
    const failure = { about, error, now: now(), latencyMs: elapsed() }
    await ports.store.commit({ connection, events: [telling.failed(credential, failure)] }).catch(() => {})
    throw error
  }
}

/** The guest as this request wants it: what is asked for now is what renewals ask for later. */
const wanted = (
  { intent: _off, backOff: _over, ...rest }: Credential,
  { durationSeconds, scopes }: MintRequest,
): Credential => ({
  ...rest,
  request: { durationSeconds, scopes },
})

/**
 * Stores a new token as the next generation, whichever that has become; a guest that ended meanwhile stays ended, and one of another
 * API that has got the row keeps it.
 */
async function keep(
  { connection, ports: { store } }: EphemeralParts,
  { credential, ...made }: Obtained,
): Promise<Live> {
  for (let base: Credential = credential; ; ) {
    const next = { ...nextOf(base, credential), id: base.id }
    const issued = (made.issued ?? []).map((one) => ({ ...one, credential: next.id }))
    const outcome = await store.commit({
      connection,
      writes: [{ credential: next, expect: { generation: base.generation } }],
      events: made.events.map((told) => ({ ...told, subject: next.subject, generation: next.generation })),
      issued,
    })
    if (outcome === 'done') return next
    const place = await placeFor(connection, EPHEMERAL, guestIdOf(next), store)
    base = place.credential ?? { ...credential, id: place.row, generation: 0 }
    if (hasEnded(base)) {
      await denyLate(store, base, issued)
      throw ended(base)
    }
  }
}

const cancelled = (cause: unknown): GuestpassError => new GuestpassError('cancelled', 'The caller gave up.', { cause })
