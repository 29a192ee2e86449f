import type { ServerResponse } from 'node:http'
import { onAnswerEnd } from '../http/answer-end.ts'

/** The requests of a connection that are being answered. */
export interface OpenRequests {
  /** Counts a request until its answer was sent, or its client has gone. */
  add(answer: ServerResponse): void
  /** Resolves when none is being answered. */
  none(): Promise<void>
}

export function createOpenRequests(): OpenRequests {
  let count = 0
  const waiting = new Set<() => void>()
  const ended = (): void => {
    count -= 1
    if (count > 0) return
    for (const resolve of waiting) resolve()
    waiting.clear()
  }
  return {
    add(answer) {
      count += 1
      onAnswerEnd(answer, ended)
    },
    none: () => (count === 0 ? Promise.resolve() : new Promise((resolve) => waiting.add(resolve))),
  }
}
