import type { Credential, TokenSet } from '../domain/credential.ts'
import type { Event } from '../domain/event.ts'
import { type Ask, plan, type Windows } from '../domain/plan.ts'
import { type Instant, type Millis, SECOND } from '../domain/time.ts'
import { asGuestpassError, GuestpassError } from '../errors.ts'
import { type Clock, stopwatch } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { Change, Found, Issued, Store } from '../ports/store.ts'
import { backOffAfter } from './back-off.ts'

/** The world as renewals need it. */
export interface RenewalPorts {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  /** Names this process among those that share the store. */
  readonly holder: string
}

/** A credential with tokens that may be served. */
export type Live = Credential & { readonly tokens: TokenSet }

/** What renewing one kind of credential means. */
export interface Renewable {
  readonly connection: string
  readonly id: string
  readonly windows: Windows
  /** The credential to begin with when nothing is stored; throws when renewing cannot create it. */
  blank(now: Instant): Credential
  /**
   * Gets the next tokens from upstream, whole pipeline included, and says what else to write with them. `now` is the
   * store's time, counted on while the call runs.
   */
  renew(credential: Credential, now: () => Instant): Promise<Renewed>
  /** The events that tell of a failed renewal. */
  failed(credential: Credential, error: GuestpassError, now: Instant): readonly Event[]
}

export interface Renewed {
  readonly credential: Live
  readonly events: readonly Event[]
  readonly issued?: readonly Issued[]
  /** Called once the tokens are stored. */
  readonly done?: () => void
}

/** A credential that was current at `now` of the store's clock; `elapsed` counts on from there. */
export interface Current {
  readonly credential: Live
  readonly now: Instant
  readonly elapsed: () => Millis
}

/** Short, because whoever holds it prolongs it: a process that dies keeps the others waiting only this long. */
const LEASE: Millis = 10 * SECOND
const GLANCE: Millis = 50
/** A refusal that only a changed configuration can end is remembered by the process that met it, not by the store. */
const REFUSAL: Millis = 5 * SECOND

/**
 * Serves a stored credential, renewing it when due: look, plan, do the one thing, commit. Callers of one process share one
 * flight, processes share a lease; what keeps the data right is the commit, which names the generation it replaces.
 */
export function renewal(of: Renewable, ports: RenewalPorts): (ask: Ask) => Promise<Current> {
  const { store, clock, random, holder } = ports
  const lease = `renew:${of.id}`
  let flight: Promise<Current> | undefined
  let refusal: { readonly error: GuestpassError; readonly age: () => Millis } | undefined

  const refused = (): GuestpassError | undefined => (refusal && refusal.age() < REFUSAL ? refusal.error : undefined)

  const look = async (): Promise<{ found: Found; elapsed: () => Millis }> => {
    const elapsed = stopwatch(clock)
    return { found: await store.find(of.connection, of.id), elapsed }
  }

  async function current(ask: Ask): Promise<Current> {
    for (;;) {
      const { found, elapsed } = await look()
      const next = plan(found.credential, ask, found.now, of.windows)
      if (next.do === 'refuse') throw next.error
      const error = refused()
      const tokens = next.do === 'use' ? next.tokens : error && next.stale
      if (tokens) {
        if (next.do === 'use' && next.renew && !error) behind()
        return { credential: { ...(found.credential as Credential), tokens }, now: found.now, elapsed }
      }
      if (error) throw error
      const made = await (flight ??= landing(underLease(ask)))
      if (made.credential.generation > (ask.newerThan ?? -1)) return made
    }
  }

  /** Clears the flight when it ends, so that those who come next plan on what it stored. */
  const landing = (work: Promise<Current>): Promise<Current> => {
    const end = (): void => {
      flight = undefined
    }
    work.then(end, end)
    return work
  }

  /** One renewal that nobody waits for; its failure is in the back-off and the events that it stored. */
  const behind = (): void => {
    if (flight) return
    flight = landing(underLease({}, true))
    flight.catch(() => {})
  }

  /** Waits for the lease, planning again whenever somebody else may have done the work. */
  async function underLease(ask: Ask, early = false): Promise<Current> {
    for (;;) {
      const { granted, endsInMs } = await store.lease(of.connection, lease, holder, LEASE)
      try {
        const { found, elapsed } = await look()
        const next = plan(found.credential, ask, found.now, of.windows)
        if (next.do === 'refuse') throw next.error
        const due = next.do === 'renew' || (next.renew && early)
        if (next.do === 'use' && (!due || !granted)) {
          return { credential: { ...(found.credential as Credential), tokens: next.tokens }, now: found.now, elapsed }
        }
        if (granted) {
          const made = await attempt(found, elapsed, next.do === 'use' ? next.tokens : next.stale)
          if (made) return made
        }
      } finally {
        if (granted) await store.release(of.connection, lease, holder)
      }
      if (!granted) await clock.sleep(Math.min(endsInMs, GLANCE * (1 + random.float())))
    }
  }

  /** One renewal and its commit; undefined when somebody else committed first. */
  async function attempt(
    found: Found,
    elapsed: () => Millis,
    stale: TokenSet | undefined,
  ): Promise<Current | undefined> {
    const now = (): Instant => found.now + elapsed()
    const credential = found.credential ?? of.blank(found.now)
    const beat = heartbeat()
    let renewed: Renewed
    try {
      renewed = await of.renew(credential, now)
    } catch (thrown) {
      const error = asGuestpassError(thrown)
      await remember(credential, found, error, now())
      if (stale && now() < stale.expiresAt)
        return { credential: { ...credential, tokens: stale }, now: found.now, elapsed }
      throw error
    } finally {
      beat.abort()
    }
    const { backOff: _over, intent: _settled, ...rest } = renewed.credential
    const next: Live = { ...rest, generation: credential.generation + 1 }
    const outcome = await store.commit({
      connection: of.connection,
      writes: [{ credential: next, expect: { generation: credential.generation } }],
      events: renewed.events,
      ...(renewed.issued ? { issued: renewed.issued } : {}),
    })
    if (outcome === 'conflict') return undefined
    renewed.done?.()
    return { credential: next, now: found.now, elapsed }
  }

  /** Stores the failure: its events always, the back-off when the weather is to blame and not the configuration. */
  async function remember(credential: Credential, found: Found, error: GuestpassError, now: Instant): Promise<void> {
    const events = of.failed(credential, error, now)
    const retryInMs = error.retryAt === undefined ? 0 : error.retryAt - clock.wall()
    const note: Change = { connection: of.connection, events }
    if (!error.retryable) {
      refusal = { error, age: stopwatch(clock) }
      return void (await store.commit(note))
    }
    const resting = { ...credential, backOff: backOffAfter(error, credential.backOff, now, retryInMs, random.float()) }
    const expect = { generation: credential.generation, revision: found.revision }
    const outcome = await store.commit({ ...note, writes: [{ credential: resting, expect }] })
    if (outcome === 'conflict') await store.commit(note)
  }

  /** Prolongs the lease while the work goes on. */
  function heartbeat(): AbortController {
    const stop = new AbortController()
    const run = async (): Promise<void> => {
      for (;;) {
        await clock.sleep(LEASE / 3, stop.signal)
        await store.lease(of.connection, lease, holder, LEASE)
      }
    }
    run().catch(() => {})
    return stop
  }

  return current
}

/** The promise, unless the signal aborts first: then this wait alone ends, with the signal's reason. */
export function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
