import type { Event, Store } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
import type { Credential, GuestCredential } from '@guestpass/core/store-kit'
import type { JournalEntry } from '@guestpass/sandbox'
import { openRunStore } from '../../crash-tests/run-store.ts'
import { storedEvents, storedGuests } from '../../crash-tests/stored-records.ts'
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
export const CONNECTION = 'default'

/** Opens the store of the instances beside them. */
export async function openStoreOf({ databaseUrl, encryptionKey }: Pick<Instances, 'databaseUrl' | 'encryptionKey'>) {
  const { close, ...ports } = nodePorts()
  const store = await openRunStore(databaseUrl, encryptionKey, ports)
  return {
    store,
    async close() {
      await store.close()
      await close()
    },
  }
}

/**
 * Reads journal, store and events, in this order: the store then has what the upstream did, as an intent or as tokens.
 */
export async function readEvidence(
  { upstream, receiver }: Pick<Instances, 'upstream' | 'receiver'>,
  store: Store,
  answers: Answers,
): Promise<Evidence> {
  const journal = upstream.journal()
  const grant = (await store.find(CONNECTION, 'grant')).credential
  const guests = await storedGuests(store, CONNECTION)
  return {
    answers,
    journal,
    guests,
    grants: grant ? [grant] : [],
    events: await storedEvents(store, CONNECTION),
    received: [...receiver.received],
  }
}
