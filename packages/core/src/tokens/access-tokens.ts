import type { Credential } from '../domain/credential.ts'
import { type About, event } from '../domain/event.ts'
import { defaultWindows, freshness, type Windows } from '../domain/plan.ts'
import type { Secret } from '../domain/secret.ts'
import { type Instant, SECOND } from '../domain/time.ts'
import { asGuestpassError, GuestpassError } from '../errors.ts'
import type { Meter } from '../ports/meter.ts'
import type { Granted } from '../upstream/granted.ts'
import type { OAuth } from '../upstream/oauth/provider.ts'
import type { IssuerClock } from '../verify/issuer-clock.ts'
import type { Verifier } from '../verify/verdict.ts'
import { held } from './held.ts'
import { abortable } from '../ports/abortable.ts'
import { renewal, type RenewalPorts } from './renewal.ts'
import { tokenSet } from './token-set.ts'

/** An access token that is valid now. */
export interface AccessToken {
  readonly token: Secret
  readonly expiresAt: Instant
  readonly scopes: readonly string[]
  readonly generation: number
  readonly standing: Credential['standing']
}

/** Anything that can hand out a currently valid access token. */
export interface TokenSource {
  /**
   * A token that is valid now: from memory, from the store, or new. Aborting ends this caller's wait only.
   * Rejects with `client_rejected`, `upstream_unavailable`, `upstream_busy`, `scope_missing`, …
   */
  token(ask?: { readonly signal?: AbortSignal }): Promise<AccessToken>
  /** Says that a resource refused the token. Nothing happens unless exactly this token is current. */
  reportRejected(token: Secret): void
}

export interface AccessTokenParts {
  readonly connection: string
  /** The key of everything that shapes the token (see `accessTokenId`). */
  readonly id: string
  readonly oauth: OAuth
  readonly scopes: readonly string[]
  /** `jwt`: verified; `opaque`: taken as they are; `auto`: verified when they look like a JWT. */
  readonly format: 'auto' | 'jwt' | 'opaque'
  readonly verifier: Verifier
  readonly issuerClock: IssuerClock
  readonly meter: Meter
  readonly actor: string
  readonly windows?: Windows
}

/** The service's own access token by client credentials, renewed before it lapses. */
export function accessTokens(parts: AccessTokenParts, ports: RenewalPorts): TokenSource {
  const { connection, id, meter, windows = defaultWindows } = parts
  const { clock, random } = ports
  const about = ({ subject }: Credential): About => ({
    actor: parts.actor,
    connection,
    subject,
    correlationId: random.uuid(),
  })

  const { current } = renewal(
    {
      connection,
      id,
      windows,
      blank: (now) => ({
        connection,
        id,
        kind: 'access',
        api: 'oauth',
        subject: random.uuid(),
        generation: 0,
        standing: 'active',
        createdAt: now,
      }),
      async renew(credential, now) {
        const started = now()
        let sentAt = started
        const granted = await parts.oauth.clientCredentials(() => (sentAt = now()), new AbortController().signal)
        parts.issuerClock.observe(granted.issuerNow)
        const tokens = tokenSet(
          granted,
          { asked: parts.scopes, sentAt, ...(await received(granted, sentAt, now)) },
          windows,
          random.float(),
        )
        const latencyMs = now() - started
        meter.count('access_token_renewed')
        meter.time('access_token_latency', latencyMs)
        return {
          credential: { ...credential, tokens },
          events: [
            event(about(credential), random.uuid(), now(), {
              type: 'ACCESS_TOKEN_RENEWED',
              outcome: 'success',
              generation: credential.generation + 1,
              latencyMs,
              statusCode: granted.status,
              data: { scopes: tokens.scopes, verified: tokens.verified },
            }),
          ],
        }
      },
      failed(credential, error, now) {
        meter.count('access_token_failed')
        const { generation } = credential
        return [
          event(about(credential), random.uuid(), now, {
            type: 'ACCESS_TOKEN_FAILED',
            outcome: 'failure',
            generation,
            error,
          }),
        ]
      },
    },
    ports,
  )

  /** When the token ends, and whether its signature was checked. */
  async function received(
    granted: Granted,
    sentAt: Instant,
    now: () => Instant,
  ): Promise<{ expiresAt: Instant; verified: boolean }> {
    const told = sentAt + (granted.lifetime ?? 0)
    const token = granted.access.reveal()
    const jwt = parts.format === 'jwt' || (parts.format === 'auto' && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token))
    if (!jwt) return { expiresAt: told, verified: false }
    const verdict = await parts.verifier.verify(token)
    if (!verdict.valid) {
      throw new GuestpassError(
        'token_refused',
        `Connection ${connection}: the access token that upstream issued does not verify (${verdict.reason}). Check GENESYS_JWKS_URL or GENESYS_PUBLIC_KEY.`,
        { reason: verdict.reason },
      )
    }
    const left = (verdict.claims['exp'] as number) * SECOND - parts.issuerClock.now()
    return { expiresAt: Math.min(told, now() + left), verified: true }
  }

  const memory = held<Promise<AccessToken>>(clock)
  const stillValid = held<Promise<AccessToken>>(clock)
  let latest: AccessToken | undefined
  let rejected = -1

  async function fetched(): Promise<AccessToken> {
    const { credential, now, elapsed } = await current({ newerThan: rejected })
    const { tokens, generation, standing } = credential
    const answer = { token: tokens.access, expiresAt: tokens.expiresAt, scopes: tokens.scopes, generation, standing }
    const at = now + elapsed()
    const freshFor = freshness(tokens, at, windows) === 'fresh' ? tokens.renewAt - at : 0
    if (generation > rejected) {
      latest = answer
      memory.keep(Promise.resolve(answer), freshFor)
      stillValid.keep(Promise.resolve(answer), tokens.expiresAt - at)
    }
    return answer
  }

  /** A store that cannot be asked takes nothing away from a token in hand. */
  const withoutStore = (thrown: unknown): Promise<AccessToken> => {
    const inHand = asGuestpassError(thrown).code.startsWith('store_') ? stillValid.fresh() : undefined
    if (!inHand) throw thrown
    return inHand
  }

  return {
    token: (ask) => memory.fresh() ?? abortable(() => fetched().catch(withoutStore), ask?.signal),
    reportRejected(token) {
      if (latest?.token.reveal() !== token.reveal()) return
      rejected = latest.generation
      latest = undefined
      memory.drop()
      stillValid.drop()
      meter.count('access_token_rejected')
    },
  }
}
