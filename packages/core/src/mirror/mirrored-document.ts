import type { Millis } from '../domain/time.ts'
import { asGuestpassError, GuestpassError } from '../errors.ts'
import { openCall } from '../policy/pipeline.ts'
import { timeBox } from '../policy/time-box.ts'
import { stopwatch } from '../ports/clock.ts'
import { type Copy, type DocumentKind, readFact } from './copy.ts'
import { type Answered, askFor } from './exchange.ts'
import { DocumentFault } from './fault.ts'
import { hostOf, type MirrorOptions, mirrorTimes } from './options.ts'
import { type Rest, restAfter } from './rest.ts'

export interface MirroredDocument<Value> {
  /** The document now, synchronously when it is at hand. Rejects with the kind's code when there is none. */
  current(): Value | Promise<Value>
  /** Asks for a newer one, at most once per cool-down. Resolves to true when the value changed. */
  lookAgain(): Promise<boolean>
  /** Keeps the document fresh until the signal aborts, then resolves. Where this is not running, it is refreshed as it is used. */
  run(signal: AbortSignal): Promise<void>
}

/**
 * The JSON document of a URL, mirrored: asked for again after at most `intervalMs` (a shorter `max-age` is obeyed, a longer one is
 * not), by ETag where there is one, by one request at a time. Callers never wait for a fetch except before the first one and after
 * an interval in which none was tried. When a fetch fails, or answers with nothing that can be used, the last value stays for
 * `staleMs`; then `current()` rejects. Tries that fail are repeated with growing, jittered pauses, however often it is asked
 * meanwhile; Retry-After is obeyed.
 */
