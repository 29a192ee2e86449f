import type { GuestpassError } from '../errors.ts'
import type { Json } from '../json.ts'

/**
 * How one failed try ended: the HTTP status of its answer; `lost`: the answer did not come, and the upstream may have
 * acted; `not_sent`: the request did not reach the upstream; `unreadable`: the answer had no meaning.
 */
export type FailedTry = number | 'lost' | 'not_sent' | 'unreadable'

/**
 * Data of a request that did not succeed at its first try; absent otherwise, and in records of earlier versions.
 * `tries`: how many there were. `failedTries`: those that failed, in their order, the latest 10.
 */
export type TriesData = { readonly tries?: number; readonly failedTries?: readonly FailedTry[] }

const MOST_SHOWN = 10

/** Collects the failed tries of one request. */
export interface TryLog {
  /** A hook of the request, which is passed on. A failure without an end is one of another request. */
  readonly onFailedTry: (failure: GuestpassError, end?: FailedTry) => void
  /** Gives the data for the event of the request, after it succeeded. */
  readonly data: () => TriesData
}

export function createTryLog(next?: TryLog['onFailedTry']): TryLog {
  const failed: FailedTry[] = []
  return {
    onFailedTry(failure, end) {
      if (end !== undefined) failed.push(end)
      next?.(failure, end)
    },
    data: () => (failed.length === 0 ? {} : { tries: failed.length + 1, failedTries: failed.slice(-MOST_SHOWN) }),
  }
}

const ENDS: Readonly<Record<string, string>> = {
  lost: 'answer lost',
  not_sent: 'not sent',
  unreadable: 'unreadable answer',
}

/**
 * Says how many tries a request took, and how those failed that came before the success, as
 * `3 tries (HTTP 503, answer lost)`. Undefined if the data of its record names none.
 *
 * @param data the data of an audit record
 */
export function triesText(data: Readonly<Record<string, Json>>): string | undefined {
  const { tries, failedTries } = data
  if (typeof tries !== 'number' || !Array.isArray(failedTries)) return undefined
  const ends = failedTries.map(endText)
  return `${tries} tries (${tries - 1 > ends.length ? '…, ' : ''}${ends.join(', ')})`
}

function endText(end: Json): string {
  if (typeof end === 'number') return `HTTP ${end}`
  return (typeof end === 'string' ? ENDS[end] : undefined) ?? 'failed'
}
