import type { Answer } from '../endpoint.ts'

/** The status of an Idempotency-Key: new, used by another request, its request is running, or its answer. */
type KeyStatus =
  | { readonly is: 'new' }
  | { readonly is: 'other' }
  | { readonly is: 'running' }
  | { readonly is: 'done'; readonly answer: Answer }

export interface IdempotencyKeys {
  status(key: string, fingerprint: string): KeyStatus
  /** Runs the work and keeps its answer. After a failure the key is new again. */
  run(key: string, fingerprint: string, work: () => Promise<Answer>): Promise<Answer>
}

/** How long an answer is kept: 24 hours, in milliseconds. */
const KEEP_MS = 24 * 60 * 60_000

interface Entry {
  readonly fingerprint: string
  readonly until: number
  answer?: Answer
}

export function createIdempotencyKeys(now: () => number): IdempotencyKeys {
  const entries = new Map<string, Entry>()
  return {
    status: (key, fingerprint) => {
      const entry = entries.get(key)
      if (entry === undefined || now() >= entry.until) return { is: 'new' }
      if (entry.fingerprint !== fingerprint) return { is: 'other' }
      return entry.answer === undefined ? { is: 'running' } : { is: 'done', answer: entry.answer }
    },
    run: async (key, fingerprint, work) => {
      forgetOld(entries, now())
      const entry: Entry = { fingerprint, until: now() + KEEP_MS }
      entries.delete(key)
      entries.set(key, entry)
      try {
        entry.answer = await work()
        return entry.answer
      } catch (error) {
        entries.delete(key)
        throw error
      }
    },
  }
}

/** Removes expired entries. All are kept equally long, so that the oldest come first. */
function forgetOld(entries: Map<string, Entry>, now: number): void {
  for (const [key, { until }] of entries) {
    if (now < until) return
    entries.delete(key)
  }
}
