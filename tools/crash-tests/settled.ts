import { setTimeout as sleep } from 'node:timers/promises'
import type { IssuedGuest } from '@guestpass/core'
import { asGuestpassError } from '@guestpass/core/store-kit'
import { CONNECTION, type TestEnvironment } from './test-environment.ts'

/** How long guests may take to get a token when all is over: leases, claims and back-offs end meanwhile, each within its own span. */
const SETTLING_MS = 330_000

/** Gives every guest a valid token, after finishing what was begun for it; says who could not be given one. */
export async function settled(environment: TestEnvironment): Promise<readonly string[]> {
  const until = Date.now() + SETTLING_MS
  const one = async ({ guestId }: IssuedGuest): Promise<string | undefined> => {
    for (;;) {
      try {
        const { guests, verifier } = environment.connection
        const begun = (await environment.store.find(CONNECTION, guestId)).credential?.intent
        const { token } = await (begun ? guests.refresh(guestId) : guests.token(guestId))
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
  const answers = await Promise.all(environment.issued.map(one))
  return answers.filter((answer) => answer !== undefined)
}
