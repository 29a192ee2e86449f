import type { Credential } from '../domain/credential.ts'
import { type About, event } from '../domain/event.ts'
import type { Windows } from '../domain/plan.ts'
import { Secret } from '../domain/secret.ts'
import { type Instant, type Millis, SECOND } from '../domain/time.ts'
import { GuestpassError } from '../errors.ts'
import type { Random } from '../ports/random.ts'
import type { Store } from '../ports/store.ts'
import { tokenSet } from '../tokens/token-set.ts'
import { scopesOf } from '../verify/claims.ts'
import type { IssuerClock } from '../verify/issuer-clock.ts'
import type { Claims, Verifier } from '../verify/verdict.ts'
import { rememberedUntil } from './reception.ts'
import { LONGEST_DURATION } from './request.ts'

export interface AdoptionParts {
  readonly connection: string
  readonly verifier: Verifier
  readonly issuerClock: IssuerClock
  readonly fingerprint: (token: string) => Promise<string>
  readonly windows: Windows
  readonly about: (credential: Credential) => About
  /** A guest that is not known yet. */
  readonly blank: (id: string, now: Instant) => Credential
  /** Throws when the guest was ended, or is of an API whose tokens come with others. */
  readonly refuse: (credential: Credential) => void
}

/** Issuers count whole seconds, and clocks differ a little. */
const SAME_AGE: Millis = 2 * SECOND

/**
 * Takes over a token that somebody holds outside: it must verify, be the guest's own, not be revoked, and not be older than
 * what is stored. Rejects with `token_invalid` and the reason (of `verify`, or `superseded`).
 */
export type Adopt = (guestId: string, token: string) => Promise<void>

export function adoption(
  parts: AdoptionParts,
  { store, random }: { readonly store: Store; readonly random: Random },
): Adopt {
  const { connection, issuerClock, windows } = parts

  async function claimsOf(guestId: string, token: string): Promise<Claims> {
    const verdict = await parts.verifier.verify(token, { subject: guestId })
    if (verdict.valid) return verdict.claims
    throw invalid(guestId, verdict.reason)
  }

  /** An instant of the issuer's claims on the store's clock. */
  const toStore = (seconds: unknown, now: Instant): Instant => now + (seconds as number) * SECOND - issuerClock.now()

  return async (guestId, token) => {
    const claims = await claimsOf(guestId, token)
    const fingerprint = await parts.fingerprint(token)
    for (;;) {
      const { credential, now } = await store.find(connection, guestId)
      const base = credential ?? parts.blank(guestId, now)
      parts.refuse(base)
      if (base.tokens?.access.reveal() === token) return
      const expiresAt = toStore(claims['exp'], now)
      const sentAt = claims['iat'] === undefined ? now : Math.min(toStore(claims['iat'], now), now)
      const isOlder = base.tokens && sentAt < base.tokens.sentAt - SAME_AGE
      // What was stored here once and is no longer has been replaced, be it within the same second.
      if (isOlder || (await store.issued(connection, fingerprint))) throw invalid(guestId, 'superseded')
      const scopes = scopesOf(claims)
      const exp = (claims['exp'] as number) * SECOND
      const times = { asked: scopes, sentAt, expiresAt, exp, verified: true }
      const tokens = tokenSet({ access: new Secret(token) }, times, windows, random.float())
      const lifetime = Math.round((expiresAt - sentAt) / SECOND)
      const durationSeconds = Math.min(Math.max(1, lifetime), LONGEST_DURATION)
      const { intent: _off, backOff: _over, ...rest } = base
      const generation = base.generation + 1
      const next: Credential = {
        ...rest,
        generation,
        tokens,
        request: { durationSeconds, scopes },
        aliveUntil: Math.max(base.aliveUntil ?? 0, tokens.expiresAt),
      }
      const told = { type: 'TOKEN_ADOPTED', outcome: 'success', generation, data: { api: base.api, scopes } } as const
      const outcome = await store.commit({
        connection,
        writes: [{ credential: next, expect: { generation: base.generation } }],
        events: [event(parts.about(next), random.uuid(), now, told)],
        issued: [{ credential: guestId, fingerprint, expiresAt: rememberedUntil(tokens) }],
      })
      if (outcome === 'done') return
    }
  }
}

const invalid = (guestId: string, reason: string): GuestpassError =>
  new GuestpassError(
    'token_invalid',
    reason === 'superseded'
      ? `The token given for guest ${guestId} is older than the one that is stored; it was not taken.`
      : `The token given for guest ${guestId} is not valid (${reason}); it was not taken.`,
    { reason },
  )
