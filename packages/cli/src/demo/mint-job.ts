import { randomUUID } from 'node:crypto'
import { type Connection, guestScopes, type IssuedGuest } from '@guestpass/core'
import type { Sandbox } from '@guestpass/sandbox'
import { type JobReport, timing, upstreamSide } from './job-report.ts'

/** How many guests the demo mints. */
export const GUESTS = 50

/**
 * Job "mint": guests ask at once while upstream has a bad moment (two 503, one slow answer). Every token is verified again
 * from what the store has, as a later process would.
 */
export async function mintJob(
  upstream: Sandbox,
  { guests, verifier, meters }: Connection,
  onDone: () => void,
): Promise<JobReport> {
  upstream.script([
    { on: 'mint', do: { status: 503, headers: { 'retry-after': '1' } }, times: 2 },
    { on: 'mint', do: { delayMs: 300 }, times: 1 },
  ])
  let told = 0
  const off = guests.onTokenReady(() => {
    told += 1
    throw new Error('a chat SDK that fails')
  })
  const ids = Array.from({ length: GUESTS }, () => randomUUID())
  const outcomes = await Promise.allSettled(
    ids.map(async (guestId) => {
      const issued = await guests.issue({ guestId, duration: 'shortSession', scopes: guestScopes })
      onDone()
      return issued
    }),
  )
  off()
  const issued = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  const kept = await Promise.all(issued.map(async (one) => isKept(one, await guests.token(one.guestId), verifier)))
  return {
    job: 'mint guest tokens',
    asked: GUESTS,
    done: Math.min(issued.length, told),
    failed: GUESTS - issued.length,
    ...timing(meters, 'guest_token_latency'),
    ...upstreamSide(upstream.journal(), ['mint']),
    lost: kept.filter((one) => !one).length,
  }
}

/** Whether the store has the very token that was handed out, and it verifies. */
async function isKept(issued: IssuedGuest, stored: IssuedGuest, verifier: Connection['verifier']): Promise<boolean> {
  const verdict = await verifier.verify(stored.token.reveal(), { subject: issued.guestId, scopes: guestScopes })
  return verdict.valid && stored.token.reveal() === issued.token.reveal()
}
