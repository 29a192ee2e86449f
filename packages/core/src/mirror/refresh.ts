import type { Millis } from '../domain/time.ts'
import { asGuestpassError } from '../domain/errors.ts'
import { openCall } from '../policy/pipeline.ts'
import { withTimeLimit } from '../policy/time-limit.ts'
import { stopwatch } from '../ports/clock.ts'
import { type Copy, type DocumentFormat, readStoredCopy } from './document-format.ts'
import { type FetchedDocument, fetchDocument } from './fetch-document.ts'
import { DocumentFault } from './document-fault.ts'
import { hostOf, type MirrorOptions, type MirrorTimes } from './options.ts'
import { mirrorBackOff, type MirrorBackOff } from './back-off.ts'

/** The state of one mirrored document. */
export interface Mirror<Content, Value> {
  readonly format: DocumentFormat<Content, Value>
  readonly options: MirrorOptions
  readonly times: MirrorTimes
  /** Where the document is, for messages; undefined until it is known. */
  host: string | undefined
  copy: Copy<Content, Value> | undefined
  /** Set while fetches fail. */
  backOff: MirrorBackOff | undefined
  /** The refresh that is under way. */
  flight: Flight | undefined
}

/** A refresh that is under way. */
interface Flight {
  readonly ended: Promise<void>
  /** Whether a caller waits for it: then no signal ends it. */
  isAwaited: boolean
}

/**
 * Refreshes the document, once for all callers that ask meanwhile. Never rejects: the failure is in
 * `backOff`.
 *
 * @param isForced whether a document that is not due is fetched too
 * @param signal ends the refresh, unless a caller waits for it
 */
export function refresh<C, V>(mirror: Mirror<C, V>, isForced: boolean, signal?: AbortSignal): Promise<void> {
  mirror.flight ??= startRefresh(mirror, isForced, signal)
  return mirror.flight.ended
}

/** Waits for the refresh that is under way, if there is one. From then on no signal ends it. */
export function joinRefresh({ flight }: Mirror<unknown, unknown>): Promise<void> {
  if (!flight) return Promise.resolve()
  flight.isAwaited = true
  return flight.ended
}

function startRefresh<C, V>(mirror: Mirror<C, V>, isForced: boolean, signal: AbortSignal | undefined): Flight {
  const ending = new AbortController()
  const leave = (): void => {
    if (mirror.flight === flight) mirror.flight = undefined
  }
  const stop = (): void => {
    if (flight.isAwaited) return
    // The next caller starts another one.
    leave()
    ending.abort(signal?.reason)
  }
  const ended = attempt(mirror, isForced, ending.signal).finally(() => {
    signal?.removeEventListener('abort', stop)
    leave()
  })
  const flight: Flight = { ended, isAwaited: false }
  signal?.addEventListener('abort', stop)
  return flight
}

async function attempt<C, V>(mirror: Mirror<C, V>, isForced: boolean, signal: AbortSignal): Promise<void> {
  const { format, options, times } = mirror
  const { http, clock, random } = options
  try {
    const url = await resolveUrl(mirror, signal)
    await loadStoredCopy(mirror, url)
    const known = mirror.copy?.url === url ? mirror.copy : undefined
    if (!isForced && known && known.age() < known.dueAt) return
    const age = stopwatch(clock)
    const { accept, document: operation } = format
    const request = { url, accept, operation, etag: known?.etag, timeoutMs: times.timeoutMs }
    await acceptDocument(mirror, url, await fetchDocument(request, { http, clock }, signal), age)
  } catch (error) {
    if (signal.aborted) return
    const fault = error instanceof DocumentFault ? error : new DocumentFault('it could not be read', { cause: error })
    const bounds = { maxMs: times.intervalMs, patienceMs: times.staleMs / 2 }
    mirror.backOff = mirrorBackOff(fault, mirror.backOff, bounds, { clock, random })
  }
}

