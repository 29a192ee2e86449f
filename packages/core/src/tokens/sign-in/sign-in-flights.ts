import { type Instant, type Millis, SECOND } from '../../domain/time.ts'
import { GuestpassError } from '../../domain/errors.ts'
import type { Clock } from '../../ports/clock.ts'
import { replayed, type SignedIn, type SignInOutcome } from './sign-in-outcome.ts'

interface Flight {
  readonly until: Instant
  readonly end: Promise<SignedIn>
}

/** Sign-ins that are being completed: one exchange, and every callback with the same answer gets its outcome. */
export interface SignInFlights {
  /** Completes one. Its outcome is remembered here until its state ends, also where the store cannot take it. */
  run(
    id: string,
    of: { readonly until: Instant; readonly now: () => Instant },
    work: () => Promise<SignedIn>,
  ): Promise<SignedIn>
  /** Waits for the outcome of one that is completed here or in another process. Rejects with `in_doubt` when none is known by `until`. */
  outcomeOf(
    id: string,
    of: {
      readonly until: Instant
      readonly now: () => Instant
      readonly outcome: () => Promise<SignInOutcome | undefined>
    },
    signal: AbortSignal,
  ): Promise<SignedIn>
}

const FIRST_LOOK: Millis = 50
const LONGEST_LOOK: Millis = 2 * SECOND

export function createSignInFlights(clock: Clock): SignInFlights {
  const flights = new Map<string, Flight>()

  function sweep(now: Instant): void {
    for (const [id, { until }] of flights) if (until <= now) flights.delete(id)
  }

  return {
    run(id, { until, now }, work) {
      sweep(now())
      const end = work()
      flights.set(id, { until, end })
      return end
    },
    async outcomeOf(id, { until, now, outcome }, signal) {
      for (let pause = FIRST_LOOK; ; pause = Math.min(pause * 2, LONGEST_LOOK)) {
        const flight = flights.get(id)
        if (flight) return flight.end
        // A store that cannot be asked now is asked again.
        const found = await outcome().catch(() => undefined)
        if (found) return replayed(found)
        const left = until - now()
        if (left <= 0) throw unknownOutcome()
        await clock.sleep(Math.min(pause, left), signal)
      }
    },
  }
}

const unknownOutcome = (): GuestpassError =>
  new GuestpassError(
    'in_doubt',
    'Another process took this sign-in, and did not say how it ended: it may have been killed. Look at the connection, then begin a new sign-in.',
  )
