import type { GuestWithTokens } from '../../domain/credential.ts'
import type { TokenCriteria } from '../../domain/plan.ts'
import { GuestpassError } from '../../domain/errors.ts'
import type { Store } from '../../ports/store.ts'
import type { ReadyContext } from '../events/listeners.ts'
import { invalid } from '../requests/faults.ts'
import type { GuestContext } from '../requests/guest-context.ts'
import { likelyRow, type Locate } from '../requests/locate.ts'
import { type GuestSessions, removedError } from './guest-sessions.ts'
import type { ImportToken } from './import-token.ts'

/**
 * The second argument of `Guests.refresh`. It may also have members of the context; those of the third argument
 * have precedence.
 */
export interface RefreshOptions extends GuestContext, ReadyContext {
  /** A token of the guest that is not in this store. It is imported first. Default: the stored token. */
  readonly token?: string | undefined
  /**
   * The `sub` of `token`. Later tokens of the guest must have it too, until a token is minted for the guest id.
   * Needs `token`. Default: the guest id.
   */
  readonly subject?: string | undefined
}

export interface CurrentTokenParts {
  readonly connection: string
  readonly store: Pick<Store, 'touch'>
  readonly sessions: GuestSessions
  /** Finds removed guests, too, as revision 0. */
  readonly locate: Locate
  readonly importToken: ImportToken
  /** Throws if the connection offers no guest tokens. */
  readonly ensureAvailable: () => void
}

/** Gives a stored guest with a token that is valid now: renewed if it is due, or if `criteria` need a newer one. */
export async function currentToken(
  parts: CurrentTokenParts,
  guestId: string,
  criteria: TokenCriteria,
  context: GuestContext,
): Promise<GuestWithTokens> {
  // Nearly every guest has the row of its id, and no other API has a guest of that id: then one read is
  // enough. An owner must not renew the guest of another one.
  const isOpen = context.api === undefined && context.owner === undefined
  const row = isOpen ? likelyRow(guestId) : undefined
  const likely =
    row === undefined
      ? undefined
      : await tokenAt(parts, row, criteria, context).catch((thrown: unknown) => likelyFailure(parts, guestId, thrown))
  if (likely && !likely.shared) return likely
  const { credential, revision } = await parts.locate(guestId, context)
  if (revision === 0) throw removedError(credential)
  return tokenAt(parts, credential.id, criteria, context)
}

/** Renews the token of a guest now, whatever its age. Calls at the same time share one refresh. */
export async function refreshToken(
  parts: CurrentTokenParts,
  guestId: string,
  { token, subject, ...context }: RefreshOptions,
): Promise<GuestWithTokens> {
  parts.ensureAvailable()
  refuseSubject(subject, token)
  if (token === undefined) return currentToken(parts, guestId, { force: true }, context)
  const { id, generation } = await parts.importToken(guestId, { token, subject }, context)
  return tokenAt(parts, id, { newerThan: generation }, context)
}

async function tokenAt(
  { connection, store, sessions }: CurrentTokenParts,
  row: string,
  criteria: TokenCriteria,
  context: GuestContext,
): Promise<GuestWithTokens> {
  await store.touch(connection, row)
  return (await sessions.current(row, criteria, context)).credential
}

/** Throws a failure at a likely row, unless another guest may be meant. Undefined: look the guest up. */
async function likelyFailure({ locate }: CurrentTokenParts, guestId: string, thrown: unknown): Promise<undefined> {
  if (thrown instanceof GuestpassError && thrown.code === 'guest_unknown') return undefined
  await locate(guestId)
  throw thrown
}

/** Throws `invalid_input` for a subject that no token can have, or that comes without a token. */
function refuseSubject(subject: unknown, token: unknown): void {
  if (subject === undefined) return
  const isText = typeof subject === 'string' && subject !== ''
  if (isText && token !== undefined) return
  const message = isText ? 'needs a `token`' : 'is not a text of at least one character'
  throw invalid([{ path: ['subject'], message }], { subject: 'Give the `sub` of the given token.' })
}
