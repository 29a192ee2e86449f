import type { Event, Store } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
import { eventsOf } from '@guestpass/core/runtime-kit'
import { type Credential, type GuestCredential, guestsIn } from '@guestpass/core/store-kit'
import type { JournalEntry } from '@guestpass/sandbox'
import { localKeyRing, postgresStore } from '@guestpass/store/postgres'
import { sqliteStore } from '@guestpass/store/sqlite'
import type { ReceivedWebhook } from '../receiver.ts'
import type { Instances } from '../start-instances.ts'
import type { Answers } from '../traffic/answers.ts'

/** What a run is judged by. */
export interface Evidence {
  readonly answers: Answers
  /** The requests that the upstream received. */
  readonly journal: readonly JournalEntry[]
  readonly guests: readonly GuestCredential[]
  readonly grants: readonly Credential[]
  readonly events: readonly Event[]
  readonly received: readonly ReceivedWebhook[]
}

/** The connection that the instances serve. */
const CONNECTION = 'default'

/** Opens the store of the instances beside them. */
export async function openStoreOf({ databaseUrl, encryptionKey }: Pick<Instances, 'databaseUrl' | 'encryptionKey'>) {
  const { close, ...ports } = nodePorts()
  const keyRing = localKeyRing(encryptionKey, ports)
  const store = databaseUrl.startsWith('postgres')
    ? await postgresStore({ url: databaseUrl, keyRing, poolSize: 2, ...ports })
    : await sqliteStore({ path: databaseUrl, keyRing, ...ports })
  return {
    store,
    async close() {
      await store.close()
      await close()
    },
  }
}

/** Reads journal, store and events, in this order: the store then has what the upstream did, as an intent or as tokens. */
export async function readEvidence(
  { upstream, receiver }: Pick<Instances, 'upstream' | 'receiver'>,
  store: Store,
  answers: Answers,
): Promise<Evidence> {
  const journal = upstream.journal()
  const grant = (await store.find(CONNECTION, 'grant')).credential
  const guests = await guestsOf(store)
  return {
    answers,
    journal,
    guests,
    grants: grant ? [grant] : [],
    events: await storedEvents(store),
    received: [...receiver.received],
  }
}

/** All events of the audit chain. */
export async function storedEvents(store: Store): Promise<readonly Event[]> {
  const all: Event[] = []
  for await (const event of eventsOf(store, CONNECTION)) all.push(event)
  return all
}

async function guestsOf(store: Store): Promise<readonly GuestCredential[]> {
  const all: GuestCredential[] = []
  for (let after: string | undefined; ; ) {
    const page = await store.list(CONNECTION, {
      kind: 'guest',
      limit: 1_000,
      ...(after === undefined ? {} : { after }),
    })
    all.push(...guestsIn(page))
    after = page.next
    if (after === undefined) return all
  }
}