/** The parts of a mirror that bound its work. */
interface Timed {
  readonly format: { readonly document: string }
  readonly options: Pick<MirrorOptions, 'clock'>
  readonly times: Pick<MirrorTimes, 'timeoutMs'>
}

function withinLimit<T>(
  { format, options, times }: Timed,
  work: () => Promise<T>,
  late: string,
  signal?: AbortSignal,
): Promise<T> {
  const call = openCall({ connection: '', operation: format.document, rateLimitKey: 'keys', repeatable: true, signal })
  return withTimeLimit(work, call, times.timeoutMs, () => new DocumentFault(late), options.clock)
}

/** Asks the store, which may be slow or fail: a mirror can do without it. */
const tryStore = <T>(mirror: Timed, work: () => Promise<T>): Promise<T | undefined> =>
  withinLimit(mirror, work, 'the store is slow').catch(() => undefined)

async function resolveUrl<C, V>(mirror: Mirror<C, V>, signal?: AbortSignal): Promise<string> {
  const { url } = mirror.options
  if (typeof url === 'string') return url
  try {
    const late = `its address was not had within ${mirror.times.timeoutMs} ms`
    const found = await withinLimit(mirror, url, late, signal)
    mirror.host = hostOf(found, mirror.format.document)
    return found
  } catch (thrown) {
    if (thrown instanceof DocumentFault) throw thrown
    const { message, upstream } = asGuestpassError(thrown)
    throw new DocumentFault(`it is not known where they are: ${message.replace(/\.$/, '')}`, {
      ...(upstream ? { upstream } : {}),
      hasRemedy: true,
      cause: thrown,
    })
  }
}

/** Takes the copy that another process fetched, if it is newer. */
async function loadStoredCopy<C, V>(mirror: Mirror<C, V>, url: string): Promise<void> {
  const { facts, clock } = mirror.options
  const fact = facts && readStoredCopy(await tryStore(mirror, () => facts.load()), url, mirror.format)
  if (!fact) return
  // A time in the future was written by a clock that was ahead. The copy counts as that old.
  const already = Math.abs(clock.wall() - fact.at)
  if (already >= (mirror.copy?.age() ?? Number.POSITIVE_INFINITY)) return
  const since = stopwatch(clock)
  const facets = { url, etag: fact.etag, age: () => already + since(), dueAt: dueAt(mirror) }
  await setCopy(mirror, fact.content, facets).catch(() => {})
}

async function acceptDocument<C, V>(
  mirror: Mirror<C, V>,
  url: string,
  { bytes, etag, freshMs }: FetchedDocument,
  age: () => Millis,
): Promise<void> {
  const { format, options } = mirror
  const content = bytes ? format.read(bytes, url) : mirror.copy?.content
  if (content === undefined) throw new DocumentFault('it answered 304 to a request without an ETag')
  await setCopy(mirror, content, { url, etag, age, dueAt: dueAt(mirror, freshMs) })
  const { facts, clock } = options
  const at = clock.wall() - age()
  if (facts) await tryStore(mirror, () => facts.save({ url, at, etag, ...format.toFact(content) }))
}

async function setCopy<C, V>(
  mirror: Mirror<C, V>,
  content: C,
  facets: Omit<Copy<C, V>, 'value' | 'content'>,
): Promise<void> {
  mirror.copy = { value: await mirror.format.make(content, mirror.copy), content, ...facets }
  mirror.backOff = undefined
}

/**
 * The age at which the document is due: early enough to have the answer within the interval. Jitter makes it
 * earlier only.
 */
function dueAt<C, V>({ options, times }: Mirror<C, V>, freshMs?: Millis): Millis {
  const { intervalMs, cooldownMs, timeoutMs } = times
  const latest = Math.max(intervalMs - timeoutMs, intervalMs / 2)
  return Math.min(Math.max(freshMs ?? latest, cooldownMs), latest) * (1 - options.random.float() / 5)
}
