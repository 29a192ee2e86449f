import type { Event } from '../domain/events/event.ts'
import { connectionName } from '../domain/connection-name.ts'
import { asGuestpassError } from '../domain/errors.ts'
import { checkOptions, instant, required, object } from '../domain/options.ts'
import type { Instant } from '../domain/time.ts'
import { chainLinks } from '../ports/chain-links.ts'
import * as schemas from '../ports/schemas.ts'
import type { Store } from '../ports/store.ts'
import { type Report, reportOf } from './report-document.ts'
import { allTotals, type HourTotals, hourOf, hoursFrom, type RollUpParts } from './roll-up-store.ts'
import { updateRollUps } from './roll-ups.ts'
import { addTotals, NO_TOTALS, type Totals, totalsOf } from './totals.ts'

export type { JobReport, Report, SignInReport } from './report-document.ts'

const PAGE = 1_000

/** Options of `report`. */
export interface ReportOptions {
  /** Only events at this time or later: milliseconds since the epoch. Default: all events. */
  readonly since?: Instant | undefined
}

const optionsSchema = object<ReportOptions>({ since: instant })

/**
 * Makes a report of a connection from its hourly roll-ups, after it has added the events that are new. Events
 * that retention removed stay in a report without `since`.
 *
 * `connection`: the name of the connection. `options.since`: only events at this time or later, in milliseconds
 * since 1970; default: all.
 *
 * @throws `config_invalid` for wrong options
 */
export async function report(store: Store, connection: string, options: ReportOptions = {}): Promise<Report> {
  checkOptions(
    'report',
    ['store', store, schemas.store('commit', 'document', 'documents', 'chain', 'chainHead', 'events')],
    ['connection', connection, required(connectionName)],
    ['options', options, optionsSchema],
  )
  const { since = Number.NEGATIVE_INFINITY } = options
  const parts: RollUpParts = { connection, store }
  const totals = (await isUpdated(parts))
    ? await totalsSince(parts, since)
    : await totalsOfEvents(eventsOf(store, connection), since)
  return reportOf(connection, totals)
}

/** Updates the roll-ups. False if the store has none. */
async function isUpdated(parts: RollUpParts): Promise<boolean> {
  try {
    await updateRollUps(parts)
    return true
  } catch (thrown) {
    const { code } = asGuestpassError(thrown)
    // A store for sign-ins alone, as `tokenStorage`, has neither documents nor a chain.
    if (code === 'config_invalid') return false
    // The store cannot be written, as on a full disk. The events that are not in the roll-ups are read.
    if (code === 'store_unavailable' || code === 'store_busy') return true
    throw thrown
  }
}

/** The totals of all events at a moment or later. */
async function totalsSince(parts: RollUpParts, since: Instant): Promise<Totals> {
  for (;;) {
    const { totals, revision } = await allTotals(parts)
    const isWhole = since <= (totals.since ?? since)
    const rolledUp = isWhole ? totals : await sumOfHours(parts, since)
    // If another process has added events while the hours were read, they are read again.
    if (!isWhole && (await allTotals(parts)).revision !== revision) continue
    const rest = await totalsOfEvents(eventsAfter(parts, totals.last), since)
    return addTotals(rolledUp, rest)
  }
}

async function sumOfHours(parts: RollUpParts, since: Instant): Promise<Totals> {
  const first = hourOf(since)
  let sum: Totals = NO_TOTALS
  for await (const { hour, totals } of hoursFrom(parts, first)) {
    const isCut = hour === first && since !== first
    sum = addTotals(sum, isCut ? await totalsOfEvents(eventsOfHour(parts, hour, totals), since) : totals)
  }
  return sum
}

async function totalsOfEvents(events: AsyncIterable<Event>, since: Instant): Promise<Totals> {
  let sum: Totals = NO_TOTALS
  for await (const event of events) if (event.at >= since) sum = addTotals(sum, totalsOf(event))
  return sum
}

async function* eventsAfter({ connection, store }: RollUpParts, after: number): AsyncGenerator<Event> {
  for await (const { event } of chainLinks(store, connection, { after })) yield event
}

async function* eventsOfHour(
  { connection, store }: RollUpParts,
  hour: Instant,
  { first, last }: HourTotals,
): AsyncGenerator<Event> {
  for await (const { count, event } of chainLinks(store, connection, { after: first - 1 })) {
    if (count > last) return
    if (hourOf(event.at) === hour) yield event
  }
}

/** The events of a connection, in the order of their commits. Throws `config_invalid` for wrong arguments. */
export async function* eventsOf(store: Store, connection: string): AsyncGenerator<Event> {
  checkOptions(
    'eventsOf',
    ['store', store, schemas.store('events')],
    ['connection', connection, required(connectionName)],
  )
  for (let after: number | undefined; ; ) {
    const page = await store.events(connection, { limit: PAGE, ...(after === undefined ? {} : { after }) })
    yield* page.events
    if (page.next === undefined) return
    after = page.next
  }
}
