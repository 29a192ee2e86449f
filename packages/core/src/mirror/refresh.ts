import type { Millis } from '../domain/time.ts'
import { asGuestpassError } from '../domain/errors.ts'
import { openCall } from '../policy/pipeline.ts'
import { withTimeLimit } from '../policy/time-limit.ts'
import { stopwatch } from '../ports/clock.ts'
import { type Copy, type DocumentKind, readFact } from './copy.ts'
import { type Answered, askFor } from './exchange.ts'
import { DocumentFault } from './fault.ts'
import { hostOf, type MirrorOptions, type MirrorTimes } from './options.ts'
import { type Rest, restAfter } from './rest.ts'

/** One mirrored document: what it is made of, and what is known of it. */
export interface Mirror<Content, Value> {
  readonly kind: DocumentKind<Content, Value>
  readonly options: MirrorOptions
  readonly times: MirrorTimes
  /** Where the document is, for messages; undefined until it is known. */
  host: string | undefined
  copy: Copy<Content, Value> | undefined
  /** Set while tries fail. */
  rest: Rest | undefined
  /** The refresh that is under way. */
  flight: Flight | undefined
}

/** A refresh that is under way. */
interface Flight {
  readonly ended: Promise<void>
  /** A caller waits for it: then no signal ends it. */
  isAwaited: boolean
}

/**
 * Refreshes the document, one time for all who ask meanwhile. Never rejects: what went wrong is in `rest`. `signal`: ends the refresh
 * where no caller waits for it, and leaves nothing of it.
 */
export function refresh<C, V>(mirror: Mirror<C, V>, isLook: boolean, signal?: AbortSignal): Promise<void> {
  mirror.flight ??= begun(mirror, isLook, signal)
  return mirror.flight.ended
}

/** Waits for the refresh that is under way, if there is one, which then comes to its end. */
export function joined({ flight }: Mirror<unknown, unknown>): Promise<void> {
  if (!flight) return Promise.resolve()
  flight.isAwaited = true
  return flight.ended
}

function begun<C, V>(mirror: Mirror<C, V>, isLook: boolean, signal: AbortSignal | undefined): Flight {
  const ending = new AbortController()
  const leave = (): void => {
    if (mirror.flight === flight) mirror.flight = undefined
  }
  const stop = (): void => {
    if (flight.isAwaited) return
    // Who comes now begins another one.
    leave()
    ending.abort(signal?.reason)
  }
  const ended = attempt(mirror, isLook, ending.signal).finally(() => {
    signal?.removeEventListener('abort', stop)
    leave()
  })
  const flight: Flight = { ended, isAwaited: false }
  signal?.addEventListener('abort', stop)
  return flight
}

async function attempt<C, V>(mirror: Mirror<C, V>, isLook: boolean, signal: AbortSignal): Promise<void> {
  const { kind, options, times } = mirror
  const { http, clock, random } = options
  try {
    const url = await resolved(mirror, signal)
    await recall(mirror, url)
    const known = mirror.copy?.url === url ? mirror.copy : undefined
    if (!isLook && known && known.age() < known.dueAt) return
    const age = stopwatch(clock)
    const { accept, document: operation } = kind
    const request = { url, accept, operation, etag: known?.etag, timeoutMs: times.timeoutMs }
    await adopt(mirror, url, await askFor(request, { http, clock }, signal), age)
  } catch (error) {
    if (signal.aborted) return
    const fault = error instanceof DocumentFault ? error : new DocumentFault('it could not be read', { cause: error })
    const bounds = { longest: times.intervalMs, patience: times.staleMs / 2 }
    mirror.rest = restAfter(fault, mirror.rest, bounds, { clock, random })
  }
}

/** What is needed to end work that takes too long. */
interface Timed {
  readonly kind: { readonly document: string }
  readonly options: Pick<MirrorOptions, 'clock'>
  readonly times: Pick<MirrorTimes, 'timeoutMs'>
}

function inTime<T>(
  { kind, options, times }: Timed,
  work: () => Promise<T>,
  late: string,
  signal?: AbortSignal,
): Promise<T> {
  const call = openCall({ connection: '', operation: kind.document, rateLimitKey: 'keys', repeatable: true, signal })
  return withTimeLimit(work, call, times.timeoutMs, () => new DocumentFault(late), options.clock)
}

/** The store may be slow or broken; a mirror can do without it. */
const tryFacts = <T>(mirror: Timed, work: () => Promise<T>): Promise<T | undefined> =>
  inTime(mirror, work, 'the store is slow').catch(() => undefined)

async function resolved<C, V>(mirror: Mirror<C, V>, signal?: AbortSignal): Promise<string> {
  const { url } = mirror.options
  if (typeof url === 'string') return url
  try {
    const late = `its address was not had within ${mirror.times.timeoutMs} ms`
    const found = await inTime(mirror, url, late, signal)
    mirror.host = hostOf(found, mirror.kind.document)
    return found
  } catch (thrown) {
    if (thrown instanceof DocumentFault) throw thrown
    const { message, upstream } = asGuestpassError(thrown)
    throw new DocumentFault(`it is not known where they are: ${message.replace(/\.$/, '')}`, {
      ...(upstream ? { upstream } : {}),
      isAdvised: true,
      cause: thrown,
    })
  }
}

/** Adopts what another process saw later than this one. */
async function recall<C, V>(mirror: Mirror<C, V>, url: string): Promise<void> {
  const { facts, clock } = mirror.options
  const fact = facts && readFact(await tryFacts(mirror, () => facts.load()), url, mirror.kind)
  if (!fact) return
  // A moment that is still to come was written by a clock that is as wrong as it is early.
  const already = Math.abs(clock.wall() - fact.at)
  if (already >= (mirror.copy?.age() ?? Number.POSITIVE_INFINITY)) return
  const since = stopwatch(clock)
  const facets = { url, etag: fact.etag, age: () => already + since(), dueAt: dueAt(mirror) }
  await keep(mirror, fact.content, facets).catch(() => {})
}

async function adopt<C, V>(
  mirror: Mirror<C, V>,
  url: string,
  { bytes, etag, freshMs }: Answered,
  age: () => Millis,
): Promise<void> {
  const { kind, options } = mirror
  const content = bytes ? kind.read(bytes, url) : mirror.copy?.content
  if (content === undefined) throw new DocumentFault('it answered 304 to a request without an ETag')
  await keep(mirror, content, { url, etag, age, dueAt: dueAt(mirror, freshMs) })
  const { facts, clock } = options
  const at = clock.wall() - age()
  if (facts) await tryFacts(mirror, () => facts.save({ url, at, etag, ...kind.toFact(content) }))
}

async function keep<C, V>(
  mirror: Mirror<C, V>,
  content: C,
  facets: Omit<Copy<C, V>, 'value' | 'content'>,
): Promise<void> {
  mirror.copy = { value: await mirror.kind.make(content, mirror.copy), content, ...facets }
  mirror.rest = undefined
}

/** Early enough to have the answer within the interval, which is a promise; so jitter makes it earlier only. */
function dueAt<C, V>({ options, times }: Mirror<C, V>, freshMs?: Millis): Millis {
  const { intervalMs, cooldownMs, timeoutMs } = times
  const latest = Math.max(intervalMs - timeoutMs, intervalMs / 2)
  return Math.min(Math.max(freshMs ?? latest, cooldownMs), latest) * (1 - options.random.float() / 5)
}
