import { loadOnce } from '../ports/load-once.ts'
import type { Change, Store } from '../ports/store.ts'
import { afterLoading } from './after-loading.ts'
import { checkOneConnection } from '../ports/argument-checks.ts'
import { applyChange, copyPartition, meetsExpectations, type Partition } from './partition.ts'
import { createPartitionedStore, type PartitionedStore, type PartitionOptions } from './partitioned-store.ts'
import { parseStore, serializeStore, type StoreSnapshot } from './store-text.ts'

/**
 * Where a store is kept as one text. If a function rejects, the call of the store rejects with the same
 * error.
 */
interface TextStorage extends Pick<PartitionOptions, 'clock'>, Partial<Omit<PartitionOptions, 'clock'>> {
  /** Names the text in error messages, at the beginning of a sentence. */
  readonly place: string
  /** Reads the text that was saved last; undefined before the first. */
  load(): Promise<string | undefined>
  /** Saves a text. Never called while an earlier save runs. */
  save(text: string): Promise<void>
  /** Makes an id for a new text. */
  newId(): string
  /**
   * False if the text with this id is a copy of one that another owner uses. Called before the text is used.
   */
  isOwn?(id: string): Promise<boolean>
  /** See `Ledger.ensureRoom`. */
  ensureRoom?(): Promise<void>
  close?(): Promise<void>
}

/** How many events to keep in memory for each connection, for `report`. */
const KEEP_EVENTS = 1_000

interface PendingCommit {
  readonly change: Change
  resolve(outcome: 'done' | 'conflict'): void
  reject(thrown: unknown): void
}

interface State extends PartitionedStore {
  readonly storage: TextStorage
  readonly partitions: Map<string, Partition>
  readonly loaded: () => Promise<void>
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>
  /** Commits that the next save writes. */
  readonly pending: PendingCommit[]
  /** The id of the text; empty until it is loaded. */
  id: string
}

/**
 * A store that keeps credentials, documents and issued tokens in one text. A commit resolves, and can be
 * read, after it is saved. Commits that arrive during a save are saved together by the next one. If a save
 * fails, its commits reject and change nothing. Events, their chain, the outbox, leases and facts are in
 * memory.
 */
export function createTextStore(storage: TextStorage): Store {
  const { clock, route = () => [], keepEvents = KEEP_EVENTS } = storage
  const partitions = new Map<string, Partition>()
  const state: State = {
    ...createPartitionedStore(partitions, { clock, route, keepEvents }),
    storage,
    partitions,
    loaded: loadOnce(() => load(state)),
    inTurn: oneAfterAnother(),
    pending: [],
    id: '',
  }
  return {
    ...partitionCalls(state),
    commit: (change) => commit(state, change),
    async ensureRoom() {
      await state.loaded()
      await storage.ensureRoom?.()
    },
    close: () => state.inTurn(async () => storage.close?.()),
  }
}

async function load(state: State): Promise<void> {
  const { storage, partitions, partitionOf } = state
  const text = await storage.load()
  const found = text === undefined ? emptySnapshot(storage) : parseStore(text, storage.place)
  const isCopy = storage.isOwn !== undefined && !(await storage.isOwn(found.id))
  const saved = isCopy ? await replaceCopy(storage) : found
  for (const [name, contents] of saved.contents) partitions.set(name, { ...partitionOf(name), ...contents })
  state.id = saved.id
}

const emptySnapshot = (storage: TextStorage): StoreSnapshot => ({ id: storage.newId(), contents: new Map() })

/** Saves an empty text over a copy. */
async function replaceCopy(storage: TextStorage): Promise<StoreSnapshot> {
  const empty = emptySnapshot(storage)
  await storage.save(serializeStore(empty, storage.clock.wall()))
  await storage.isOwn?.(empty.id)
  return empty
}

function partitionCalls({ store, loaded, inTurn }: State): PartitionedStore['store'] {
  const { fact, setFact, reservePermits, rateLimitState, applyFeedback } = store
  const afterLoad = afterLoading(loaded, {
    ...store,
    // A save replaces the contents, so these writes wait for a running save.
    touch: (connection, id) => inTurn(() => store.touch(connection, id)),
    claimDue: (connection, request) => inTurn(() => store.claimDue(connection, request)),
    claimDueDocuments: (connection, request) => inTurn(() => store.claimDueDocuments(connection, request)),
  } satisfies PartitionedStore['store'])
  return {
    ...afterLoad,
    // These are in memory only, so they work even if the text cannot be loaded.
    outbox: { ...afterLoad.outbox, sinksFor: store.outbox.sinksFor },
    fact,
    setFact,
    reservePermits,
    rateLimitState,
    applyFeedback,
  }
}

async function commit(state: State, change: Change): Promise<'done' | 'conflict'> {
  checkOneConnection(change)
  await state.loaded()
  // If the route of an event throws, the commit rejects before anything is saved.
  state.prepareEvents(state.partitionOf(change.connection), change.events)
  return new Promise((resolve, reject) => {
    state.pending.push({ change, resolve, reject })
    void state.inTurn(() => savePending(state))
  })
}

async function savePending(state: State): Promise<void> {
  const { storage, partitions, partitionOf, prepareEvents } = state
  const batch = state.pending.splice(0)
  const trial = new Map<string, Partition>()
  try {
    const now = storage.clock.wall()
    const outcomes = batch.map(({ change }) => applyTo(trial, change, partitionOf, now))
    if (batch.some(({ change }, at) => outcomes[at] === 'done' && isSaved(change)))
      await storage.save(serializeStore({ id: state.id, contents: new Map([...partitions, ...trial]) }, now))
    for (const [name, { credentials, documents, issued }] of trial)
      partitions.set(name, { ...partitionOf(name), credentials, documents, issued })
    for (const [at, { change, resolve }] of batch.entries()) {
      const outcome = outcomes[at] as 'done' | 'conflict'
      if (outcome === 'done') prepareEvents(partitionOf(change.connection), change.events)()
      resolve(outcome)
    }
    for (const name of trial.keys()) await partitionOf(name).events.trim()
  } catch (thrown) {
    for (const { reject } of batch) reject(thrown)
  }
}

/** Applies a change to a copy of its partition, so that a failed save leaves the partition as it was. */
function applyTo(
  trial: Map<string, Partition>,
  change: Change,
  partitionOf: State['partitionOf'],
  now: number,
): 'done' | 'conflict' {
  const partition = trial.get(change.connection) ?? copyPartition(partitionOf(change.connection), now)
  trial.set(change.connection, partition)
  if (!meetsExpectations(partition, change, now)) return 'conflict'
  applyChange(partition, change, now)
  return 'done'
}

/** Whether the text holds any part of a change. */
const isSaved = ({ writes = [], removals = [], documents = [], issued = [], deny = [] }: Change): boolean =>
  writes.length + removals.length + documents.length + issued.length + deny.length > 0

/** Runs work in the order of the calls, each after the one before has ended. */
function oneAfterAnother(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const mine = last.then(work, work)
    last = mine
    return mine
  }
}
