/** Sessions as many programs keep them: each token in memory, with a timer that fires when it is due. A process of its own. */
import { randomBytes } from 'node:crypto'

export interface TimersJob {
  readonly sessions: number
  /** In characters. */
  readonly tokenLength: number
}

export interface Armed {
  readonly rss: number
}

const MINUTE = 60_000

/** None fires while it is measured. */
function arm({ sessions, tokenLength }: TimersJob): Map<number, string> {
  const tokens = new Map<number, string>()
  for (let at = 0; at < sessions; at += 1) {
    tokens.set(at, randomBytes(tokenLength / 2).toString('hex'))
    setTimeout(() => tokens.delete(at), 10 * MINUTE + at * 2).unref()
  }
  return tokens
}

process.once('message', (job: TimersJob) => {
  const tokens = arm(job)
  process.send?.({ rss: process.memoryUsage.rss() } satisfies Armed)
  process.once('disconnect', () => process.exit(tokens.size === job.sessions ? 0 : 1))
})
