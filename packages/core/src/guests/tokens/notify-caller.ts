import type { GuestWithTokens } from '../../domain/credential.ts'
import type { Clock } from '../../ports/clock.ts'
import { stopwatch } from '../../ports/clock.ts'
import type { Claims, Verifier } from '../../verify/verdict.ts'
import type { GuestEventRecorder } from '../events/event-recorder.ts'
import type { ReadyContext } from '../events/listeners.ts'

export interface NotifyCallerParts {
  readonly clock: Clock
  readonly recorder: Pick<GuestEventRecorder, 'notifyCaller'>
  readonly verifier: Verifier
}

/**
 * Waits for the token of a call, calls the call's own listener with it, and gives it. An `issue` always gives a
 * token that was issued; for a `renewal` the generation says whether the token was issued or refreshed.
 */
export async function notifyCaller(
  { clock, recorder, verifier }: NotifyCallerParts,
  work: Promise<GuestWithTokens>,
  { onReady }: ReadyContext,
  call: 'issue' | 'renewal',
): Promise<GuestWithTokens> {
  if (!onReady) return work
  const elapsed = stopwatch(clock)
  const credential = await work
  const latencyMs = elapsed()
  const kind = call === 'issue' || credential.generation === 1 ? 'issued' : 'refreshed'
  recorder.notifyCaller(onReady, { credential, kind, claims: await claimsOf(verifier, credential), latencyMs })
  return credential
}

/** The claims of a token that was verified on receipt. */
async function claimsOf(verifier: Verifier, { tokens }: GuestWithTokens): Promise<Claims> {
  const verdict = tokens.verified ? await verifier.verify(tokens.access.reveal()).catch(() => undefined) : undefined
  return verdict?.valid ? verdict.claims : {}
}
