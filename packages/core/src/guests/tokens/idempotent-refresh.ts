import type { GuestCredential, Intent } from '../../domain/credential.ts'
import { guestIdOf } from '../../domain/guest-id.ts'
import { type Instant, SECOND } from '../../domain/time.ts'
import { GuestpassError } from '../../domain/errors.ts'
import type { Random } from '../../ports/random.ts'
import type { GuestTokens } from '../../upstream/guest-tokens/provider.ts'
import type { MintRequest, Refreshed } from '../../upstream/guest-tokens/wire.ts'
import { isKeyKnown, renewalAction } from './renewal-action.ts'
import { MINT, type RequestTokens, type RequestedTokens, REFRESH, type TokenCall } from './request-tokens.ts'
import { durations, LONGEST_DURATION } from '../../upstream/guest-tokens/durations.ts'
import { tokenSubjectOf, withTokenSubject } from '../../domain/token-subject.ts'
import type { FailureResult, PreparedRenewal } from '../../tokens/renewal/strategy.ts'
import type { GuestRenewalStrategy } from './renewal-strategy.ts'

interface IdempotentRefreshParts {
  readonly guestTokens: GuestTokens
  readonly requestTokens: RequestTokens
  readonly holder: string
  readonly ensureAvailable: () => void
}

interface IdempotentRefresh extends GuestRenewalStrategy {
  /** Mints a new token by the stored request of the guest. */
  mint(call: TokenCall): Promise<RequestedTokens>
}

/**
 * Renews by a refresh under an Idempotency-Key. The key is stored before it is sent, and every repeat of the
 * refresh uses it, also one by another process after this one was killed. If the upstream would refuse to refresh, a new
 * token is minted.
 */
export function createIdempotentRefresh(
  parts: IdempotentRefreshParts,
  { random }: { readonly random: Random },
): IdempotentRefresh {
  return {
    mint: (call) => mint(parts, call),
    // The same key may be sent again.
    isSingleUse: false,
    ensureAvailable: parts.ensureAvailable,
    prepare: (credential, now) => prepare(credential, now, { id: random.uuid, holder: parts.holder }),
    renew: (call) =>
      call.credential.intent?.action === 'refresh'
        ? refresh(parts, call)
        : mint(parts, call).catch((thrown: unknown) => throwBoth(thrown, call.credential.intent?.because)),
    afterFailure,
  }
}

function prepare(
  credential: GuestCredential,
  now: Instant,
  { id, holder }: { readonly id: () => string; readonly holder: string },
): PreparedRenewal<GuestCredential> {
  const action = renewalAction(credential, now)
  if (action === 'repeat') return { credential, next: 'send', isRetry: true }
  const because = action === 'mint' ? credential.intent?.because : undefined
  const reason = because === undefined ? {} : { because }
  const intent = { id: id(), action, holder, startedAt: now, ...reason }
  return { credential: { ...credential, intent }, next: 'send', isRetry: false }
}

function afterFailure(
  { credential }: PreparedRenewal<GuestCredential>,
  error: GuestpassError,
  now: Instant,
): FailureResult<GuestCredential> {
  const { intent } = credential
  if (intent?.action !== 'refresh' || !needsMint(credential, error, now)) return { credential, next: 'stop' }
  const next = { ...intent, action: 'mint', because: error.message } as const
  return { credential: { ...credential, intent: next }, next: 'retry' }
}

function mint({ guestTokens, requestTokens }: IdempotentRefreshParts, call: TokenCall): Promise<RequestedTokens> {
  const { upstreamId: _former, ...rest } = call.credential
  const request = requestOf(rest)
  // The upstream mints for the guest id, whatever `sub` a token from outside had.
  const credential = withTokenSubject(rest, request.guestId)
  return requestTokens(
    { ...call, credential },
    {
      operation: MINT,
      requirements: requirements(request, request.guestId),
      send: (hooks) => guestTokens.mint(request, { ...hooks, ...waitOf(call) }),
    },
  )
}

function refresh({ guestTokens, requestTokens }: IdempotentRefreshParts, call: TokenCall): Promise<RequestedTokens> {
  const { upstreamId = guestIdOf(call.credential), intent } = call.credential
  const request = { guestTokenId: upstreamId, idempotencyKey: intent?.id ?? '' }
  return requestTokens<Refreshed>(call, {
    operation: REFRESH,
    requirements: requirements(requestOf(call.credential), tokenSubjectOf(call.credential)),
    changes: ({ guestTokenId }) => (guestTokenId === undefined ? {} : { upstreamId: guestTokenId }),
    send: (hooks) =>
      guestTokens.refresh(request, {
        ...hooks,
        ...waitOf(call),
        onSend() {
          refuseOldKey(intent, call.now())
          hooks.onSend()
        },
      }),
  })
}

const requirements = ({ scopes }: MintRequest, subject: string) =>
  ({ subject, scopes, format: 'jwt', renewable: true }) as const

/** Throws the error of a mint, preceded by the error that made the mint necessary. */
function throwBoth(thrown: unknown, because: string | undefined): never {
  if (because === undefined || !(thrown instanceof GuestpassError)) throw thrown
  const { code, message, ...facts } = thrown
  const both = `${because} A new token was requested, which failed too: ${message}`
  throw new GuestpassError(code, both, { ...facts, cause: thrown })
}

/** How long the upstream call may last, by the context of its caller. */
const waitOf = ({ context: { signal, patienceMs } }: TokenCall) => ({ signal, patienceMs })

/** Throws if the key is too old by now: a try may have waited, and the machine may have been paused. */
function refuseOldKey(intent: Intent | undefined, now: Instant): void {
  if (intent && isKeyKnown(intent, now)) return
  throw new GuestpassError(
    'refresh_impossible',
    'The refresh was not sent again, because its Idempotency-Key is too old: it could take effect twice.',
  )
}

/** The stored request of a guest. */
const requestOf = (credential: GuestCredential): MintRequest => ({
  guestId: guestIdOf(credential),
  durationSeconds: credential.request?.durationSeconds ?? lifetimeOf(credential),
  scopes: credential.request?.scopes ?? [],
})

/** The lifetime of the last token, in seconds. The requested lifetime of an imported token is not known. */
function lifetimeOf({ tokens }: GuestCredential): number {
  const seconds = tokens ? Math.round((tokens.expiresAt - tokens.sentAt) / SECOND) : 0
  return seconds < 1 ? durations.shortSession : Math.min(seconds, LONGEST_DURATION)
}

/**
 * Whether a failed refresh is given up for a mint. The upstream replays the same answer for a key. If that token fails
 * verification, retry only while the previous token is valid, because keys and clocks may recover; then mint.
 */
const needsMint = ({ tokens }: GuestCredential, { code }: GuestpassError, now: Instant): boolean =>
  code === 'refresh_impossible' || (code === 'token_refused' && !(tokens && now < tokens.expiresAt))
