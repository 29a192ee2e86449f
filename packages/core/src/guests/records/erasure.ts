import type { Context } from '../../domain/context.ts'
import type { GuestCredential } from '../../domain/credential.ts'
import { eventContext } from '../../domain/events/event-parts.ts'
import { guestErased } from '../../domain/events/guest-records.ts'
import type { Instant } from '../../domain/time.ts'
import type { Random } from '../../ports/random.ts'
import type { Change, Store } from '../../ports/store.ts'
import { endedRequest } from '../tokens/ended-request.ts'
import { belongingsOf } from './belongings.ts'
import { placesElsewhere } from './remains.ts'
import type { Located } from '../requests/locate.ts'
import type { RemovedGuest } from '../requests/tombstones.ts'
import type { Pseudonym } from '../authentication/pseudonyms.ts'

/** The result of revoking a guest. */
export interface Revocation {
  /**
   * Whether the upstream ended the token. It is `unsupported` today: no guest API can revoke a token, so that
   * the upstream accepts it until `upstreamValidUntil`.
   */
  readonly upstream: 'done' | 'unsupported' | 'failed'
  /** Verifiers of this connection deny every token of the guest from now on. */
  readonly local: 'done'
  /** When the guest's last token expires, in milliseconds since 1970. Absent if all have expired. */
  readonly upstreamValidUntil?: Instant
}

/** The result of erasing a guest. */
export interface Erasure extends Revocation {
  /** Where data of the person may still exist: upstream, CRM, backups. One text for people each. */
  readonly remains: readonly string[]
}

/** A guest to change. `left`: retention removed its row, and this is what is left of it. */
export interface GuestToChange extends Located {
  readonly left?: RemovedGuest
}

/** Erases one guest. */
export interface Eraser {
  /**
   * Erases a guest. `read` gives the guest as it is now, and is called again after each conflicting write.
   */
  erase(read: () => Promise<GuestToChange>, context?: Context): Promise<Erasure>
  /** What the store itself may still hold of erased guests, as text for people. */
  traces(): Promise<readonly string[]>
}

export function createEraser(
  connection: string,
  { store, random, pseudonym }: { readonly store: Store; readonly random: Random; readonly pseudonym: Pseudonym },
): Eraser {
  /** A stored erasure gives its result also if the search for traces fails. */
  async function traces(): Promise<readonly string[]> {
    const since = await store.tracesSince?.().catch(() => undefined)
    return since === undefined ? [] : [TRACES]
  }

  const rowChange = async ({ credential, revision }: GuestToChange, next: GuestCredential) => ({
    // A request for a token that began since the row was read is a conflict: its end is recorded, too.
    writes: [{ credential: next, expect: { generation: credential.generation, revision } }],
    documents: await belongingsOf(credential, { store, pseudonym }),
  })

  return {
    traces,
    async erase(read, context = {}) {
      for (;;) {
        const found = await read()
        const { credential, now, left } = found
        const places = await placesElsewhere(connection, store, { person: credential.api !== 'guest-tokens' })
        const answer = { ...revocationOf(credential, now), remains: places }
        const withTraces = async () => ({ ...answer, remains: [...answer.remains, ...(await traces())] })
        if (credential.status === 'erased') return withTraces()
        const { subject, api, generation, id } = credential
        const next = erasedRow(credential, random.uuid())
        const about = eventContext({ connection, subject }, context, random)
        const facts = { api, generation: generation + 1, upstream: answer.upstream }
        const erased = guestErased(about, { id: random.uuid(), at: now, ...facts })
        const change: Change = {
          connection,
          ...(left ? { documents: [left.ended(next, now)] } : await rowChange(found, next)),
          events: [...endedRequest(credential, about, { id: random.uuid(), at: now }, 'erased'), erased],
          deny: [id],
        }
        if ((await store.commit(change)) === 'done') return withTraces()
      }
    },
  }
}

/** The row of an erased guest: enough to refuse it. Its former subject leads to no row. */
const erasedRow = (
  { connection, id, kind, api, generation, createdAt, aliveUntil, upstreamId, shared, owner }: GuestCredential,
  subject: string,
): GuestCredential => ({
  connection,
  id,
  kind,
  api,
  subject,
  generation: generation + 1,
  status: 'erased',
  createdAt,
  ...(aliveUntil === undefined ? {} : { aliveUntil }),
  // The upstream's id of a guest whose row has an invented id: the guest is refused by it, too.
  ...(upstreamId === undefined || api === 'guest-tokens' ? {} : { upstreamId }),
  ...(shared ? { shared } : {}),
  ...(owner === undefined ? {} : { owner }),
})

const TRACES =
  "this store: SQLite's log, which a reader or a full disk keeps from being cut; the next process that uses the store removes it"

export const revocationOf = ({ aliveUntil = 0 }: GuestCredential, now: Instant): Revocation => ({
  upstream: 'unsupported',
  local: 'done',
  ...(aliveUntil > now ? { upstreamValidUntil: Math.floor(aliveUntil) } : {}),
})
