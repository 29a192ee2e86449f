import type { Bucket } from '../domain/bucket.ts'
import type { Instant } from '../domain/time.ts'
import type { Change } from '../ports/store.ts'
import type { Lease } from './lease.ts'
import { type Credentials, credentials } from './memory-credentials.ts'
import { type Documents, memoryDocuments } from './memory-documents.ts'
import { type Events, memoryEvents } from './memory-events.ts'
import { type IssuedTokens, issuedTokens } from './memory-issued.ts'

/** What a commit writes, beside events. */
export interface Contents {
  readonly credentials: Credentials
  readonly documents: Documents
  readonly issued: IssuedTokens
}

/** All that one connection has: nothing is ever looked up across two of these. */
export interface Partition extends Contents {
  readonly leases: Map<string, Lease>
  readonly buckets: Map<string, Bucket>
  readonly facts: Map<string, string>
  readonly events: Events
}

export const emptyPartition = (connection: string, keepEvents: number): Partition => ({
  credentials: credentials(),
  documents: memoryDocuments(),
  issued: issuedTokens(),
  leases: new Map(),
  buckets: new Map(),
  facts: new Map(),
  events: memoryEvents(connection, keepEvents),
})

/** Whether everything is as the change expects it. */
export const expected = (
  { credentials, documents }: Contents,
  { writes = [], documents: others = [] }: Change,
  now: Instant,
): boolean => writes.every((write) => credentials.holds(write)) && others.every((write) => documents.holds(write, now))

/** Writes all of a change but its events. Nothing in it can fail. */
export function put(contents: Contents, change: Change, now: Instant): void {
  for (const { credential } of change.writes ?? []) contents.credentials.put(credential, now)
  for (const write of change.documents ?? []) contents.documents.put(write, now)
  for (const id of change.deny ?? []) contents.issued.deny(id)
  contents.issued.remember(change.issued ?? [], now)
}

/** The same partition with contents of its own, which a change may be tried on. */
export const copyOf = (partition: Partition, now: Instant): Partition => ({
  ...partition,
  credentials: credentials(partition.credentials.rows()),
  documents: memoryDocuments(partition.documents.saved(now)),
  issued: issuedTokens(partition.issued.rows(now)),
})
