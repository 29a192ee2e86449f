import type { Millis } from '../domain/time.ts'
import { GuestpassError } from '../domain/errors.ts'
import { stopwatch } from '../ports/clock.ts'
import { repeatUntilAborted, type Worker } from '../ports/worker.ts'
import type { DocumentKind } from './copy.ts'
import { hostOf, type MirrorOptions, mirrorTimes } from './options.ts'
import { joined, type Mirror, refresh } from './refresh.ts'

/** `run` keeps the document fresh; where it is not running, it is refreshed as it is used. */
export interface MirroredDocument<Value> extends Worker {
  /** The document now, synchronously when it is at hand. Rejects with the kind's code when there is none. */
  current(): Value | Promise<Value>
  /** Asks for a newer one, at most once per cool-down. Resolves to true when the value changed. */
  lookAgain(): Promise<boolean>
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
  const { clock, url } = options
  const mirror: Mirror<Content, Value> = {
    kind,
    options,
    times: mirrorTimes(options),
    host: typeof url === 'string' ? hostOf(url, kind.document) : undefined,
    copy: undefined,
    rest: undefined,
    flight: undefined,
  }
  return {
    current() {
      const { copy } = mirror
      return copy && copy.age() < copy.dueAt ? copy.value : whenDue(mirror)
    },
    lookAgain: looks(mirror),
    run: (signal, observer) =>
      repeatUntilAborted(
        async (pieces) => {
          if (untilDue(mirror) <= 0) await refresh(mirror, false, signal)
          if (signal.aborted) return 0
          if (mirror.rest) pieces.failed(unavailable(mirror))
          else pieces.succeeded()
          return untilDue(mirror)
        },
        { clock, signal, observer },
      ),
  }
}

const isResting = ({ rest }: Mirror<unknown, unknown>): boolean => rest !== undefined && rest.left() > 0

/** The value, where it may still be used. */
const usable = <C, V>({ copy, times }: Mirror<C, V>): V | undefined =>
  copy && copy.age() <= times.staleMs ? copy.value : undefined

function whenDue<C, V>(mirror: Mirror<C, V>): V | Promise<V> {
  if (!isResting(mirror)) void refresh(mirror, false)
  const { copy, rest, times } = mirror
  const value = usable(mirror)
  // A value past the interval is worth waiting for once; while tries fail, callers do not wait.
  if (copy && value !== undefined && (rest || copy.age() <= times.intervalMs)) return value
  return joined(mirror).then(() => settled(mirror))
}

function settled<C, V>(mirror: Mirror<C, V>): V {
  const value = usable(mirror)
  if (value === undefined) throw unavailable(mirror)
  return value
}

function unavailable({ kind, host, options, rest }: Mirror<unknown, unknown>): GuestpassError {
  const { fault } = rest ?? {}
  const why = fault?.message ?? 'the URL did not confirm it in time'
  const remedy = fault?.isAdvised === true ? '' : ` ${kind.remedy}.`
  const whose = host === undefined ? '' : ` of ${host}`
  return new GuestpassError(kind.code, `${kind.subject}${whose} cannot be had: ${why}.${remedy}`, {
    retryAt: options.clock.wall() + Math.max(rest?.left() ?? 0, 0),
    ...(fault?.upstream ? { upstream: fault.upstream } : {}),
    cause: fault,
  })
}

/** `lookAgain` of a mirror, with its cool-down. */
function looks<C, V>(mirror: Mirror<C, V>): () => Promise<boolean> {
  const { options, times } = mirror
  let sinceLook: (() => Millis) | undefined
  return async () => {
    const before = mirror.copy?.value
    const isOther = (): boolean => mirror.copy?.value !== before
    await joined(mirror)
    const isTold = isResting(mirror) && mirror.rest?.fault.toldMs !== undefined
    const isCool = sinceLook === undefined || sinceLook() >= times.cooldownMs
    if (!isOther() && !mirror.flight && isCool && !isTold) {
      sinceLook = stopwatch(options.clock)
      void refresh(mirror, true)
    }
    if (!isOther()) await joined(mirror)
    return isOther()
  }
}

const untilDue = ({ copy, rest }: Mirror<unknown, unknown>): Millis =>
  Math.max(rest?.left() ?? 0, copy ? copy.dueAt - copy.age() : 0)
