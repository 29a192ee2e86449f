import { basename, dirname } from 'node:path'
import { type Claims, type Clock, GuestpassError, type Store, type Verifier } from '@guestpass/core'
import { guestIdOf, newestLinks } from '@guestpass/core/runtime-kit'
import type { Credential } from '@guestpass/core/store-kit'
import { commandFor } from '@guestpass/runtime'
import { counted } from '../counted.ts'
import { shellWord } from '../shell-word.ts'
import { type Finding, ok, warning } from './finding.ts'

/** The stored guests of a connection, and a verifier with the keys that the upstream has now. */
export interface StoredTokens {
  readonly store: Pick<Store, 'chain' | 'findBySubject' | 'list'>
  readonly connection: string
  readonly clock: Pick<Clock, 'wall'>
  readonly verifier: Verifier
  /** Called with the claims of each token that verifies. */
  readonly onVerified?: ((claims: Claims) => void) | undefined
}

/** The newest audit records, in which the guests are found. */
const RECORDS = 500
/** The rows of guests that are read if those records name none with a token, as after a prune. */
const ROWS = 500
/** The guests that are read, and those whose token is verified: so many, however large the store is. */
const GUESTS_READ = 100
const GUESTS = 20
/** The guests that are named. */
const SHOWN = 5

/**
 * Whether keys that the upstream has now signed the stored tokens of the guests with the newest audit records, or of
 * other guests if those have no token. Nothing without keys, which are a finding of their own.
 *
 * @param remedy what to do if not
 */
export async function guestTokenFindings(stored: StoredTokens, remedy: string): Promise<readonly Finding[]> {
  const recorded = await newestGuests(stored)
  const guests = recorded.length > 0 ? recorded : await storedGuests(stored)
  if (guests.length === 0)
    return [ok('guest tokens', 'nothing to check: no guest has a token that is valid now and verified by keys')]
  const unsigned: string[] = []
  try {
    for (const { id, token } of guests) if (!(await isSigned(stored, token))) unsigned.push(id)
  } catch (thrown) {
    if (thrown instanceof GuestpassError && thrown.code === 'keys_unavailable') return []
    throw thrown
  }
  const looked = `${recorded.length > 0 ? 'the newest stored tokens' : 'stored tokens'} (${guests.length} looked at)`
  if (unsigned.length === 0) return [ok('guest tokens', `keys of the upstream signed ${looked}`)]
  const message = `of ${looked}, ${counted(unsigned.length, 'was', 'were')} signed by no key that the upstream has now`
  const more = unsigned.length > SHOWN ? [`and ${unsigned.length - SHOWN} more`] : []
  return [{ ...warning('guest tokens', message, remedy), details: [...unsigned.slice(0, SHOWN), ...more] }]
}

/**
 * What to do about stored tokens that no key signed. `sandboxStore`: the database, if the upstream may be a
 * sandbox, which has new keys and no guests at each start.
 */
export function unsignedRemedy(connection: string, sandboxStore: string | undefined): string {
  const rolled = `If the upstream has new keys, renew with \`${commandFor(connection, 'guest refresh ID')}\`. Else check GENESYS_JWKS_URL and GENESYS_PUBLIC_KEY.`
  if (sandboxStore === undefined) return rolled
  const folder = dirname(sandboxStore)
  const empty = basename(folder) === '.guestpass' ? `\`rm -r ${shellWord(folder)}\`` : 'another file for --database'
  return `If this is a sandbox that was started again, its guests are gone: begin with an empty store, ${empty}, and restart your program. ${rolled}`
}

interface StoredToken {
  readonly id: string
  readonly token: string
}

/** Guests with a JWT that has not expired, by their newest audit records. */
async function newestGuests({ store, connection, clock }: StoredTokens): Promise<readonly StoredToken[]> {
  const links = await newestLinks(store, connection, { limit: RECORDS })
  const subjects = [...new Set(links.map(({ event }) => event.subject))].slice(0, GUESTS_READ)
  const found: StoredToken[] = []
  for (const subject of subjects) {
    if (found.length === GUESTS) break
    found.push(...tokenOf(await store.findBySubject(connection, subject), clock.wall()))
  }
  return found
}

/** Guests with a JWT that has not expired, by their rows: of the first rows, those with the newest tokens. */
async function storedGuests({ store, connection, clock }: StoredTokens): Promise<readonly StoredToken[]> {
  const { credentials } = await store.list(connection, { kind: 'guest', limit: ROWS })
  const sentAt = ({ tokens }: Credential): number => tokens?.sentAt ?? 0
  return credentials
    .toSorted((a, b) => sentAt(b) - sentAt(a))
    .flatMap((one) => tokenOf(one, clock.wall()))
    .slice(0, GUESTS)
}

/** The token of a guest that is verified by keys. */
function tokenOf(credential: Credential | undefined, now: number): readonly StoredToken[] {
  if (credential?.kind !== 'guest' || credential.status !== 'active') return []
  const { tokens } = credential
  if (!tokens?.verified || tokens.expiresAt <= now) return []
  return [{ id: guestIdOf(credential), token: tokens.access.reveal() }]
}

async function isSigned({ verifier, onVerified }: StoredTokens, token: string): Promise<boolean> {
  const verdict = await verifier.verify(token)
  if (verdict.valid) onVerified?.(verdict.claims)
  return verdict.valid || !['unknown_key', 'signature'].includes(verdict.reason)
}
