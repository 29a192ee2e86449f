import type { Millis } from '../domain/time.ts'
import { GuestpassError } from '../errors.ts'
import { openCall } from '../policy/pipeline.ts'
import { timeBox } from '../policy/time-box.ts'
import { stopwatch } from '../ports/clock.ts'
import { type Answered, askForKeys, JwksFault } from './jwks-exchange.ts'
import type { Jwk, KeySet, KeySource } from './keys.ts'
import { type Copy, keySetOf, readFact, usableOf } from './mirror-copy.ts'
import { hostOf, type MirrorOptions, mirrorTimes } from './mirror-options.ts'
import { type Rest, restAfter } from './rest.ts'

export interface MirroredKeys extends KeySource {
  /** Keeps the keys fresh until the signal aborts, then resolves. Where nobody runs it, keys are refreshed as they are used. */
  run(signal: AbortSignal): Promise<void>
}

/**
 * The key-set of a URL, mirrored: asked for again after at most `intervalMs` (a shorter `max-age` is obeyed, a longer one is
 * not), by ETag where there is one, by one request at a time. Tokens never wait for a fetch except before the first one and after
 * an interval in which none was tried. When a fetch fails, or answers with no usable key, the last keys stay for `staleMs`; then
 * `keys()` rejects with `keys_unavailable`. Tries that fail are repeated with growing, jittered pauses, whatever is asked
 * meanwhile; Retry-After is obeyed.
 */
export function mirroredKeys(options: MirrorOptions): MirroredKeys {
  const { url, http, clock, random, maker, facts } = options
  const host = hostOf(url)
  const { intervalMs, cooldownMs, staleMs, timeoutMs } = mirrorTimes(options)
  let copy: Copy | undefined
  let rest: Rest | undefined
  let flight: Promise<void> | undefined
  let sinceLook: (() => Millis) | undefined

  const isResting = (): boolean => rest !== undefined && rest.left() > 0
  const isUsable = (): boolean => copy !== undefined && copy.age() <= staleMs

  /** Early enough to have the answer within the interval, which is a promise; so jitter makes it earlier only. */
  const latest = Math.max(intervalMs - timeoutMs, intervalMs / 2)
  const dueAt = (freshMs: Millis = latest): Millis =>
    Math.min(Math.max(freshMs, cooldownMs), latest) * (1 - random.float() / 5)

  const keep = async (jwks: readonly Jwk[], facets: Omit<Copy, 'set' | 'jwks'>): Promise<void> => {
    const usable = usableOf(jwks)
    const set = await keySetOf(usable, copy, maker)
    if (!set) throw new JwksFault('none of its keys can be used to check signatures', { upstream: { status: 200 } })
    copy = { set, jwks: usable, ...facets }
    rest = undefined
  }

  /** The store may be slow or broken; keys can do without it. */
  const tryFacts = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    const call = openCall({ connection: '', operation: 'key-set', lane: 'keys', repeatable: true })
    return timeBox(work, call, timeoutMs, () => new JwksFault('the store is slow'), clock).catch(() => undefined)
  }

  /** Adopts what another process saw later than this one. */
  const recall = async (): Promise<void> => {
    const fact = facts && readFact(await tryFacts(() => facts.load()), url)
    if (!fact) return
    // A moment that is still to come was written by a clock that is as wrong as it is early.
    const already = Math.abs(clock.wall() - fact.at)
    if (already >= (copy?.age() ?? Number.POSITIVE_INFINITY)) return
    const since = stopwatch(clock)
    await keep(fact.keys, { etag: fact.etag, age: () => already + since(), dueAt: dueAt() }).catch(() => {})
  }

  const adopt = async ({ jwks, etag, freshMs }: Answered, age: () => Millis): Promise<void> => {
    await keep(jwks ?? copy?.jwks ?? [], { etag, age, dueAt: dueAt(freshMs) })
    const at = clock.wall() - age()
    if (facts) await tryFacts(() => facts.save({ url, at, etag, keys: copy?.jwks ?? [] }))
  }

  const attempt = async (isLook: boolean, signal?: AbortSignal): Promise<void> => {
    try {
      await recall()
      if (!isLook && copy && copy.age() < copy.dueAt) return
      const age = stopwatch(clock)
      await adopt(await askForKeys({ url, etag: copy?.etag, timeoutMs }, { http, clock }, signal), age)
    } catch (error) {
      const fault = error instanceof JwksFault ? error : new JwksFault('its keys could not be read', { cause: error })
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
    const why = fault?.message ?? 'they were not confirmed in time'
    const remedy = 'Check that the URL of the key-set is right and can be reached from here'
    return new GuestpassError('keys_unavailable', `The signing keys of ${host} cannot be had: ${why}. ${remedy}.`, {
      retryAt: clock.wall() + Math.max(rest?.left() ?? 0, 0),
      ...(fault?.upstream ? { upstream: fault.upstream } : {}),
      cause: fault,
    })
  }

  const settled = (): KeySet => {
    if (copy && isUsable()) return copy.set
    throw unavailable()
  }

  const whenDue = (): KeySet | Promise<KeySet> => {
    if (!isResting()) void refresh(false)
    // Keys past the interval are worth waiting for once; while tries fail, nobody waits.
    if (copy && isUsable() && (rest || copy.age() <= intervalMs)) return copy.set
    return (flight ?? Promise.resolve()).then(settled)
  }

  const untilDue = (): Millis => Math.max(rest?.left() ?? 0, copy ? copy.dueAt - copy.age() : 0)

  /** Whole milliseconds: a clock may be too coarse for the rest, and would never get there. */
  const nap = (ms: Millis, signal: AbortSignal): Promise<void> =>
    clock.sleep(Math.ceil(ms), signal).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })

  return {
    keys: () => (copy && copy.age() < copy.dueAt ? copy.set : whenDue()),

    async lookAgain() {
      const before = copy?.set
      const isOther = (): boolean => copy?.set !== before
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
