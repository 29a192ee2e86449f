import type { AuditRecord } from './audit-record.ts'
import type { Event } from './event.ts'
import { canonicalJson } from './json.ts'
import { lengthPrefixed } from './key.ts'

/** An event as the audit chain holds it. */
export interface Link {
  /** Its place in the chain of its connection, from 1, without gaps. */
  readonly count: number
  readonly event: Event
  /** SHA-256 over `linkText`, as 64 hexadecimal digits. */
  readonly hash: string
}

/** Where a chain ends: how many links it has, and the hash of the last one; 0 and '' when it has none. */
export interface ChainHead {
  readonly count: number
  readonly hash: string
}

export const NO_LINKS: ChainHead = { count: 0, hash: '' }

/** The text whose SHA-256 links a record to the one before it: whatever of it is changed, moved or left out, the hash differs. */
export const linkText = (connection: string, before: ChainHead, record: AuditRecord): string =>
  lengthPrefixed(['guestpass audit 1', connection, String(before.count + 1), before.hash, canonicalJson(record)])
