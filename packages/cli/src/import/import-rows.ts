import {
  type Clock,
  type Context,
  type Field,
  GuestpassError,
  type GuestRequest,
  type Guests,
  type Random,
} from '@guestpass/core'
import { type RegisteredApi, registeredApis, stopwatch, withSpread } from '@guestpass/core/runtime-kit'
import { asGuestpassError, HOUR, type Millis, SECOND } from '@guestpass/core/store-kit'
import type { FailureFile } from './failure-file.ts'
import type { Journal } from './journal.ts'
import type { Row } from './row.ts'
import { type RowDefaults, rowRequest } from './row-request.ts'
import { fieldOf, mayRepeatGuest } from '../request-options.ts'

interface ImportParts {
  readonly guests: Pick<Guests, 'issue'>
  readonly format: 'csv' | 'ndjson'
  readonly defaults: RowDefaults
  readonly journal: Journal
  readonly failures: FailureFile
  readonly clock: Clock
  readonly random: Random
  /** Who asks, and how long one request waits. */
  readonly context: Context
  /**
   * How long a row is asked for again in all, when upstream or the store could not serve it; default: by a
   * number of rounds.
   */
  readonly patienceMs?: Millis | undefined
  /** Where the audit log ends now. */
  readonly position: () => Promise<number>
  /** Called when a row is over, however. */
  readonly onRow: () => void
  readonly signal: AbortSignal
}

export interface ImportOutcome {
  total: number
  done: number
  skipped: number
  failed: number
  /** The last failure that was not the row's own fault, else the last one. */
  worst?: GuestpassError
}

/**
 * Rows under way at once: enough to keep upstream's pace, few enough to wait within one request's deadline.
 */
const MAX_CONCURRENT_ROWS = 32
/**
 * After how many rows the journal notes where the audit log ends, so that a resumed import reads little of
 * it.
 */
const MARK_EVERY = 256
/** How often a row is asked for again when upstream or the store could not serve it. */
const MAX_ATTEMPTS = 10

/**
 * Issues a guest for each row, at the pace of the connection's own limit; memory does not grow with the file.
 */
export async function importRows(rows: AsyncIterable<Row>, parts: ImportParts): Promise<ImportOutcome> {
  const { journal, failures, signal } = parts
  const outcome: ImportOutcome = { total: 0, done: 0, skipped: 0, failed: 0 }
  const working = new Set<Promise<void>>()

  async function one(row: Row): Promise<void> {
    const error = await issueRow(row, parts)
    if (error && signal.aborted) return
    // A journal that cannot be written ends the import: that is no fault of the row.
    if (error) {
      outcome.failed += 1
      if (error.code !== 'invalid_input' || !outcome.worst) outcome.worst = error
      failures.add(row, error)
      journal.failed(row.line, error.code)
    } else {
      journal.done(row.line)
      outcome.done += 1
    }
    parts.onRow()
  }

  for await (const row of rows) {
    if (signal.aborted) break
    if (outcome.total % MARK_EVERY === 0) journal.position(await parts.position())
    outcome.total += 1
    if (journal.isDone(row.line)) {
      outcome.skipped += 1
      parts.onRow()
      continue
    }
    const work = one(row).finally(() => working.delete(work))
    working.add(work)
    if (working.size >= MAX_CONCURRENT_ROWS) await Promise.race(working)
  }
  await Promise.all(working)
  return outcome
}

/** Issues the guest of a row; why that failed, or undefined. */
async function issueRow(row: Row, parts: ImportParts): Promise<GuestpassError | undefined> {
  const { journal, guests, random, context, format, defaults } = parts
  const fault = row.fault ?? unresolvedFault(row)
  if (fault) return new GuestpassError('invalid_input', `${fault.message}.`, { fields: [fault] })
  const request = rowRequest(row, format, defaults)
  const api = apiOf(defaults)
  // Named before it is asked for, so that a row that was cut off is not made twice.
  if (api && fieldOf(api, 'guestId')) request['guestId'] ??= journal.started(row.line)?.guestId ?? random.uuid()
  const { guestId } = request
  const correlationId = random.uuid()
  journal.begin(row.line, { request: correlationId, ...(typeof guestId === 'string' ? { guestId } : {}) })
  try {
    await withRetries(parts, () => guests.issue(request as unknown as GuestRequest, { ...context, correlationId }))
    return undefined
  } catch (thrown) {
    return asGuestpassError(thrown)
  }
}

const apiOf = ({ api }: RowDefaults): RegisteredApi | undefined => registeredApis.find(({ name }) => name === api)

/** A row of a file of failures that was not corrected yet. */
const unresolvedFault = ({ values }: Row): Field | undefined =>
  typeof values['_row'] === 'string' && values['_row'] !== ''
    ? {
        field: 'row',
        message: 'its fields could not be read, and stand in _row as they were',
        remedy: 'Write them into the columns they belong to, and empty _row.',
      }
    : undefined

/** Repeats a request after a transient error: at the time that the error names, or a little later. */
async function withRetries<T>(
  { clock, random, signal, patienceMs, defaults }: ImportParts,
  work: () => Promise<T>,
): Promise<T> {
  const elapsed = stopwatch(clock)
  for (let round = 1; ; round += 1) {
    try {
      return await work()
    } catch (thrown) {
      const error = asGuestpassError(thrown)
      const untilRetryMs = error.retryAt === undefined ? 0 : error.retryAt - clock.wall()
      const wait = withSpread(Math.max(untilRetryMs, SECOND * round), random.float())
      // A row that would wait for hours is a failed one, which says when to come back.
      const isOver =
        patienceMs === undefined ? round === MAX_ATTEMPTS || untilRetryMs > HOUR : elapsed() + wait > patienceMs
      // There another try would make another guest, or say the same again.
      const isSettled = error.code === 'create_in_doubt' && mayRepeatGuest(apiOf(defaults))
      if (!error.retryable || isSettled || isOver || signal.aborted) throw error
      await clock.sleep(wait, signal)
    }
  }
}
