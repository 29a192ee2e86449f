import type { Context } from '../../domain/context.ts'
import { GRANT_ID } from '../../domain/credential-ids.ts'
import type { GrantCredential } from '../../domain/credential.ts'
import { grantRevoked } from '../../domain/events/access-tokens.ts'
import { tokenEnd } from '../../domain/plan.ts'
import { type Instant, MINUTE } from '../../domain/time.ts'
import { GuestpassError } from '../../domain/errors.ts'
import type { OAuth } from '../../upstream/oauth/oauth-api.ts'
import { callerWait } from '../renewal/caller-wait.ts'
import { ofKind } from '../renewal/of-kind.ts'
import { isOfOtherIssuer } from './grant-binding.ts'
import type { RenewalPorts } from '../renewal/renewal.ts'
import { signInEpoch } from '../access/sign-in-epoch.ts'
import type { AccessEventRecorder } from '../access/event-recorder.ts'

/** The result of a sign-out. */
export interface SignedOut {
  /**
   * What the upstream did. `done`: it ended the tokens. `unsupported`: it has no call that ends the refresh
   * token. `failed`: it could not be reached, it refused, or it is another issuer than that of the sign-in.
   */
  readonly upstream: 'done' | 'unsupported' | 'failed'
  /** The sign-in is ended in the store: no call uses its tokens any more. */
  readonly local: 'done'
  /**
   * Until when the upstream may still accept the access token, in milliseconds since 1970. Absent if it
   * accepts it no more.
   */
  readonly upstreamValidUntil?: Instant
}

interface SignOutParts {
  readonly connection: string
  readonly oauth: OAuth
  readonly recorder: AccessEventRecorder
}

/**
 * Ends the sign-in of a connection: at the upstream (RFC 7009, or the call of Genesys Cloud), and in the store.
 * If the call of the upstream fails, the sign-in still ends in the store, and a second sign-out calls the
 * upstream again. `context.signal` and `context.patienceMs` (default 60 s) end the caller's wait; the sign-out
 * itself goes on.
 *
 * Rejects with `needs_reauth` if no user was signed in, `deadline_exceeded`, and `store_…`.
 */
export type SignOut = (context?: Context) => Promise<SignedOut>

const PATIENCE = { what: 'The sign-out', then: 'It goes on meanwhile; sign out again to see its end.', mostMs: MINUTE }

export function createSignOut({ connection, oauth, recorder }: SignOutParts, ports: RenewalPorts): SignOut {
  const { store, random, clock } = ports
  const epoch = signInEpoch(store, connection)

  async function revoked(credential: GrantCredential, now: Instant): Promise<SignedOut> {
    const { tokens } = credential
    if (!tokens) return { upstream: 'done', local: 'done' }
    const end = isOfOtherIssuer(credential, oauth)
      ? 'failed'
      : await oauth.revoke(tokens).catch(() => 'failed' as const)
    const upstream = end === 'access' ? 'unsupported' : end
    const isLeft = (end === 'failed' || end === 'unsupported') && tokens.expiresAt > now
    return { upstream, local: 'done', ...(isLeft ? { upstreamValidUntil: tokenEnd(tokens) } : {}) }
  }

  async function ended(context: Context): Promise<SignedOut> {
    for (;;) {
      const { credential, now } = ofKind<GrantCredential>('grant', await store.find(connection, GRANT_ID))
      if (!credential) {
        throw new GuestpassError('needs_reauth', `Connection ${connection} is not signed in; there is nothing to end.`)
      }
      const answer = await revoked(credential, now)
      if (credential.status === 'revoked' && (!credential.tokens || answer.upstream === 'failed')) return answer
      const { tokens, intent: _over, backOff: _none, ...rest } = credential
      const generation = credential.generation + 1
      // Kept if the call of the upstream failed, so that a later sign-out can end them.
      const left = answer.upstream === 'failed' && tokens ? { tokens } : {}
      const next: GrantCredential = { ...rest, ...left, status: 'revoked', generation }
      const facts = { id: random.uuid(), at: now, generation, upstream: answer.upstream }
      const change = {
        connection,
        writes: [{ credential: next, expect: { generation: credential.generation } }],
        events: [grantRevoked(recorder.about(credential, context), facts)],
      }
      // Another process renewed meanwhile: the tokens that it stored must end too.
      if ((await store.commit(change)) === 'conflict') continue
      epoch.value += 1
      return answer
    }
  }

  return (context = {}) => callerWait(() => ended(context), context, PATIENCE, clock)
}
