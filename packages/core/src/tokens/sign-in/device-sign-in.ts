import type { Context } from '../../domain/context.ts'
import { asGuestpassError, GuestpassError } from '../../domain/errors.ts'
import { type Instant, type Millis, SECOND } from '../../domain/time.ts'
import { stopwatch } from '../../ports/clock.ts'
import type { DeviceCode, OAuth } from '../../upstream/oauth/oauth-api.ts'
import { readGrant } from './store-sign-in.ts'
import { callerWait } from '../renewal/caller-wait.ts'
import type { RenewalPorts } from '../renewal/renewal.ts'
import { initiatorOf, type SignIn } from './sign-in.ts'
import type { SignedIn } from './sign-in-outcome.ts'

/** What to show to the user who signs in on another device. */
export interface DeviceInstructions {
  readonly userCode: string
  readonly verificationUri: string
  /** With the code in it, where upstream gives one. */
  readonly verificationUriComplete?: string
  readonly expiresAt: Instant
}

/** Signs a user in on a machine without a browser (RFC 8628). */
export interface DeviceSignIn {
  /**
   * Begins, gives the instructions to `show`, and waits until the user has decided elsewhere. The signal, of the ask or of the context, and
   * `context.patienceMs` (default: the life of the code) end the wait, and no more is asked; tokens that are on their way are stored.
   * Rejects with `sign_in_denied`, with `sign_in_refused` when the time is up, or with the reason of the signal.
   */
  run(
    ask: {
      readonly show: (instructions: DeviceInstructions) => void
      readonly scopes?: readonly string[]
      readonly signal?: AbortSignal
    },
    context?: Context,
  ): Promise<SignedIn>
}

export interface DeviceParts {
  readonly connection: string
  readonly oauth: OAuth
  readonly scopes: readonly string[]
  readonly signIn: Pick<SignIn, 'storeTokens' | 'recordingFailure'>
}

/** How much longer to wait after `slow_down`, or after an answer that did not come (RFC 8628, 3.5). */
const SLOWER = 5 * SECOND

const PATIENCE = {
  what: 'The sign-in on another device',
  then: 'Begin a new one.',
  mostMs: Number.POSITIVE_INFINITY,
}

export function createDeviceSignIn(
  { connection, oauth, signIn, ...parts }: DeviceParts,
  ports: RenewalPorts,
): DeviceSignIn {
  const { store, clock, random } = ports

  async function granted(code: DeviceCode, signal: AbortSignal, onSend: () => void) {
    const elapsed = stopwatch(clock)
    let isOpen = false
    let unready: GuestpassError | undefined
    for (let pause: Millis = code.intervalMs; ; ) {
      await clock.sleep(pause, signal)
      if (elapsed() >= code.lifetimeMs) throw unready ?? (isOpen ? maybeLost() : tooLate())
      // The store must have room for what a poll may bring.
      unready = await store.ensureRoom().then(() => undefined, asGuestpassError)
      if (unready) continue
      try {
        const answer = await oauth.deviceToken(code.deviceCode, { onSend })
        if (answer.is === 'granted') return answer.granted
        isOpen = false
        if (answer.is === 'slow_down') pause += SLOWER
      } catch (thrown) {
        const error = asGuestpassError(thrown)
        if (error.code === 'in_doubt') isOpen = true
        else if (!error.retryable) throw isOpen && error.code === 'sign_in_refused' ? maybeLost(error) : error
        pause += SLOWER
      }
    }
  }

  return {
    async run({ show, scopes = parts.scopes, signal }, context = {}) {
      const asker = initiatorOf(context, random.uuid())
      const work = async (ended: AbortSignal): Promise<SignedIn> => {
        const { now } = await readGrant(connection, ports)
        let sentAt = now()
        await oauth.ready(scopes)
        const code = await oauth.deviceCode(scopes)
        const { userCode, verificationUri, verificationUriComplete } = code
        show({
          userCode,
          verificationUri,
          ...(verificationUriComplete === undefined ? {} : { verificationUriComplete }),
          expiresAt: Math.floor(now() + code.lifetimeMs),
        })
        const tokens = await granted(code, ended, () => (sentAt = now()))
        return signIn.storeTokens(tokens, asker, { asked: scopes, sentAt, now, grant: 'device_code' })
      }
      const signals = [signal, context.signal].filter((one) => one !== undefined)
      const caller = signals.length === 0 ? context : { ...context, signal: AbortSignal.any(signals) }
      return callerWait((ended) => signIn.recordingFailure(asker, () => work(ended)), caller, PATIENCE, clock)
    },
  }
}

const tooLate = (): GuestpassError =>
  new GuestpassError(
    'sign_in_refused',
    'The sign-in was not accepted: the user did not decide in time. Begin a new one.',
    {
      reason: 'expired',
    },
  )

/** An answer may have been lost in which the tokens were. */
const maybeLost = (cause?: GuestpassError): GuestpassError =>
  new GuestpassError(
    'in_doubt',
    'An answer of upstream was lost, and it gives nothing more for this sign-in: the tokens may have been in it. Begin a new one.',
    cause ? { cause } : {},
  )
