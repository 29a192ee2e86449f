import type { Bucket } from '../domain/bucket.ts'
import type { Instant } from '../domain/time.ts'
import type { Change } from '../ports/store.ts'
import type { Lease } from './lease.ts'
import { type MemoryCredentials, createMemoryCredentials } from './memory-credentials.ts'
import { type MemoryDocuments, createMemoryDocuments } from './memory-documents.ts'
import { type MemoryEvents, createMemoryEvents } from './memory-events.ts'
import { type MemoryIssuedTokens, createMemoryIssuedTokens } from './memory-issued-tokens.ts'

/** What a commit writes, except events. */
export interface SavedContents {
  readonly credentials: MemoryCredentials
  readonly documents: MemoryDocuments
  readonly issued: MemoryIssuedTokens
}

/** All data of one connection. No query reads two partitions. */
export interface Partition extends SavedContents {
  readonly leases: Map<string, Lease>
  readonly buckets: Map<string, Bucket>
  readonly facts: Map<string, string>
  readonly events: MemoryEvents
}

export const createPartition = (connection: string, keepEvents: number): Partition => ({
  credentials: createMemoryCredentials(),
  documents: createMemoryDocuments(),
  issued: createMemoryIssuedTokens(),
  leases: new Map(),
  buckets: new Map(),
  facts: new Map(),
  events: createMemoryEvents(connection, keepEvents),
})

/** Whether all expectations of a change are met. */
export const meetsExpectations = (
  { credentials, documents }: SavedContents,
  { writes = [], removals = [], documents: others = [] }: Change,
  now: Instant,
): boolean =>
  writes.every(({ credential: { id }, expect }) => credentials.meets(id, expect)) &&
  removals.every(({ id, expect }) => credentials.meets(id, expect)) &&
  others.every((write) => documents.meets(write, now))

/** Writes a change except its events. Cannot fail. */
export function applyChange(contents: SavedContents, change: Change, now: Instant): void {
  for (const { credential } of change.writes ?? []) contents.credentials.put(credential, now)
  for (const { id } of change.removals ?? []) contents.credentials.remove(id)
  for (const write of change.documents ?? []) contents.documents.put(write, now)
  for (const id of change.deny ?? []) contents.issued.deny(id)
  contents.issued.remember(change.issued ?? [], now)
}

/** A copy with its own contents and shared leases, buckets, facts and events. */
export const copyPartition = (partition: Partition, now: Instant): Partition => ({
  ...partition,
  credentials: createMemoryCredentials(partition.credentials.rows()),
  documents: createMemoryDocuments(partition.documents.snapshot(now)),
  issued: createMemoryIssuedTokens(partition.issued.rows(now)),
})
