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
  /** Ends the wait. Tokens that are on their way are stored. */
  readonly signal?: AbortSignal
}

/** Signs a user in on a machine without a browser (RFC 8628). */
export interface DeviceSignIn {
  /**
   * Begins a sign-in, gives the instructions to `show`, and waits until the user has decided on the other device. The signal of the
   * request or of the context, and `context.patienceMs` (default: the lifetime of the code), end the wait and the polling. Rejects with
   * `sign_in_denied`, with `sign_in_refused` when the code has expired, with `in_doubt` if an answer was lost that may have had the
   * tokens, or with the reason of the signal.
   */
  run(request: DeviceSignInRequest, context?: Context): Promise<SignedIn>
}

/** What a sign-in on another device is made with. */
export interface DeviceParts extends Omit<StoreSignInParts, 'ports'> {
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
