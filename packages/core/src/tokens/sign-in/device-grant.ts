import { asGuestpassError, GuestpassError } from '../../domain/errors.ts'
import { type Instant, type Millis, SECOND } from '../../domain/time.ts'
import { stopwatch } from '../../ports/clock.ts'
import type { GrantedTokens } from '../../upstream/granted-tokens.ts'
import type { DeviceCode } from '../../upstream/oauth/oauth-api.ts'
import { readGrant } from './grant-snapshot.ts'
import type { Initiator } from './initiator.ts'
import type { SignedIn } from './sign-in-outcome.ts'
import { storeSignIn, type StoreSignInParts } from './store-sign-in.ts'

/** What to show to the user who signs in on another device (RFC 8628, 3.2). */
export interface DeviceInstructions {
  /** The code that the user enters at `verificationUri`. */
  readonly userCode: string
  /** The address that the user opens. */
  readonly verificationUri: string
  /** The address with the code in it, for a link or a QR code. Absent if the upstream gives none. */
  readonly verificationUriComplete?: string
  /** When the code expires, in milliseconds since 1970. */
  readonly expiresAt: Instant
}

/** By how much the interval grows after `slow_down`, or after a lost answer (RFC 8628, 3.5). */
const SLOWER = 5 * SECOND

/** Begins a sign-in on another device, and stores its tokens when the user has decided. */
export async function signInOnDevice(
  parts: StoreSignInParts,
  { show, scopes }: { readonly show: (instructions: DeviceInstructions) => void; readonly scopes: readonly string[] },
  initiator: Initiator,
  signal: AbortSignal,
): Promise<SignedIn> {
  const { connection, oauth, ports } = parts
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
  const granted = await pollForTokens(parts, code, signal, () => (sentAt = now()))
  return storeSignIn(parts, granted, { initiator, asked: scopes, sentAt, now, grant: 'device_code' })
}

/** Polls the token endpoint until the user has decided (RFC 8628, 3.4). */
async function pollForTokens(
  { oauth, ports: { clock, store } }: StoreSignInParts,
  code: DeviceCode,
  signal: AbortSignal,
  onSend: () => void,
): Promise<GrantedTokens> {
  const elapsed = stopwatch(clock)
  let isInDoubt = false
  let storeError: GuestpassError | undefined
  for (let pause: Millis = code.intervalMs; ; ) {
    await clock.sleep(pause, signal)
    if (elapsed() >= code.lifetimeMs) throw storeError ?? (isInDoubt ? maybeLost() : tooLate())
    // The store must have room for the tokens that a poll may bring.
    storeError = await store.ensureRoom().then(() => undefined, asGuestpassError)
    if (storeError) continue
    try {
      const answer = await oauth.deviceToken(code.deviceCode, { onSend })
      if (answer.is === 'granted') return answer.granted
      isInDoubt = false
      if (answer.is === 'slow_down') pause += SLOWER
    } catch (thrown) {
      const error = asGuestpassError(thrown)
      if (error.code === 'in_doubt') isInDoubt = true
      else if (!error.retryable) throw isInDoubt && error.code === 'sign_in_refused' ? maybeLost(error) : error
      pause += SLOWER
    }
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
