import type { Credential } from '../domain/credential.ts'
import { type About, event } from '../domain/event.ts'
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
import type { MintRequest } from '../upstream/guest-tokens/wire.ts'
import type { IssuerClock } from '../verify/issuer-clock.ts'
import type { Claims, Verifier } from '../verify/verdict.ts'

export interface MintParts {
  readonly guestTokens: GuestTokens
  readonly verifier: Verifier
  readonly issuerClock: IssuerClock
  /** Identifies a token without holding it. */
  readonly fingerprint: (token: string) => Promise<string>
  readonly windows: Windows
  readonly meter: Meter
  readonly random: Random
}

export interface Minted extends Renewed {
  readonly claims: Claims
  readonly latencyMs: number
}

/** Tokens are remembered beyond their end, because clocks differ: a verifier may still accept them for a little while. */
const AFTERLIFE: Millis = HOUR

/** Gets one guest token from upstream and verifies it, before anybody else sees it; says what to write with it. */
export type Mint = (credential: Credential, about: About, now: () => Instant, signal?: AbortSignal) => Promise<Minted>

export function mint(parts: MintParts): Mint {
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

  return async (credential, about, now, signal) => {
    const request = requestOf(credential)
    const started = now()
    let sentAt = started
    const granted: Granted = await guestTokens.mint(request, () => (sentAt = now()), signal)
    issuerClock.observe(granted.issuerNow)
    const claims = await verified(granted.access, request)
    const expiresAt = now() + (claims['exp'] as number) * SECOND - issuerClock.now()
    const tokens = tokenSet(
      granted,
      { asked: request.scopes, sentAt, expiresAt, verified: true },
      windows,
      random.float(),
    )
    const latencyMs = now() - started
    meter.count('guest_token_issued')
    meter.time('guest_token_latency', latencyMs)
    const next: Live = { ...credential, tokens, aliveUntil: Math.max(credential.aliveUntil ?? 0, expiresAt) }
    return {
      credential: next,
      claims,
      latencyMs,
      issued: [
        {
          credential: credential.id,
          fingerprint: await parts.fingerprint(granted.access.reveal()),
          expiresAt: expiresAt + AFTERLIFE,
        },
      ],
      events: [
        event(about, random.uuid(), now(), {
          type: 'TOKEN_GENERATED_SUCCESS',
          outcome: 'success',
          generation: credential.generation + 1,
          latencyMs,
          statusCode: granted.status,
          data: {
            api: credential.api,
            scopes: request.scopes,
            durationSeconds: request.durationSeconds,
            verified: true,
          },
        }),
      ],
    }
  }
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