export function mirroredDocument<Content, Value>(
  kind: DocumentKind<Content, Value>,
  options: MirrorOptions,
): MirroredDocument<Value> {
  const { http, clock, random, facts } = options
  const { document, accept } = kind
  const { intervalMs, cooldownMs, staleMs, timeoutMs } = mirrorTimes(options)
  let host = typeof options.url === 'string' ? hostOf(options.url, document) : undefined
  let copy: Copy<Content, Value> | undefined
  let rest: Rest | undefined
  let flight: Promise<void> | undefined
  let sinceLook: (() => Millis) | undefined

  const isResting = (): boolean => rest !== undefined && rest.left() > 0
  const isUsable = (): boolean => copy !== undefined && copy.age() <= staleMs

  /** Early enough to have the answer within the interval, which is a promise; so jitter makes it earlier only. */
  const latest = Math.max(intervalMs - timeoutMs, intervalMs / 2)
  const dueAt = (freshMs: Millis = latest): Millis =>
    Math.min(Math.max(freshMs, cooldownMs), latest) * (1 - random.float() / 5)

  const keep = async (content: Content, facets: Omit<Copy<Content, Value>, 'value' | 'content'>): Promise<void> => {
    copy = { value: await kind.make(content, copy), content, ...facets }
    rest = undefined
  }

  const inTime = async <T>(work: () => Promise<T>, late: string, signal?: AbortSignal): Promise<T> => {
    const call = openCall({ connection: '', operation: document, lane: 'keys', repeatable: true, signal })
    return timeBox(work, call, timeoutMs, () => new DocumentFault(late), clock)
  }

  /** The store may be slow or broken; a mirror can do without it. */
  const tryFacts = async <T>(work: () => Promise<T>): Promise<T | undefined> =>
    inTime(work, 'the store is slow').catch(() => undefined)

  const resolved = async (signal?: AbortSignal): Promise<string> => {
    const { url } = options
    if (typeof url === 'string') return url
    try {
      const found = await inTime(url, `its address was not had within ${timeoutMs} ms`, signal)
      host = hostOf(found, document)
      return found
    } catch (thrown) {
      if (thrown instanceof DocumentFault) throw thrown
      const { message, upstream } = asGuestpassError(thrown)
      throw new DocumentFault(`its address is not known: ${message.replace(/\.$/, '')}`, {
        ...(upstream ? { upstream } : {}),
        isAdvised: true,
        cause: thrown,
      })
    }
  }

  /** Adopts what another process saw later than this one. */
  const recall = async (url: string): Promise<void> => {
    const fact = facts && readFact(await tryFacts(() => facts.load()), url, kind)
    if (!fact) return
    // A moment that is still to come was written by a clock that is as wrong as it is early.
    const already = Math.abs(clock.wall() - fact.at)
    if (already >= (copy?.age() ?? Number.POSITIVE_INFINITY)) return
    const since = stopwatch(clock)
    await keep(fact.content, { url, etag: fact.etag, age: () => already + since(), dueAt: dueAt() }).catch(() => {})
  }

  const adopt = async (url: string, { bytes, etag, freshMs }: Answered, age: () => Millis): Promise<void> => {
    const content = bytes ? kind.read(bytes, url) : copy?.content
    if (content === undefined) throw new DocumentFault('it answered 304 to a request without an ETag')
    await keep(content, { url, etag, age, dueAt: dueAt(freshMs) })
    const at = clock.wall() - age()
    if (facts) await tryFacts(() => facts.save({ url, at, etag, ...kind.toFact(content) }))
  }

  const attempt = async (isLook: boolean, signal?: AbortSignal): Promise<void> => {
    try {
      const url = await resolved(signal)
      await recall(url)
      const known = copy?.url === url ? copy : undefined
      if (!isLook && known && known.age() < known.dueAt) return
      const age = stopwatch(clock)
      const request = { url, accept, operation: document, etag: known?.etag, timeoutMs }
      await adopt(url, await askFor(request, { http, clock }, signal), age)
    } catch (error) {
      const fault = error instanceof DocumentFault ? error : new DocumentFault('it could not be read', { cause: error })
      rest = restAfter(fault, rest, { longest: intervalMs, patience: staleMs / 2 }, { clock, random })
    }
  }

  /** Never rejects: what went wrong is in `rest`. */
  const refresh = (isLook: boolean, signal?: AbortSignal): Promise<void> => {
    flight ??= attempt(isLook, signal).finally(() => {
      flight = undefined
    })
    return flight
  }

  const unavailable = (): GuestpassError => {
    const { fault } = rest ?? {}
    const why = fault?.message ?? 'the URL did not confirm it in time'
    const remedy = fault?.isAdvised === true ? '' : ` ${kind.remedy}.`
    const whose = host === undefined ? '' : ` of ${host}`
    return new GuestpassError(kind.code, `${kind.subject}${whose} cannot be had: ${why}.${remedy}`, {
      retryAt: clock.wall() + Math.max(rest?.left() ?? 0, 0),
      ...(fault?.upstream ? { upstream: fault.upstream } : {}),
      cause: fault,
    })
  }

  const settled = (): Value => {
    if (copy && isUsable()) return copy.value
    throw unavailable()
  }

  const whenDue = (): Value | Promise<Value> => {
    if (!isResting()) void refresh(false)
    // A value past the interval is worth waiting for once; while tries fail, callers do not wait.
    if (copy && isUsable() && (rest || copy.age() <= intervalMs)) return copy.value
    return (flight ?? Promise.resolve()).then(settled)
  }

  const untilDue = (): Millis => Math.max(rest?.left() ?? 0, copy ? copy.dueAt - copy.age() : 0)

  /** Whole milliseconds: a clock may be too coarse for the rest, and would never get there. */
  const nap = (ms: Millis, signal: AbortSignal): Promise<void> =>
    clock.sleep(Math.ceil(ms), signal).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })

  return {
    current: () => (copy && copy.age() < copy.dueAt ? copy.value : whenDue()),

    async lookAgain() {
      const before = copy?.value
      const isOther = (): boolean => copy?.value !== before
      if (flight) await flight
      const isTold = isResting() && rest?.fault.toldMs !== undefined
      const isCool = sinceLook === undefined || sinceLook() >= cooldownMs
      if (!isOther() && !flight && isCool && !isTold) {
        sinceLook = stopwatch(clock)
        void refresh(true)
      }
      if (!isOther() && flight) await flight
      return isOther()
    },

    async run(signal) {
      while (!signal.aborted) {
        const wait = untilDue()
        if (wait <= 0) await refresh(false, signal)
        else await nap(wait, signal)
      }
    },
  }
}
