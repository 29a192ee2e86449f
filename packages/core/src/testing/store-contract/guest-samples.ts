import type { BackOff, GuestCredential } from '../../domain/credential.ts'
import type { DueRequest, Store } from '../../ports/store.ts'
import type { StoreHandles } from './suite.ts'
import { credential, fullCredential, HOME, put, tokens, write } from './samples.ts'

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const LEASE = 30_000
export const dueRequest: DueRequest = { max: 9, leaseMs: LEASE, keepForMs: 24 * HOUR }

export const nowOf = async (store: Store): Promise<number> => (await store.find(HOME, 'unknown')).now

/** A guest whose renewal is due at `renewAt`, in milliseconds since the epoch. */
export const guest = (
  id: string,
  renewAt: number,
  generation = 1,
  more: Partial<GuestCredential> = {},
): GuestCredential => credential(id, generation, { tokens: { ...tokens(id), renewAt }, ...more })

export const backOff = (until: number): BackOff => ({ ...fullCredential('x').backOff, until })

/** Stores guests by id and milliseconds until they are due. Returns the time of the store. */
export async function putGuests(store: Store, dueIn: Readonly<Record<string, number>>): Promise<number> {
  const now = await nowOf(store)
  for (const [id, ms] of Object.entries(dueIn)) await put(store, guest(id, now + ms))
  return now
}

/** The ids of the guests that a keeper gets now. */
export const claim = async (store: Store, more: Partial<DueRequest> = {}, connection = HOME): Promise<string[]> =>
  (await store.claimDue(connection, { ...dueRequest, ...more })).claimed.map(({ id }) => id)

/** Writes a credential that replaces `generation`. */
export const rewrite = async ({ other }: StoreHandles, next: GuestCredential, generation = 1): Promise<string> =>
  other.commit({ connection: HOME, writes: [write(next, generation)] })
