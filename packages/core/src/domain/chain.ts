import type { AuditRecord } from './audit-record.ts'
import type { Event } from './events/event.ts'
import { canonicalJson } from './json.ts'
import { lengthPrefixed } from './length-prefix.ts'

/** Formats of the text that is hashed. Version 2 contains the number of the chain, version 1 does not. */
export type LinkVersion = 1 | 2

/** The format of new links. */
export const LINK_VERSION: LinkVersion = 2

/** The place of an event in its chain, and the hash that links it to the event before. */
export interface LinkPlace {
  /** The number of its chain, from 0; always 0 until the chains of a connection can be split. */
  readonly chain: number
  /** Its place in the chain, from 1, without gaps. */
  readonly count: number
  /** SHA-256 over `linkText`, as 64 hexadecimal digits. */
  readonly hash: string
  /** The format of the text that was hashed. */
  readonly version: LinkVersion
}

/** An event as the audit chain holds it. */
export interface Link extends LinkPlace {
  readonly event: Event
}

/** The end of a chain: how many links it has, and the hash of the last one; 0 and '' for an empty chain. */
export type ChainHead = Pick<LinkPlace, 'chain' | 'count' | 'hash'>

/** The head of an empty chain. */
export const EMPTY_CHAIN: ChainHead = { chain: 0, count: 0, hash: '' }

/**
 * Gives the parts of the text of a link that do not depend on the links before it, so that a database can compute the
 * hash. Between `before` and `after` are the count of the link and the hash of the link before, each as its length, a
 * colon and itself.
 *
 * @param chain the number of the chain
 * @param version the format. Default `LINK_VERSION`
 */
export function linkParts(
  connection: string,
  chain: number,
  record: AuditRecord,
  version: LinkVersion = LINK_VERSION,
): { readonly before: string; readonly after: string } {
  const place = version === 1 ? [] : [String(chain)]
  return {
    before: lengthPrefixed([`guestpass audit ${version}`, connection, ...place]),
    after: lengthPrefixed([canonicalJson(record)]),
  }
}

/**
 * Gives the text whose SHA-256 is the hash of the next link. Every change, removal or move of a record changes
 * the hash. The text contains the version, so that links of two versions never have equal texts.
 *
 * @param before the end of the chain before the record; `EMPTY_CHAIN` for the first record
 * @param version the format. Default `LINK_VERSION`
 */
export function linkText(
  connection: string,
  before: ChainHead,
  record: AuditRecord,
  version: LinkVersion = LINK_VERSION,
): string {
  const parts = linkParts(connection, before.chain, record, version)
  return parts.before + lengthPrefixed([String(before.count + 1), before.hash]) + parts.after
}
