import type { Credential, Intent } from '../domain/credential.ts'
import { type About, event, type EventType } from '../domain/event.ts'
import type { Windows } from '../domain/plan.ts'
import type { Secret } from '../domain/secret.ts'
import { HOUR, type Instant, type Millis, SECOND } from '../domain/time.ts'
import { GuestpassError } from '../errors.ts'
import type { Meter } from '../ports/meter.ts'
import type { Random } from '../ports/random.ts'
import type { Live, Renewed } from '../tokens/renewal.ts'
import { tokenSet } from '../tokens/token-set.ts'
import type { Granted } from '../upstream/granted.ts'
import type { GuestTokens } from '../upstream/guest-tokens/provider.ts'
import type { MintRequest, Refreshed } from '../upstream/guest-tokens/wire.ts'
import type { IssuerClock } from '../verify/issuer-clock.ts'
import type { Claims, Verifier } from '../verify/verdict.ts'
import { isKnown } from './next-step.ts'

export interface ObtainParts {
  readonly guestTokens: GuestTokens
  readonly verifier: Verifier
  readonly issuerClock: IssuerClock
  /** Identifies a token without holding it. */
  readonly fingerprint: (token: string) => Promise<string>
  readonly windows: Windows
  readonly meter: Meter
  readonly random: Random
}

export interface Obtained extends Renewed {
  readonly claims: Claims
  readonly latencyMs: Millis
}

/** Who asks for a token, for which guest, and the store's time, counted on while the call runs. */
export interface Order {
  readonly credential: Credential
  readonly about: About
  readonly now: () => Instant
  readonly signal?: AbortSignal | undefined
}

/** Gets guest tokens from upstream and verifies each before anybody else sees it; says what to write with it. */
export interface Obtain {
  /** A new token for what the guest was asked for. */
  mint(order: Order): Promise<Obtained>
  /** The next token, under the credential's intent. Rejects with `refresh_impossible` when only a new one will do. */
  refresh(order: Order): Promise<Obtained>
}

/** Tokens are remembered beyond their end, because clocks differ: a verifier may still accept them for a little while. */
export const AFTERLIFE: Millis = HOUR

/** What a token set is called in counters and events. */
interface Words {
  readonly type: EventType
  readonly counter: string
  readonly timer: string
}
const MINTED: Words = { type: 'TOKEN_GENERATED_SUCCESS', counter: 'guest_token_issued', timer: 'guest_token_latency' }
const REFRESHED: Words = { type: 'REFRESH_COMPLETED', counter: 'guest_token_refreshed', timer: 'guest_refresh_latency' }

export function obtain(parts: ObtainParts): Obtain {
  const { guestTokens, issuerClock, meter, random, windows } = parts

  async function verified(token: Secret, request: MintRequest): Promise<Claims> {
    const verdict = await parts.verifier.verify(token.reveal(), { subject: request.guestId, scopes: request.scopes })
    if (verdict.valid) return verdict.claims
    meter.count('guest_token_refused')
    throw new GuestpassError(
      'token_refused',
      `The token that upstream issued for guest ${request.guestId} does not verify (${verdict.reason}); it was thrown away. ${remedy(verdict.reason)}`,
      { reason: verdict.reason },
    )
  }

  /** Asks, verifies, and words what came of it. */
  async function obtained(
    { credential, about, now }: Order,
    words: Words,
    ask: (request: MintRequest, onSend: () => void) => Promise<Refreshed | Granted>,
  ): Promise<Obtained> {
    const request = requestOf(credential)
    const started = now()
    let sentAt = started
    const granted: Refreshed = await ask(request, () => (sentAt = now()))
    issuerClock.observe(granted.issuerNow)
    const claims = await verified(granted.access, request)
    const expiresAt = now() + (claims['exp'] as number) * SECOND - issuerClock.now()
    const times = { asked: request.scopes, sentAt, expiresAt, verified: true }
    const tokens = tokenSet(granted, times, windows, random.float())
    const latencyMs = now() - started
    meter.count(words.counter)
    meter.time(words.timer, latencyMs)
    const next: Live = {
      ...credential,
      tokens,
      aliveUntil: Math.max(credential.aliveUntil ?? 0, expiresAt),
      ...(granted.guestTokenId === undefined ? {} : { upstreamId: granted.guestTokenId }),
    }
    const fingerprint = await parts.fingerprint(granted.access.reveal())
    const told = event(about, random.uuid(), now(), {
      type: words.type,
      outcome: 'success',
      generation: credential.generation + 1,
      latencyMs,
      statusCode: granted.status,
      ...(credential.intent?.action === 'refresh' ? { idempotencyKey: credential.intent.id } : {}),
      data: { api: credential.api, scopes: request.scopes, durationSeconds: request.durationSeconds, verified: true },
    })
    const issued = [{ credential: credential.id, fingerprint, expiresAt: expiresAt + AFTERLIFE }]
    return { credential: next, claims, latencyMs, issued, events: [told] }
  }

  return {
    mint(order) {
      const { upstreamId: _former, ...credential } = order.credential
      return obtained({ ...order, credential }, MINTED, (request, onSend) =>
        guestTokens.mint(request, onSend, order.signal),
      )
    },
    refresh(order) {
      const { id, upstreamId = id, intent } = order.credential
      const idempotencyKey = intent?.id ?? ''
      return obtained(order, REFRESHED, (_request, onSend) =>
        guestTokens.refresh({ guestTokenId: upstreamId, idempotencyKey }, () => {
          refuseOld(intent, order.now())
          onSend()
        }),
      )
    },
  }
}

/** Time passes between the decision and each try: waits, pauses of the machine. */
function refuseOld(intent: Intent | undefined, now: Instant): void {
  if (intent && isKnown(intent, now)) return
  throw new GuestpassError(
    'refresh_impossible',
    'The Idempotency-Key of the refresh is too old to be sent again: the refresh could take effect twice.',
  )
}

/** What the guest was asked for, out of what is stored with it. */
const requestOf = ({ id, request }: Credential): MintRequest => ({
  guestId: id,
  durationSeconds: request?.['durationSeconds'] as number,
  scopes: request?.['scopes'] as readonly string[],
})

const remedy = (reason: string): string =>
  reason === 'unknown_key' || reason === 'signature' || reason === 'algorithm'
    ? 'Check GENESYS_JWKS_URL or GENESYS_PUBLIC_KEY, and GENESYS_TOKEN_ALGORITHMS.'
    : 'Ask the operator of the upstream why it issues such tokens.'
