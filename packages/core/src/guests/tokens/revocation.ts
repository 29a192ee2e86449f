import type { GuestCredential } from '../../domain/credential.ts'
import type { EventContext } from '../../domain/events/event-parts.ts'
import { tokenRevoked } from '../../domain/events/guest-tokens.ts'
import type { Instant } from '../../domain/time.ts'
import type { Random } from '../../ports/random.ts'
import type { Change, IssuedToken, Ledger } from '../../ports/store.ts'
import { endedRequest } from './ended-request.ts'

/** A revoked guest: no tokens, no intent, and the next generation, so that a late answer is not stored. */
export function revoked({ tokens: _ended, backOff: _over, intent: _off, ...rest }: GuestCredential): GuestCredential {
  return { ...rest, status: 'revoked', generation: rest.generation + 1 }
}

/**
 * The change that revokes a guest: its row, the denial of its tokens, and the events. `revision`: that of the row as it
 * was read; a request for a token that began later is then a conflict. `because`: default `asked`.
 */
export function revocationChange(
  { credential, ...row }: { readonly credential: GuestCredential; readonly revision?: number },
  about: EventContext,
  now: Instant,
  { random }: { readonly random: Random },
  because: 'asked' | 'replaced' = 'asked',
): Required<Pick<Change, 'writes' | 'events' | 'deny'>> {
  const next = revoked(credential)
  const { api, generation } = next
  return {
    writes: [{ credential: next, expect: { generation: credential.generation, ...row } }],
    events: [
      ...endedRequest(credential, about, { id: random.uuid(), at: now }, 'revoked'),
      tokenRevoked(about, { id: random.uuid(), at: now, api, generation, because }),
    ],
    deny: [credential.id],
  }
}

/**
 * Denies tokens that came after their guest had ended. It needs two commits, because a change denies only
 * what was issued before it.
 */
export async function denyLateTokens(
  store: Pick<Ledger, 'commit'>,
  { connection, id }: GuestCredential,
  issued: readonly IssuedToken[],
): Promise<void> {
  await store.commit({ connection, issued: issued.map((one) => ({ ...one, credential: id })) })
  await store.commit({ connection, deny: [id] })
}
