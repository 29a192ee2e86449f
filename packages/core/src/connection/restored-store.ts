import type { Context } from '../domain/context.ts'
import { type Credential, guestIn } from '../domain/credential.ts'
import { grantInDoubt } from '../domain/events/access-tokens.ts'
import type { Event } from '../domain/events/event.ts'
import { eventContext } from '../domain/events/event-parts.ts'
import { type RestoreData, storeRestored } from '../domain/events/stores.ts'
import { createPseudonyms } from '../guests/authentication/pseudonyms.ts'
import { createEraser, type Eraser } from '../guests/records/erasure.ts'
import { allRemovedGuests, removedGuestAt } from '../guests/requests/tombstones.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { Store } from '../ports/store.ts'

/** Credentials written in one commit. */
const PAGE = 200

/** What the work on a restored store needs. */
interface RestoredStorePorts {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
}

/**
 * Prepares a connection of a store that was restored from a backup, before any other process uses it: erases
 * again the guests that were erased after the backup, and declares every refresh token in doubt, because a
 * process may have spent it after the backup. Records `STORE_RESTORED`. A repeated call records it again, and
 * changes nothing else.
 *
 * @param connection the name of the connection
 * @param erased the former subjects of guests that were erased, from `GUEST_ERASED` events
 * @param context who restores, for the audit log
 * @returns the data of the event
 * @throws the errors of the store
 */
export async function prepareRestoredConnection(
  connection: string,
  erased: Iterable<string>,
  { store, clock, random }: { readonly store: Store; readonly clock: Clock; readonly random: Random },
  context: Pick<Context, 'actor'> = {},
): Promise<RestoreData> {
  const { count: records } = await store.chainHead(connection)
  const call = { ...context, correlationId: random.uuid() }
  const again = await eraseAgain(connection, erased, { store, clock, random }, call)
  const signIns = await declareInDoubt(connection, 'grant', { store, clock, random }, call)
  const guests = await declareInDoubt(connection, 'guest', { store, clock, random }, call)
  const data: RestoreData = { records, inDoubt: signIns + guests, erased: again }
  const about = eventContext({ connection, subject: random.uuid() }, call, random)
  await store.commit({ connection, events: [storeRestored(about, { id: random.uuid(), at: clock.wall(), data })] })
  return data
}

async function eraseAgain(
  connection: string,
  subjects: Iterable<string>,
  ports: RestoredStorePorts,
  context: Context,
): Promise<number> {
  const { store, random } = ports
  const eraser = createEraser(connection, { store, random, pseudonym: createPseudonyms(connection, ports).ofApplicant })
  const wanted = new Set(subjects)
  let erased = 0
  for (const subject of wanted) {
    const guest = guestIn({ credential: await store.findBySubject(connection, subject) })
    if (!guest) continue
    await eraser.erase(async () => {
      const found = await store.find(connection, guest.id)
      return { ...found, credential: guestIn(found) ?? guest }
    }, context)
    erased += 1
  }
  return wanted.size === 0 ? 0 : erased + (await eraseRemoved(connection, wanted, { eraser, ...ports }, context))
}

/** Erases again what is left of guests that retention had removed before the backup. Gives their number. */
async function eraseRemoved(
  connection: string,
  subjects: ReadonlySet<string>,
  { store, clock, eraser }: RestoredStorePorts & { readonly eraser: Eraser },
  context: Context,
): Promise<number> {
  let erased = 0
  for await (const { credential } of allRemovedGuests(connection, store)) {
    if (!subjects.has(credential.subject)) continue
    await eraser.erase(async () => {
      const left = await removedGuestAt(connection, credential.id, store)
      // Without it, nothing is left to erase.
      if (!left) return { credential: { ...credential, status: 'erased' }, revision: 0, now: clock.wall() }
      return { credential: left.credential, revision: 0, now: clock.wall(), left }
    }, context)
    erased += 1
  }
  return erased
}

/** Marks credentials of a kind whose refresh token may be spent. Gives their number. */
async function declareInDoubt(
  connection: string,
  kind: 'grant' | 'guest',
  { store, clock, random }: RestoredStorePorts,
  context: Context,
): Promise<number> {
  let count = 0
  for (let after: string | undefined; ; ) {
    const page = await store.list(connection, { kind, limit: PAGE, ...(after === undefined ? {} : { after }) })
    const doubtful = page.credentials.filter(mayBeSpent)
    const stamp = () => ({ id: random.uuid(), at: clock.wall() })
    const events: Event[] = doubtful
      .filter((one) => one.kind === 'grant')
      .map(({ subject, generation }) =>
        grantInDoubt(eventContext({ connection, subject }, context, random), { ...stamp(), generation }),
      )
    const writes = doubtful.map((credential) => ({
      credential: { ...credential, status: 'in_doubt' as const },
      expect: { generation: credential.generation },
    }))
    // After a conflict, the page is read again: no refresh token may stay undeclared.
    if (doubtful.length > 0 && (await store.commit({ connection, writes, events })) === 'conflict') continue
    count += doubtful.length
    if (page.next === undefined) return count
    after = page.next
  }
}

/** Whether a refresh token was usable at the time of the backup. */
const mayBeSpent = ({ status, tokens }: Credential): boolean => status === 'active' && tokens?.refresh !== undefined
