import type { Millis } from '../../src/domain/time.ts'
import { type HttpAnswer, HttpFault, type HttpRequest } from '../../src/ports/http.ts'
import type { FakeClock } from '../../src/testing/index.ts'
import { json } from './fake-upstream.ts'

/** Answers a request. `work()` lets it take effect; an answer that throws is lost. */
export type ScriptedAnswer = (
  work: () => HttpAnswer,
  request: HttpRequest,
  signal: AbortSignal,
) => HttpAnswer | Promise<HttpAnswer>

/** The connection is reset, before or after the request took effect. */
export const dropped =
  (when: 'before' | 'after'): ScriptedAnswer =>
  async (work) => {
    if (when === 'after') work()
    throw new HttpFault('lost', 'socket hang up')
  }

/** It takes effect at once, and its answer comes this much later. */
export const slow =
  (clock: FakeClock, ms: Millis): ScriptedAnswer =>
  async (work) => {
    const answer = work()
    await clock.sleep(ms)
    return answer
  }

/** This answer is given instead; nothing takes effect. */
export const instead =
  (status: number, body: unknown = {}, headers: Readonly<Record<string, string>> = {}): ScriptedAnswer =>
  () =>
    json(status, body, headers)

/** An answer, unless the caller stops waiting first. */
export function unlessAborted<T>(signal: AbortSignal, answer: T | Promise<T>): Promise<T> {
  const gone = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
  return Promise.race([answer, gone])
}
