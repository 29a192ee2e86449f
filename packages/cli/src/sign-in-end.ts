import type { ConnectionView, Store } from '@guestpass/core'
import { iso, newestLinks } from '@guestpass/core/runtime-kit'
import type { Instant } from '@guestpass/core/store-kit'

/** The newest audit records of the sign-in that are read. */
const RECORDS = 50

type SignInStore = Pick<Store, 'list' | 'chain'>

/** When and why a sign-in ended. Members are absent if the newest audit records do not say it. */
interface SignInEnd {
  readonly at?: Instant
  /** What the upstream said. */
  readonly why?: string
}

/** Finds when and why the sign-in of a connection ended, in its newest audit records. */
async function signInEnd(store: SignInStore, connection: string): Promise<SignInEnd> {
  const { credentials } = await store.list(connection, { kind: 'grant', limit: 1 })
  const [grant] = credentials
  if (grant === undefined) return {}
  const links = await newestLinks(store, connection, { limit: RECORDS, subject: grant.subject })
  const end = links.find(({ event }) => event.type === 'GRANT_ENDED')?.event
  if (end === undefined) return {}
  const refusal = links.find(({ event }) => event.error?.code === 'needs_reauth')?.event
  const why = SAID.exec(refusal?.error?.message ?? '')?.[1]
  return { at: end.at, ...(why === undefined ? {} : { why }) }
}

/** The words of the upstream in the message of a refused refresh token. */
const SAID = /the sign-in has ended \((.+)\)\. Sign in again/

/** The end of a sign-in, and of its access token, as sentences. */
export async function signInEndText(
  store: SignInStore,
  { connection, expiresAt }: Pick<ConnectionView, 'connection' | 'expiresAt'>,
  now: Instant,
): Promise<string> {
  const { at, why } = await signInEnd(store, connection)
  const ended = `the sign-in ended${at === undefined ? '' : ` at ${iso(at)}`}${why === undefined ? '' : ` (${why})`}.`
  if (expiresAt === undefined) return ended
  return `${ended} The access token ${expiresAt > now ? 'is served until' : 'ended at'} ${iso(expiresAt)}.`
}
