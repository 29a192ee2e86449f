import { loadOnce } from '../ports/load-once.ts'
import type { Change, Store } from '../ports/store.ts'
import { afterLoading } from './after-loading.ts'
import { copyPartition, meetsExpectations, applyChange, type Partition } from './partition.ts'
import { type StoreSnapshot, serializeStore, parseStore } from './store-text.ts'
import { type PartitionOptions, createPartitionedStore } from './partitioned-store.ts'
import { checkOneConnection } from './argument-checks.ts'

/** Where a store is kept as one text. What rejects here rejects the call that needed it, as it is. */
export interface TextStorage extends Pick<PartitionOptions, 'clock'>, Partial<Omit<PartitionOptions, 'clock'>> {
  /** Names the text in messages, at the beginning of a sentence. */
  readonly place: string
  /** The text that was saved last; undefined before the first. */
  load(): Promise<string | undefined>
  /** Called for one text at a time. */
  save(text: string): Promise<void>
  /** Names a text that is new. */
  newId(): string
  /** Whether the text with this id is no copy of one that another owner uses now. Asked before anything of it is used. */
  isOwn?(id: string): Promise<boolean>
  /** See `Ledger.ensureRoom`. */
  ensureRoom?(): Promise<void>
  close?(): Promise<void>
}

/** Events kept of each connection in memory, for `report`. */
const KEEP_EVENTS = 1_000

interface Waiting {
  readonly change: Change
  resolve(outcome: 'done' | 'conflict'): void
  reject(thrown: unknown): void
}

/**
 * A store that is one text somewhere else. Every commit is saved before it resolves and before it can be read. Commits that come while a
 * save is under way are saved together by the next one. When a save fails, its commits reject and nothing of them is kept. Events, their
 * chain and the outbox are in memory, and so is what may be lost.
 */
export function createTextStore(home: TextStorage): Store {
  const { clock, route = () => [], keepEvents = KEEP_EVENTS } = home
  const partitions = new Map<string, Partition>()
  const { store, partitionOf, prepareEvents } = createPartitionedStore(partitions, { clock, route, keepEvents })
  const inTurn = oneAfterAnother()
  const waiting: Waiting[] = []
  let id = ''

  const fresh = (): StoreSnapshot => ({ id: home.newId(), contents: new Map() })

  /** A text without anything, in the place of a copy. */
  async function begunAnew(): Promise<StoreSnapshot> {
    const empty = fresh()
    await home.save(serializeStore(empty, clock.wall()))
    await home.isOwn?.(empty.id)
    return empty
  }

  const loaded = loadOnce(async () => {
    const text = await home.load()
    const found = text === undefined ? fresh() : parseStore(text, home.place)
    const isCopy = home.isOwn !== undefined && !(await home.isOwn(found.id))
    const saved = isCopy ? await begunAnew() : found
    for (const [name, contents] of saved.contents) partitions.set(name, { ...partitionOf(name), ...contents })
    id = saved.id
  })

  async function saveWaiting(): Promise<void> {
    const batch = waiting.splice(0)
    const trial = new Map<string, Partition>()
    try {
      const now = clock.wall()
      const outcomes = batch.map(({ change }) => tried(change, trial, now))
      if (batch.some(({ change }, at) => outcomes[at] === 'done' && isKept(change)))
        await home.save(serializeStore({ id, contents: new Map([...partitions, ...trial]) }, now))
      for (const [name, { credentials, documents, issued }] of trial)
        partitions.set(name, { ...partitionOf(name), credentials, documents, issued })
      for (const [at, { change, resolve }] of batch.entries()) {
        const outcome = outcomes[at] as 'done' | 'conflict'
        if (outcome === 'done') prepareEvents(partitionOf(change.connection), change.events)()
        resolve(outcome)
      }
      for (const name of trial.keys()) await partitionOf(name).events.prune()
    } catch (thrown) {
      for (const { reject } of batch) reject(thrown)
    }
  }

  function tried(change: Change, trial: Map<string, Partition>, now: number): 'done' | 'conflict' {
    const partition = trial.get(change.connection) ?? copyPartition(partitionOf(change.connection), now)
    trial.set(change.connection, partition)
    if (!meetsExpectations(partition, change, now)) return 'conflict'
    applyChange(partition, change, now)
    return 'done'
  }

  const ordered: typeof store = {
    ...store,
    // Never into contents that a save is about to replace.
    touch: (connection, id) => inTurn(() => store.touch(connection, id)),
    claimDue: (connection, ask) => inTurn(() => store.claimDue(connection, ask)),
    claimDueDocuments: (connection, ask) => inTurn(() => store.claimDueDocuments(connection, ask)),
  }

  const { fact, setFact, reservePermits, applyFeedback } = store
  const whole = afterLoading(loaded, ordered)
  return {
    ...whole,
    // Nothing of it is loaded.
    outbox: { ...whole.outbox, sinksFor: store.outbox.sinksFor },
    // In memory alone: a home that cannot be reached now takes nothing away from them.
    fact,
    setFact,
    reservePermits,
    applyFeedback,
    async commit(change) {
      checkOneConnection(change)
      await loaded()
      // Fails here where the route of an event fails.
      prepareEvents(partitionOf(change.connection), change.events)
      return new Promise((resolve, reject) => {
        waiting.push({ change, resolve, reject })
        void inTurn(saveWaiting)
      })
    },
    async ensureRoom() {
      await loaded()
      await home.ensureRoom?.()
    },
    async close() {
      await inTurn(async () => home.close?.())
    },
  }
}

/** Whether any of a change is in the text. */
const isKept = ({ writes = [], documents = [], issued = [], deny = [] }: Change): boolean =>
  writes.length + documents.length + issued.length + deny.length > 0

/** Runs work in the order in which it is given, each when the one before has ended. */
function oneAfterAnother(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const mine = last.then(work, work)
    last = mine
    return mine
  }
}
