import type { GuestCredential } from '../../domain/credential.ts'
import { guestIdOf } from '../../domain/guest-id.ts'
import type { Millis } from '../../domain/time.ts'
import { asGuestpassError } from '../../domain/errors.ts'
import type { Secret } from '../../domain/secret.ts'
import type { Random } from '../../ports/random.ts'
import { type Refreshable, createRotation } from '../../tokens/sign-in/refresh-token-rotation.ts'
import type { RenewalCall } from '../../tokens/renewal/strategy.ts'
import type { GrantedTokens } from '../../upstream/granted-tokens.ts'
import { personalTextsOf } from '../../upstream/personal-texts.ts'
import type { TryHooks } from '../../upstream/try-hooks.ts'
import { type RequestTokens, type RequestedTokens, REFRESH } from './request-tokens.ts'
import type { TokenAcceptor, TokenRequirements } from './accept-tokens.ts'
import type { GuestRenewalStrategy } from './renewal-strategy.ts'

interface RotatingRefreshParts {
  readonly refresh: (
    refreshToken: Secret,
    hooks: TryHooks,
    patienceMs?: Millis,
    about?: readonly Secret[],
  ) => Promise<GrantedTokens>
  readonly requestTokens: RequestTokens
  readonly acceptor: Pick<TokenAcceptor, 'ensureVerifiable'>
  readonly format: TokenRequirements['format']
  readonly holder: string
  readonly ensureAvailable: () => void
}

/**
 * Renews by a refresh token that each refresh uses up (see tokens/sign-in/refresh-token-rotation.ts). Once it
 * is spent, the guest has to be authenticated again.
 */
export function createRotatingRefresh(
  parts: RotatingRefreshParts,
  { random }: { readonly random: Random },
): GuestRenewalStrategy {
  const describe = (guest: GuestCredential) => ({
    whose: `Guest ${guestIdOf(guest)}`,
    remedy: 'Authenticate the guest again.',
    reason: 'guest',
  })
  const rotation = createRotation<GuestCredential>({ holder: parts.holder, describe }, random)
  return {
    isSingleUse: true,
    ensureAvailable: parts.ensureAvailable,
    prepare: rotation.prepare,
    afterFailure: rotation.afterFailure,
    async renew(call) {
      // The upstream gives the answer once: it must be possible to verify it.
      await parts.acceptor.ensureVerifiable(parts.format)
      return requestRefresh(parts, call, rotation.refreshable(call.credential))
    },
  }
}

/** Requests the next tokens. If they do not verify, gives the former ones with the new refresh token. */
async function requestRefresh(
  { format, requestTokens, refresh }: RotatingRefreshParts,
  call: RenewalCall<GuestCredential>,
  credential: Refreshable<GuestCredential>,
): Promise<RequestedTokens> {
  const { tokens } = credential
  let granted: GrantedTokens | undefined
  try {
    const made = await requestTokens(call, {
      operation: REFRESH,
      requirements: { subject: guestIdOf(credential), scopes: [], format, renewable: true },
      send: async (hooks) =>
        (granted = await refresh(tokens.refresh, hooks, call.context.patienceMs, personalTextsOf(credential.profile))),
    })
    return { ...made, credential: { ...made.credential, status: 'active' } }
  } catch (thrown) {
    if (!granted) throw thrown
    // A token that does not verify is dropped. The refresh token that came with it is given only once, and
    // kept.
    const kept = { ...tokens, refresh: granted.refresh ?? tokens.refresh }
    const next = { ...credential, status: 'active', tokens: kept } as const
    return { credential: next, events: [], claims: {}, latencyMs: 0, fault: asGuestpassError(thrown) }
  }
}
