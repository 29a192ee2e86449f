import { createTryLog, type TriesData } from '../../domain/events/tries.ts'
import type { GrantCredential, StoredSignIn, TokenSet } from '../../domain/credential.ts'
import type { Event } from '../../domain/events/event.ts'
import { accessTokenRenewed, REFRESH_GRANT } from '../../domain/events/access-tokens.ts'
import type { RenewalWindows } from '../../domain/plan.ts'
import { lackedScopes, missingScopes } from '../../domain/scopes.ts'
import type { Secret } from '../../domain/secret.ts'
import type { Instant, Millis } from '../../domain/time.ts'
import { asGuestpassError, GuestpassError } from '../../domain/errors.ts'
import type { GrantedTokens } from '../../upstream/granted-tokens.ts'
import type { OAuth } from '../../upstream/oauth/oauth-api.ts'
import { refuseExpired } from '../renewal/renewal-attempt.ts'
import { bindingOf } from './grant-binding.ts'
import { rethrowWithScopes } from '../access/required-scopes.ts'
import type { TokenAcceptor } from '../access/accept-tokens.ts'
import type { RenewalPorts } from '../renewal/renewal.ts'
import type { Refreshable, Rotation } from './refresh-token-rotation.ts'
import { refuseOtherUser } from './refresh-id-token.ts'
import type { SignInEpoch } from '../access/sign-in-epoch.ts'
import type { RenewalCall, RenewalResult } from '../renewal/strategy.ts'
import type { AccessEventRecorder, TokenFailure } from '../access/event-recorder.ts'

export interface GrantParts {
  readonly connection: string
  readonly oauth: OAuth
  /** Scopes that refreshes ask for, within what was granted; all that was granted when absent. */
  readonly scopes?: readonly string[]
  /** A refresh token that begins the grant if none is stored (the option `refreshToken`). */
  readonly seed?: Secret
  /** SHA-256 of a text, which identifies a seed without storing it. */
  readonly digest: (text: string) => Promise<string>
  /** See `RotationOptions.graceMs`. */
  readonly graceMs?: Millis
  readonly acceptor: TokenAcceptor
  readonly recorder: AccessEventRecorder
  readonly windows: RenewalWindows
}

/** What the functions of one grant need. */
export interface GrantTools extends GrantParts {
  readonly ports: RenewalPorts
  readonly rotation: Rotation<GrantCredential>
  readonly epoch: SignInEpoch
  /** The sign-in and the scopes of a renewal that did not bring them. */
  askedInVain?: string
}

/**
 * The scopes that a refresh asks for: all that the token has now, so that two callers do not take scopes from
 * each other.
 */
export function scopesToAsk(
  { connection, scopes: wanted }: GrantParts,
  { tokens, request }: GrantCredential,
): readonly string[] | undefined {
  // Empty: the upstream did not name them.
  const granted = request?.granted ?? []
  const isKnown = granted.length > 0
  if (!wanted) return isKnown ? granted : undefined
  const all = [...new Set([...wanted, ...(tokens?.scopes ?? [])])]
  if (!isKnown) return all
  const excess = lackedScopes(wanted, granted)
  if (excess.length > 0) {
    throw new GuestpassError(
      'scope_missing',
      `Connection ${connection}: the sign-in does not hold ${excess.join(' ')}; it holds ${granted.join(' ')}. Nothing was sent. Take ${excess.length === 1 ? 'it' : 'them'} out of \`scopes\`, or sign in again with ${excess.length === 1 ? 'it' : 'them'}.`,
    )
  }
  return all.filter((scope) => granted.includes(scope))
}

/**
 * Gives the new tokens, verified. If they cannot be used, gives the former ones with the new refresh token, which
 * must not be lost.
 */
async function acceptTokens(
  { acceptor }: GrantParts,
  credential: Refreshable<GrantCredential>,
  granted: GrantedTokens,
  of: { readonly asked: readonly string[]; readonly sentAt: Instant },
  now: () => Instant,
): Promise<{ readonly tokens: TokenSet; readonly fault?: GuestpassError }> {
  const { tokens: former } = credential
  const refresh = granted.refresh ?? former.refresh
  const kept = refresh ? { refresh } : {}
  try {
    refuseOtherUser(credential, granted.idToken)
    const tokens = await acceptor.accept({ ...granted, ...kept }, of, now)
    refuseExpired(tokens, now())
    return { tokens }
  } catch (thrown) {
    return { tokens: { ...former, ...kept }, fault: asGuestpassError(thrown) }
  }
}

