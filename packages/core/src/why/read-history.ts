import { DAY, HOUR, type Instant, type Millis, MINUTE } from '../domain/time.ts'
import { END } from '../ports/chain-links.ts'
import type { AuditTrail, Link } from '../ports/store.ts'
import { type History, historyOf, isRelated, type PlacedRecord, placedRecord, tokenEnd } from './history.ts'

type Chain = Pick<AuditTrail, 'chain'>

/** The most records of one read. */
const PAGE = 200
/** The most reads. If they do not decide, the explanation rests on what was read. */
const MOST_READS = 10
/** Processes that share a store may commit in another order than their clocks say. */
const MOST_SKEW: Millis = MINUTE
/** A request and its repeats end within this time. */
const LONGEST_REQUEST: Millis = HOUR
/** A refresh is repeated for this time. */
const LONGEST_REFRESH: Millis = DAY

/** Whose records are read, and for what. */
interface HistoryQuestion {
  readonly connection: string
  readonly subject: string
  /** Only the records up to this time. */
  readonly at: Instant
  /** How long a use keeps a guest renewed. Infinity: the latest use is known otherwise. */
  readonly keepForMs: Millis
}

/**
 * Reads the records of a subject from a time backwards, by the index of subjects, until they say what happened last,
 * and why: a guest may have thousands of records.
 */
export async function readHistory(store: Chain, question: HistoryQuestion): Promise<History> {
  const { connection, subject, at } = question
  let records: readonly PlacedRecord[] = []
  let hasLater = false
  for (let [before, reads] = [END, 1]; ; reads += 1) {
    const { links, next } = await store.chain(connection, { before, limit: PAGE, subject })
    const page = links.filter(isOfGuest).map(placedRecord)
    const wanted = page.filter((one) => one.at <= at)
    hasLater ||= wanted.length < page.length
    records = [...wanted.toReversed(), ...records]
    const history = historyOf(records, hasLater)
    if (next === undefined || reads === MOST_READS || isDecided(history, question)) return history
    before = reads === 1 && hasLater && records.length === 0 ? await placeOf(store, connection, at, next) : next
  }
}

/** Deliveries of the guest's events say nothing about it. */
const isOfGuest = ({ event }: Link): boolean => !event.type.startsWith('WEBHOOK_')

/** Whether earlier records can change nothing: all that the explanation rests on were read. */
function isDecided(history: History, { at, keepForMs }: HistoryQuestion): boolean {
  const { decisive, token, records, used } = history
  const [oldest] = records
  if (!decisive || !token || !oldest) return false
  const related = records.filter((one) => isRelated(one, decisive))
  const hasStart = related.some(({ record }) => record.outcome === 'pending')
  const isRepeat = decisive.record.idempotencyKey !== null && !hasStart
  const first = related[0]?.at ?? decisive.at
  if (oldest.at >= Math.min(first, token.at) - (isRepeat ? LONGEST_REFRESH : LONGEST_REQUEST)) return false
  const end = tokenEnd(history) ?? Number.POSITIVE_INFINITY
  // Without a use in this time the guest counts as unused.
  return used !== undefined || end > at || oldest.at < end - keepForMs
}

/** Finds where the links of a time end, between the first link and the later one at `last`, by halving. */
async function placeOf(store: Chain, connection: string, at: Instant, last: number): Promise<number> {
  let [low, high] = [1, last]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const [link] = (await store.chain(connection, { after: middle - 1, limit: 1 })).links
    if (!link || link.event.at > at + MOST_SKEW) high = middle
    else low = link.count + 1
  }
  return low
}
