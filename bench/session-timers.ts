/** Sessions as many programs keep them: each token in memory, with a timer that fires when it is due. A process of its own. */
import { randomBytes } from 'node:crypto'
import { TOKEN_LENGTH } from './live-sessions.ts'

export interface TimersJob {
  readonly sessions: number
}

export interface Armed {
  readonly rss: number
}

const MINUTE = 60_000

/** None fires while it is measured. */
function arm(sessions: number): Map<number, string> {
  const tokens = new Map<number, string>()
  for (let at = 0; at < sessions; at += 1) {
    tokens.set(at, randomBytes(TOKEN_LENGTH / 2).toString('hex'))
    setTimeout(() => tokens.delete(at), 10 * MINUTE + at * 2).unref()
  }
  return tokens
}

process.once('message', ({ sessions }: TimersJob) => {
  const tokens = arm(sessions)
  process.send?.({ rss: process.memoryUsage.rss() } satisfies Armed)
  process.once('disconnect', () => process.exit(tokens.size === sessions ? 0 : 1))
})
