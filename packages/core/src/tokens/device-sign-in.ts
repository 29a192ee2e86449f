import { asGuestpassError, GuestpassError } from '../errors.ts'
import { type Instant, SECOND } from '../domain/time.ts'
import { stopwatch } from '../ports/clock.ts'
import type { DeviceCode, OAuth } from '../upstream/oauth/provider.ts'
import type { RenewalPorts } from './renewal.ts'
import type { SignedIn, SignIn } from './sign-in.ts'

/** What to show to whoever signs in on another device. */
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
   * Begins, tells the instructions to `show`, and waits until somebody has decided elsewhere. Rejects with `sign_in_denied`, with
   * `sign_in_refused` when the time is up, or with the reason of the signal.
   */
  run(ask: {
    readonly show: (instructions: DeviceInstructions) => void
    readonly scopes?: readonly string[]
    readonly signal?: AbortSignal
  }): Promise<SignedIn>
}

export interface DeviceParts {
  readonly connection: string
  readonly oauth: OAuth
  readonly scopes: readonly string[]
  readonly signIn: Pick<SignIn, 'accept' | 'watched'>
}

/** How much longer to wait after `slow_down`, or after an answer that did not come (RFC 8628, 3.5). */
const SLOWER = 5 * SECOND

export function deviceSignIn({ connection, oauth, signIn, ...parts }: DeviceParts, ports: RenewalPorts): DeviceSignIn {
  const { store, clock, random } = ports

  async function granted(code: DeviceCode, signal: AbortSignal | undefined, onSend: () => void) {
    const elapsed = stopwatch(clock)
    let isOpen = false
    for (let pause = code.intervalMs; ; ) {
      await clock.sleep(pause, signal)
      if (elapsed() >= code.lifetimeMs) throw isOpen ? maybeLost() : tooLate()
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
    async run({ show, scopes = parts.scopes, signal }) {
      const correlationId = random.uuid()
      return signIn.watched(correlationId, async () => {
        const elapsed = stopwatch(clock)
        const found = await store.find(connection, '')
        const now = (): Instant => found.now + elapsed()
        let sentAt = now()
        const code = await oauth.deviceCode(scopes)
        const { userCode, verificationUri, verificationUriComplete } = code
        show({
          userCode,
          verificationUri,
          ...(verificationUriComplete === undefined ? {} : { verificationUriComplete }),
          expiresAt: now() + code.lifetimeMs,
        })
        const tokens = await granted(code, signal, () => (sentAt = now()))
        return signIn.accept(tokens, { asked: scopes, sentAt, now, correlationId, grant: 'device_code' })
      })
    },
  }
}

const tooLate = (): GuestpassError =>
  new GuestpassError('sign_in_refused', 'The sign-in was not accepted: nobody decided in time. Begin a new one.', {
    reason: 'expired',
  })

/** An answer may have been lost in which the tokens were. */
const maybeLost = (cause?: GuestpassError): GuestpassError =>
  new GuestpassError(
    'in_doubt',
    'An answer of upstream was lost, and it gives nothing more for this sign-in: the tokens may have been in it. Begin a new one.',
    cause ? { cause } : {},
  )
