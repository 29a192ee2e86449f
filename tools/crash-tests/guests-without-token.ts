import { setTimeout as sleep } from 'node:timers/promises'
import type { IssuedGuest } from '@guestpass/core'
import { asGuestpassError } from '@guestpass/core/store-kit'
import { CONNECTION, type TestEnvironment } from './test-environment.ts'

/**
 * How long a guest may take to get a token at the end, in milliseconds. Leases, claims and back-offs end
 * meanwhile.
 */
const SETTLING_MS = 330_000

/**
 * Gives every guest a valid token, and finishes a refresh that a worker began. Returns one line for each
 * guest that got none.
 */
export async function guestsWithoutToken(environment: TestEnvironment): Promise<readonly string[]> {
  const until = Date.now() + SETTLING_MS
  const faultOf = async ({ guestId }: IssuedGuest): Promise<string | undefined> => {
    for (;;) {
      try {
        const { guests, verifier } = environment.connection
        const intent = (await environment.store.find(CONNECTION, guestId)).credential?.intent
        const { token } = await (intent ? guests.refresh(guestId) : guests.token(guestId))
        const verdict = await verifier.verify(token.reveal(), { subject: guestId })
        return verdict.valid ? undefined : `guest ${guestId}: its token is not valid (${verdict.reason})`
      } catch (thrown) {
        const { code, message, retryAt = 0 } = asGuestpassError(thrown)
        const next = Math.max(retryAt, Date.now() + 1_000)
        if (next > until) return `guest ${guestId}: ${code}: ${message}`
        await sleep(next - Date.now())
      }
    }
  }
  const faults = await Promise.all(environment.issued.map(faultOf))
  return faults.filter((fault) => fault !== undefined)
}
