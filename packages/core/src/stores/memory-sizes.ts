import type { Credential } from '../domain/credential.ts'
import type { Event } from '../domain/events/event.ts'
import type { Instant } from '../domain/time.ts'
import type { EndedGuest, KindSize, StoredKind, StoreSizes } from '../ports/store.ts'
import type { MemoryOutbox } from './memory-outbox.ts'
import type { Partition } from './partition.ts'

const kindOfCredential: Readonly<Record<Credential['kind'], StoredKind>> = {
  access: 'access-tokens',
  grant: 'sign-ins',
  guest: 'guests',
}

/** Counts what a partition holds, and the events of its connection in the outbox. */
export function sizesOf(
  { credentials, documents, issued, events }: Partition,
  queued: ReturnType<MemoryOutbox['queued']>,
  now: Instant,
): StoreSizes {
  const rowsOfKind = Map.groupBy(credentials.rows(), ({ credential }) => kindOfCredential[credential.kind])
  const kinds: readonly KindSize[] = [
    ...[...rowsOfKind].map(([kind, rows]) => ({ kind, rows: rows.length })),
    sizeOfEnded(credentials.ended({ before: now, limit: credentials.size })),
    ...documents.counts().map(([kind, rows]) => ({ kind: `documents/${kind}` as const, rows })),
    { kind: 'issued-tokens', rows: issued.rows(now).length },
    sizeOfEvents('events', events.kept()),
    sizeOfEvents('waiting-events', queued.waiting),
    sizeOfEvents('dead-letters', queued.deadLetters),
  ]
  return { kinds: kinds.filter(({ rows }) => rows > 0).toSorted((a, b) => (a.kind < b.kind ? -1 : 1)) }
}

function sizeOfEnded(guests: readonly EndedGuest[]): KindSize {
  const [first] = guests
  return { kind: 'ended-guests', rows: guests.length, ...(first ? { oldestAt: first.endedAt } : {}) }
}

function sizeOfEvents(kind: StoredKind, events: readonly Event[]): KindSize {
  const [first] = events
  return { kind, rows: events.length, ...(first ? { oldestAt: first.at } : {}) }
}