/** Sends the refresh, and accepts its tokens. */
export async function renew(
  tools: GrantTools,
  call: RenewalCall<GrantCredential>,
): Promise<RenewalResult<GrantCredential>> {
  const { oauth, acceptor, recorder, rotation } = tools
  const { about, context, now, hooks } = call
  const credential = rotation.refreshable(call.credential)
  const scopes = scopesToAsk(tools, credential)
  await acceptor.ensureVerifiable(credential.tokens)
  const started = now()
  let sentAt: Instant = started
  const tries = createTryLog(hooks.onFailedTry)
  const answer = oauth.refresh(credential.tokens.refresh, {
    ...(scopes ? { scopes } : {}),
    patienceMs: context.patienceMs,
    mayRepeat: () => rotation.mayRepeat(credential, now()),
    hooks: {
      ...hooks,
      onFailedTry: tries.onFailedTry,
      async beforeTry() {
        rotation.refuseLateRetry(call, now())
        await hooks.beforeTry?.()
      },
      onSend() {
        hooks.onSend()
        sentAt = now()
      },
    },
  })
  const granted = await answer.catch((thrown: unknown) => rethrowWithScopes(thrown, scopes ?? []))
  acceptor.observeIssuerTime(granted)
  const of = { asked: scopes ?? [], sentAt }
  const { tokens, fault } = await acceptTokens(tools, credential, granted, of, now)
  // An answer to a request without scopes names all that were granted.
  const grantedNow: StoredSignIn = scopes || fault ? {} : { granted: tokens.scopes }
  const request: StoredSignIn = { ...credential.request, ...grantedNow, ...bindingOf(oauth) }
  const next = { ...credential, status: 'active', tokens, request } as const
  const onSuperseded = (): Promise<void> => endAfterSignOut(tools, credential.id, granted)
  const latencyMs = now() - started
  if (fault) {
    const failure = { error: fault, about, now: now(), latencyMs }
    return { credential: next, events: [refreshFailed(tools, credential, failure)], fault, onSuperseded }
  }
  recorder.renewed(latencyMs)
  return {
    credential: next,
    events: [renewed(tools, call, { granted, tokens, scopes, latencyMs, tries: tries.data() })],
    onSuperseded,
  }
}

/** The event of a refresh that failed, with the scopes that it asked for; none if it asked for all. */
export const refreshFailed = (parts: GrantParts, credential: GrantCredential, failure: TokenFailure): Event =>
  parts.recorder.failed(credential, failure, {
    grant: REFRESH_GRANT,
    asked: parts.scopes ?? credential.request?.granted ?? [],
  })

/** Revokes new tokens after a sign-out during the refresh: it ended only the former ones. */
async function endAfterSignOut(
  { connection, oauth, ports }: GrantTools,
  id: string,
  granted: GrantedTokens,
): Promise<void> {
  try {
    const { credential } = await ports.store.find(connection, id)
    if (credential?.status === 'revoked') await oauth.revoke(granted)
  } catch {
    // The new tokens stay valid to their end, as after any sign-out that did not reach the upstream.
  }
}

function renewed(
  { ports }: GrantTools,
  { about, credential, now }: RenewalCall<GrantCredential>,
  result: {
    readonly granted: GrantedTokens
    readonly tokens: TokenSet
    readonly scopes: readonly string[] | undefined
    readonly latencyMs: Millis
    readonly tries: TriesData
  },
): Event {
  const { granted, tokens, scopes, latencyMs, tries } = result
  return accessTokenRenewed(about, {
    id: ports.random.uuid(),
    at: now(),
    generation: credential.generation + 1,
    latencyMs,
    statusCode: granted.status,
    data: {
      grant: REFRESH_GRANT,
      rotated: granted.refresh !== undefined,
      scopes: tokens.scopes,
      missing: scopes ? lackedScopes(scopes, tokens.scopes) : [],
      excess: scopes ? missingScopes(tokens.scopes, scopes) : [],
      verified: tokens.verified,
      ...tries,
    },
  })
}
