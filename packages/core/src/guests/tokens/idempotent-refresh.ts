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

export interface IdempotentRefreshParts {
  readonly guestTokens: GuestTokens
  readonly requestTokens: RequestTokens
  readonly holder: string
  readonly available: () => void
}

export interface IdempotentRefresh extends GuestRenewalStrategy {
  /** A new token for what the guest was asked for. */
  mint(order: TokenCall): Promise<RequestedTokens>
}

/**
 * Renews by a refresh under an Idempotency-Key. The key is stored before it is sent, and every repeat of the refresh uses it, also one by
 * another process after a kill. If the upstream would refuse to refresh, a new token is minted.
 */
export function createIdempotentRefresh(
  parts: IdempotentRefreshParts,
  { random }: { readonly random: Random },
): IdempotentRefresh {
  return {
    mint: (order) => mint(parts, order),
    // The same key may be sent again.
    isSingleUse: false,
    available: parts.available,
    prepare: (credential, now) => prepare(credential, now, { id: random.uuid, holder: parts.holder }),
    renew: (order) =>
      order.credential.intent?.action === 'refresh'
        ? refresh(parts, order)
        : mint(parts, order).catch((thrown: unknown) => throwBoth(thrown, order.credential.intent?.because)),
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
  if (intent?.action !== 'refresh' || !isHopeless(credential, error, now)) return { credential, next: 'stop' }
  const next = { ...intent, action: 'mint', because: error.message } as const
  return { credential: { ...credential, intent: next }, next: 'retry' }
}

function mint({ guestTokens, requestTokens }: IdempotentRefreshParts, order: TokenCall): Promise<RequestedTokens> {
  const { upstreamId: _former, ...rest } = order.credential
  const request = requestOf(rest)
  // The upstream mints for the guest id, whatever `sub` a token from outside had.
  const credential = withTokenSubject(rest, request.guestId)
  return requestTokens(
    { ...order, credential },
    {
      operation: MINT,
      requirements: requirements(request, request.guestId),
      send: (hooks) => guestTokens.mint(request, { ...hooks, ...waiting(order) }),
    },
  )
}

function refresh({ guestTokens, requestTokens }: IdempotentRefreshParts, order: TokenCall): Promise<RequestedTokens> {
  const { upstreamId = guestIdOf(order.credential), intent } = order.credential
  const wanted = { guestTokenId: upstreamId, idempotencyKey: intent?.id ?? '' }
  return requestTokens<Refreshed>(order, {
    operation: REFRESH,
    requirements: requirements(requestOf(order.credential), tokenSubjectOf(order.credential)),
    changes: ({ guestTokenId }) => (guestTokenId === undefined ? {} : { upstreamId: guestTokenId }),
    send: (hooks) =>
      guestTokens.refresh(wanted, {
        ...hooks,
        ...waiting(order),
        onSend() {
          refuseOld(intent, order.now())
          hooks.onSend()
        },
      }),
  })
}

const requirements = ({ scopes }: MintRequest, subject: string) =>
  ({ subject, scopes, format: 'jwt', renewable: true }) as const

/** Throws what a mint failed with, after what made it necessary. */
function throwBoth(thrown: unknown, because: string | undefined): never {
  if (because === undefined || !(thrown instanceof GuestpassError)) throw thrown
  const { code, message, ...facts } = thrown
  const both = `${because} So a new token was asked for, which failed too: ${message}`
  throw new GuestpassError(code, both, { ...facts, cause: thrown })
}

const waiting = ({ context: { signal, patienceMs } }: TokenCall) => ({ signal, patienceMs })

/** Time passes between the decision and each try: waits, pauses of the machine. */
function refuseOld(intent: Intent | undefined, now: Instant): void {
  if (intent && isKeyKnown(intent, now)) return
  throw new GuestpassError(
    'refresh_impossible',
    'The Idempotency-Key of the refresh is too old to be sent again: the refresh could take effect twice.',
  )
}

/** What the guest was asked for, out of what is stored with it. */
const requestOf = (credential: GuestCredential): MintRequest => ({
  guestId: guestIdOf(credential),
  durationSeconds: credential.request?.durationSeconds ?? lifeOf(credential),
  scopes: credential.request?.scopes ?? [],
})

/** The life of its last token, in seconds: of a guest from outside it is not known what it was asked for. */
function lifeOf({ tokens }: GuestCredential): number {
  const seconds = tokens ? Math.round((tokens.expiresAt - tokens.sentAt) / SECOND) : 0
  return seconds < 1 ? durations.shortSession : Math.min(seconds, LONGEST_DURATION)
}

/**
 * Whether only a new token will do. The answer to a key stays what it is, so a token that does not verify is asked for again
 * only while the former one lasts: until then keys and clocks may come right.
 */
const isHopeless = ({ tokens }: GuestCredential, { code }: GuestpassError, now: Instant): boolean =>
  code === 'refresh_impossible' || (code === 'token_refused' && !(tokens && now < tokens.expiresAt))
