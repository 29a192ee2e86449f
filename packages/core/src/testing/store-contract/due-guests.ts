import type { BackOff, Credential } from '../../domain/credential.ts'
import type { DueAsk, Store } from '../../ports/store.ts'
import type { Bench } from './frame.ts'
import { credential, full, HOME, put, tokens, write } from './samples.ts'

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const LEASE = 30_000
export const ask: DueAsk = { max: 9, leaseMs: LEASE, keepForMs: 24 * HOUR }

export const nowOf = async (store: Store): Promise<number> => (await store.find(HOME, 'nobody')).now

/** A guest whose renewal is due at that time. */
export const guest = (id: string, renewAt: number, generation = 1, more: Partial<Credential> = {}): Credential =>
  credential(id, generation, { tokens: { ...tokens(id), renewAt }, ...more })

export const backOff = (until: number): BackOff => ({ ...full('x').backOff, until })

/** Stores guests by id and milliseconds until they are due; says what time it was. */
export async function arrive(store: Store, dueIn: Readonly<Record<string, number>>): Promise<number> {
  const now = await nowOf(store)
  for (const [id, ms] of Object.entries(dueIn)) await put(store, guest(id, now + ms))
  return now
}

/** Ids that a keeper gets now. */
export const claim = async (store: Store, more: Partial<DueAsk> = {}, connection = HOME): Promise<string[]> =>
  (await store.claimDue(connection, { ...ask, ...more })).claimed.map(({ id }) => id)

/** Writes a credential again, on its generation or over the one before. */
export const rewrite = async ({ other }: Bench, next: Credential, generation = 1): Promise<string> =>
  other.commit({ connection: HOME, writes: [write(next, generation)] })
