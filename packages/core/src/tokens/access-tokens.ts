import type { Credential } from '../domain/credential.ts'
import { endOf, freshness, judgedAt, type Windows } from '../domain/plan.ts'
import type { Secret } from '../domain/secret.ts'
import type { Instant } from '../domain/time.ts'
import { asGuestpassError } from '../errors.ts'
import { abortable } from '../ports/abortable.ts'
import type { Clock } from '../ports/clock.ts'
import type { Meter } from '../ports/meter.ts'
import { held } from './held.ts'
import type { Renewal } from './renewal.ts'

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
   * Rejects with `client_rejected`, `upstream_unavailable`, `upstream_busy`, `scope_missing`, `needs_reauth`, …
   */
  token(ask?: { readonly signal?: AbortSignal }): Promise<AccessToken>
  /** Says that a resource refused the token. Nothing happens unless exactly this token is current. */
  reportRejected(token: Secret): void
}

/** Keeps a credential current, and its id. */
export type Standing = Pick<Renewal, 'current'> & { readonly id: string }

export interface AccessTokenParts {
  /** The credential that yields the tokens now: a sign-in, or client credentials. Asked when none is at hand. */
  readonly choose: () => Promise<Standing>
  readonly meter: Meter
  readonly windows: Windows
}

/** The service's own access tokens, kept in memory while they are fresh, renewed before they lapse. */
export function accessTokens(
  { choose, meter, windows }: AccessTokenParts,
  { clock, issuerNow = () => clock.wall() }: { readonly clock: Clock; readonly issuerNow?: () => Instant },
): TokenSource {
  const memory = held<Promise<AccessToken>>(clock)
  const stillValid = held<Promise<AccessToken>>(clock)
  let latest: (AccessToken & { readonly of: string }) | undefined
  let rejected: { readonly of: string; readonly generation: number } | undefined

  async function fetched(): Promise<AccessToken> {
    const { id, current } = await choose()
    const newerThan = (): number => (rejected?.of === id ? rejected.generation : -1)
    const { credential, now, elapsed } = await current({ newerThan: newerThan(), rejected: rejected?.of === id })
    const { tokens, generation, standing } = credential
    const answer = { token: tokens.access, expiresAt: endOf(tokens), scopes: tokens.scopes, generation, standing }
    const [storeNow, byIssuer] = [now + elapsed(), issuerNow()]
    const at = judgedAt(tokens, storeNow, byIssuer)
    const freshFor = freshness(tokens, storeNow, windows, byIssuer) === 'fresh' ? tokens.renewAt - at : 0
    if (generation > newerThan()) {
      latest = { ...answer, of: id }
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

  /** What is being fetched: callers that come meanwhile wait for it instead of reading the store each for himself. */
  let underway: Promise<AccessToken> | undefined
  function fetching(): Promise<AccessToken> {
    if (underway) return underway
    const work = fetched().catch(withoutStore)
    const end = (): void => {
      if (underway === work) underway = undefined
    }
    work.then(end, end)
    return (underway = work)
  }

  return {
    token: (ask) => memory.fresh() ?? abortable(fetching, ask?.signal),
    reportRejected(token) {
      if (latest?.token.reveal() !== token.reveal()) return
      rejected = latest
      latest = undefined
      // Whoever comes from now on must not get what was fetched before the refusal.
      underway = undefined
      memory.drop()
      stillValid.drop()
      meter.count('access_token_rejected')
    },
  }
}
