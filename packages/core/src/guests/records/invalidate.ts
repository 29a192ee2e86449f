import { documentKind } from '../../domain/document-kinds.ts'
import type { Context } from '../../domain/context.ts'
import { eventContext } from '../../domain/events/event-parts.ts'
import { guestInvalidated } from '../../domain/events/guest-records.ts'
import { guestIdOf } from '../../domain/guest-id.ts'
import { DAY, type Millis } from '../../domain/time.ts'
import type { Random } from '../../ports/random.ts'
import type { Store } from '../../ports/store.ts'
import { type Reservation, reservationOf, reservedGuest } from '../authentication/guest-reservation.ts'
import type { Pseudonym } from '../authentication/pseudonyms.ts'
import type { AuthenticatingApiName } from '../../upstream/guest-apis.ts'
import { parseSessionOwner } from '../requests/applicant-request.ts'

/** The applicant whose session `GuestRecords.invalidate` gives up: an address on a channel of an API. */
export interface SessionOwner {
  /** The API of the session: `engagements` (default) or `external-users`. */
  readonly api?: AuthenticatingApiName | undefined
  /** The address. It is compared trimmed and in lower case. */
  readonly email: string
  /** The id of the channel. Needed for `engagements`, ignored for `external-users`. */
  readonly channelId?: string | undefined
}

/** The result of `GuestRecords.invalidate`. */
export interface Invalidation {
  /** False if the address had no session. */
  readonly freed: boolean
  /** The guest that had the session. Its token stays valid until it expires or is revoked. */
  readonly guestId?: string
}

export interface InvalidateParts {
  readonly connection: string
  readonly store: Pick<Store, 'document' | 'find' | 'commit'>
  readonly random: Random
  readonly pseudonym: Pseudonym
}

/**
 * How long the guest of a session that was given up stays recoverable: refresh tokens end after 30 days
 * without use.
 */
const REMEMBERED: Millis = 30 * DAY

/** Gives up the session of an address, so that the address can have another. */
export async function invalidateSession(
  { connection, store, random, pseudonym }: InvalidateParts,
  whose: SessionOwner,
  context: Context,
): Promise<Invalidation> {
  const key = await pseudonym(parseSessionOwner(whose))
  for (;;) {
    const { value, revision } = await store.document(connection, documentKind.reservation, key)
    const reservation = reservationOf(value)
    if (!reservation || reservation.state === 'free') return { freed: false }
    const former = reservedGuest(reservation)
    const { credential, now } = await store.find(connection, former ?? key)
    const about = eventContext({ connection, subject: credential?.subject ?? random.uuid() }, context, random)
    const generation = credential?.generation ?? 0
    const event = guestInvalidated(about, { id: random.uuid(), at: now, generation, state: reservation.state })
    const free: Reservation | undefined = former === undefined ? undefined : { state: 'free', former }
    const rest = free ? { value: { ...free }, expiresAt: now + REMEMBERED } : {}
    const write = { kind: documentKind.reservation, id: key, expect: { revision }, ...rest }
    if ((await store.commit({ connection, documents: [write], events: [event] })) === 'done')
      return { freed: true, ...(credential === undefined ? {} : { guestId: guestIdOf(credential) }) }
  }
}
