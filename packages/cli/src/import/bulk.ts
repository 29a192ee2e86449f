import {
  asGuestpassError,
  type Clock,
  type GuestpassError,
  type GuestRequest,
  type Guests,
  type Random,
  SECOND,
  GuestpassError as Refusal,
} from '@guestpass/core'
import type { Failures } from './failures.ts'
import type { Journal } from './journal.ts'
import type { Row } from './row.ts'
import { type Defaults, rowRequest } from './row-request.ts'

export interface BulkParts {
  readonly guests: Pick<Guests, 'issue' | 'show'>
  readonly format: 'csv' | 'ndjson'
  readonly defaults: Defaults
  readonly journal: Journal
  readonly failures: Failures
  readonly clock: Clock
  readonly random: Random
  /** Called when a row is over, however. */
  readonly onRow: () => void
  readonly signal: AbortSignal
}

export interface BulkOutcome {
  total: number
  done: number
  skipped: number
  failed: number
  /** The last failure that was not the row's own fault, else the last one. */
  worst?: GuestpassError
}

/** Rows under way at once: enough to keep upstream's pace, few enough to wait within one request's deadline. */
const WIDTH = 32
/** How often a row is asked for again when upstream or the store could not serve it. */
const ROUNDS = 10

/** Issues a guest for each row, at the pace of the connection's own limit; memory does not grow with the file. */
export async function bulk(rows: AsyncIterable<Row>, parts: BulkParts): Promise<BulkOutcome> {
  const { journal, failures, signal } = parts
  const outcome: BulkOutcome = { total: 0, done: 0, skipped: 0, failed: 0 }
  const working = new Set<Promise<void>>()

  async function one(row: Row): Promise<void> {
    try {
      await issued(row, parts)
      journal.done(row.line)
      outcome.done += 1
    } catch (thrown) {
      if (signal.aborted) return
      const error = asGuestpassError(thrown)
      outcome.failed += 1
      if (error.code !== 'invalid_input' || !outcome.worst) outcome.worst = error
      failures.add(row, error)
    }
    parts.onRow()
  }

  for await (const row of rows) {
    if (signal.aborted) break
    outcome.total += 1
    if (journal.isDone(row.line)) {
      outcome.skipped += 1
      parts.onRow()
      continue
    }
    const work = one(row).finally(() => working.delete(work))
    working.add(work)
    if (working.size >= WIDTH) await Promise.race(working)
  }
  await Promise.all(working)
  return outcome
}

async function issued(row: Row, parts: BulkParts): Promise<void> {
  if (row.fault) throw new Refusal('invalid_input', `${row.fault.message}.`, { fields: [row.fault] })
  const { journal, guests, random, signal } = parts
  const request = rowRequest(row, parts.format, parts.defaults)
  const before = journal.begun(row.line)
  if (request['api'] === 'guest-tokens') {
    // Named before it is asked for, so that a row that was cut off is not made twice.
    request['guestId'] ??= typeof before === 'string' ? before : random.uuid()
    if (before !== undefined && (await isThere(guests, request['guestId']))) return
  }
  const { guestId } = request
  journal.begin(row.line, typeof guestId === 'string' ? guestId : undefined)
  await patiently(parts, () => guests.issue(request as unknown as GuestRequest, { actor: 'cli', signal })).catch(
    (thrown: unknown) => {
      // The row was begun before and cut off: what exists is its own.
      if (before === undefined || asGuestpassError(thrown).code !== 'session_exists') throw thrown
    },
  )
}

async function isThere(guests: BulkParts['guests'], guestId: unknown): Promise<boolean> {
  const view = await guests.show(String(guestId)).catch(() => undefined)
  return view !== undefined && view.generation > 0
}

/** Asks again after what may pass by itself, when it was told to or a little later. */
async function patiently<T>({ clock, random, signal }: BulkParts, work: () => Promise<T>): Promise<T> {
  for (let round = 1; ; round += 1) {
    try {
      return await work()
    } catch (thrown) {
      const error = asGuestpassError(thrown)
      if (!error.retryable || round === ROUNDS || signal.aborted) throw error
      const told = error.retryAt === undefined ? 0 : error.retryAt - clock.wall()
      await clock.sleep(Math.max(told, SECOND * round) * (1 + 0.1 * random.float()), signal)
    }
  }
}
