import type { Millis } from '../domain/time.ts'
import { GuestpassError } from '../domain/errors.ts'
import { stopwatch } from '../ports/clock.ts'
import { repeatUntilAborted, type Worker } from '../ports/worker.ts'
import type { DocumentFormat } from './document-format.ts'
import { hostOf, type MirrorOptions, mirrorTimes } from './options.ts'
import { joinRefresh, type Mirror, refresh } from './refresh.ts'

/**
 * A document that is mirrored from a URL. `run` keeps it fresh; without it, the document is refreshed as it
 * is used.
 */
interface MirroredDocument<Value> extends Worker {
  /** The value now, synchronously if it is fresh. Rejects with the code of the format if there is none. */
  current(): Value | Promise<Value>
  /** Asks for a newer one, at most once per cool-down. Resolves to true when the value changed. */
  refetch(): Promise<boolean>
}

/**
 * Mirrors the JSON document of a URL. It is fetched again after at most `intervalMs` (a shorter `max-age` is
 * obeyed, a longer one is not), with its ETag, by one request at a time. Callers wait for a fetch only before
 * the first one, and after an interval in which none was tried. If a fetch fails, or its answer cannot be
 * used, the last value is used for `staleMs`; then `current()` rejects. Failed fetches are repeated with
 * exponential, jittered back-off, however often callers ask meanwhile; Retry-After is obeyed.
 */
export function createMirroredDocument<Content, Value>(
  format: DocumentFormat<Content, Value>,
  options: MirrorOptions,
): MirroredDocument<Value> {
  const { clock, url } = options
  const mirror: Mirror<Content, Value> = {
    format,
    options,
    times: mirrorTimes(options),
    host: typeof url === 'string' ? hostOf(url, format.document) : undefined,
    copy: undefined,
    backOff: undefined,
    flight: undefined,
  }
  return {
    current() {
      const { copy } = mirror
      return copy && copy.age() < copy.dueAt ? copy.value : whenDue(mirror)
    },
    refetch: refetchAfterCoolDown(mirror),
    run: (signal, observer) =>
      repeatUntilAborted(
        async (progress) => {
          if (untilDue(mirror) <= 0) await refresh(mirror, false, signal)
          if (signal.aborted) return 0
          if (mirror.backOff) progress.failed(unavailableError(mirror))
          else progress.succeeded()
          return untilDue(mirror)
        },
        { clock, signal, observer },
      ),
  }
}

const isBackingOff = ({ backOff }: Mirror<unknown, unknown>): boolean => backOff !== undefined && backOff.leftMs() > 0

/** The value, if it may still be used. */
const usableValue = <C, V>({ copy, times }: Mirror<C, V>): V | undefined =>
  copy && copy.age() <= times.staleMs ? copy.value : undefined

function whenDue<C, V>(mirror: Mirror<C, V>): V | Promise<V> {
  if (!isBackingOff(mirror)) void refresh(mirror, false)
  const { copy, backOff, times } = mirror
  const value = usableValue(mirror)
  // After the interval one fetch is worth waiting for. While fetches fail, callers do not wait.
  if (copy && value !== undefined && (backOff || copy.age() <= times.intervalMs)) return value
  return joinRefresh(mirror).then(() => valueOrError(mirror))
}

function valueOrError<C, V>(mirror: Mirror<C, V>): V {
  const value = usableValue(mirror)
  if (value === undefined) throw unavailableError(mirror)
  return value
}

function unavailableError({ format, host, options, backOff }: Mirror<unknown, unknown>): GuestpassError {
  const { fault } = backOff ?? {}
  const why = fault?.message ?? 'the URL did not confirm it in time'
  const remedy = fault?.hasRemedy === true ? '' : ` ${format.remedy}.`
  const whose = host === undefined ? '' : ` of ${host}`
  return new GuestpassError(format.code, `${format.subject}${whose} cannot be had: ${why}.${remedy}`, {
    retryAt: options.clock.wall() + Math.max(backOff?.leftMs() ?? 0, 0),
    ...(fault?.upstream ? { upstream: fault.upstream } : {}),
    cause: fault,
  })
}

/** `refetch` of a mirror, with its cool-down. */
function refetchAfterCoolDown<C, V>(mirror: Mirror<C, V>): () => Promise<boolean> {
  const { options, times } = mirror
  let sinceFetch: (() => Millis) | undefined
  return async () => {
    const before = mirror.copy?.value
    const isOther = (): boolean => mirror.copy?.value !== before
    await joinRefresh(mirror)
    const mustWait = isBackingOff(mirror) && mirror.backOff?.fault.retryAfterMs !== undefined
    const isCool = sinceFetch === undefined || sinceFetch() >= times.cooldownMs
    if (!isOther() && !mirror.flight && isCool && !mustWait) {
      sinceFetch = stopwatch(options.clock)
      void refresh(mirror, true)
    }
    if (!isOther()) await joinRefresh(mirror)
    return isOther()
  }
}

const untilDue = ({ copy, backOff }: Mirror<unknown, unknown>): Millis =>
  Math.max(backOff?.leftMs() ?? 0, copy ? copy.dueAt - copy.age() : 0)
