import type { Context } from '../../domain/context.ts'
import { callerWait } from '../renewal/caller-wait.ts'
import type { RenewalPorts } from '../renewal/renewal.ts'
import { type DeviceInstructions, signInOnDevice } from './device-grant.ts'
import { initiatorOf } from './initiator.ts'
import { recordingFailure } from './record-failure.ts'
import type { SignedIn } from './sign-in-outcome.ts'
import type { StoreSignInParts } from './store-sign-in.ts'

/** A request to sign a user in on another device. */
export interface DeviceSignInRequest {
  /** Called once with the instructions, to show them to the user. */
  readonly show: (instructions: DeviceInstructions) => void
  /** Scopes to request. Default: those of the connection. */
  readonly scopes?: readonly string[]
  /** Ends the wait, as `context.signal` does. Tokens of an answer that is already underway are stored. */
  readonly signal?: AbortSignal
}

/** Signs a user in on a machine without a browser (RFC 8628). */
export interface DeviceSignIn {
  /**
   * Begins a sign-in, calls `show` with the instructions, and polls until the user has decided on the other
   * device. Either signal, and `context.patienceMs` (default: the lifetime of the code), end the wait and the
   * polling.
   *
   * Rejects with `sign_in_denied` if the user refused, `sign_in_refused` if the code has expired,
   * `deadline_exceeded`, and the reason of the signal. If a lost answer may have contained the tokens, the
   * error is `in_doubt`.
   */
  run(request: DeviceSignInRequest, context?: Context): Promise<SignedIn>
}

/** What a sign-in on another device is made with. */
interface DeviceParts extends Omit<StoreSignInParts, 'ports'> {
  /** The scopes of the connection. */
  readonly scopes: readonly string[]
}

const PATIENCE = {
  what: 'The sign-in on another device',
  then: 'Begin a new one.',
  mostMs: Number.POSITIVE_INFINITY,
}

export function createDeviceSignIn({ scopes, ...parts }: DeviceParts, ports: RenewalPorts): DeviceSignIn {
  const storing: StoreSignInParts = { ...parts, ports }
  return {
    run(request, context = {}) {
      const initiator = initiatorOf(context, ports.random.uuid())
      const signals = [request.signal, context.signal].filter((one) => one !== undefined)
      const caller = signals.length === 0 ? context : { ...context, signal: AbortSignal.any(signals) }
      const asked = { show: request.show, scopes: request.scopes ?? scopes }
      const work = (signal: AbortSignal): Promise<SignedIn> =>
        recordingFailure(storing, initiator, () => signInOnDevice(storing, asked, initiator, signal))
      return callerWait(work, caller, PATIENCE, ports.clock)
    },
  }
}
