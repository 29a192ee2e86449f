import type { ServerResponse } from 'node:http'

/** Calls back once, when an answer was sent or its client has gone. Fastify has no hook for both. */
export function onAnswerEnd(answer: ServerResponse, ended: () => void): void {
  if (answer.destroyed) return ended()
  const first = (): void => {
    answer.off('finish', first).off('close', first)
    ended()
  }
  answer.on('finish', first).on('close', first)
}
