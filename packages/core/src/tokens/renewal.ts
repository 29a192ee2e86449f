import type { Credential, TokenSet } from '../domain/credential.ts'
import type { Event } from '../domain/event.ts'
import { type Ask, judgedAt, plan, type Windows } from '../domain/plan.ts'
import { type Instant, type Millis, MINUTE, SECOND } from '../domain/time.ts'
import { asGuestpassError, GuestpassError } from '../errors.ts'
import { type Clock, stopwatch } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { Change, Found, Issued, Store } from '../ports/store.ts'
import { backOffAfter } from './back-off.ts'
import { heartbeat } from './heartbeat.ts'
import { insistentCommit } from './insistent-commit.ts'

/** The world as renewals need it. */
export interface RenewalPorts {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  /** The issuer's time now, as far as it is known. Default: the wall clock's. */
  readonly issuerNow?: () => Instant
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
   * What to write down before the call, so that another process can go on where this one was killed: the credential with its
   * intent, and events. Undefined: nothing has to change.
   */
  prepare?(credential: Credential, now: Instant): Note | undefined
  /**
   * Gets the next tokens from upstream, whole pipeline included, and says what else to write with them. `now` is the
   * store's time, counted on while the call runs.
   */
  renew(credential: Credential, now: () => Instant): Promise<Renewed>
  /** What to write down after a failure that leaves another way, which is then taken. Undefined: the failure stands. */
  otherwise?(credential: Credential, error: GuestpassError, now: Instant): Note | undefined
  /** What a failure that stands leaves of the credential, as an intent that is over. Default: all of it. */
  left?(credential: Credential, error: GuestpassError): Credential
  /** The events that tell of a failed renewal. */
  failed(credential: Credential, error: GuestpassError, now: Instant): readonly Event[]
}

/** A credential with its intent, and events: stored together. */
export interface Note {
  readonly credential: Credential
  readonly events: readonly Event[]
}

export interface Renewed {
  readonly credential: Live
  readonly events: readonly Event[]
  readonly issued?: readonly Issued[]
  /** Why what came cannot be used: the credential is stored all the same, because it holds what must not be lost; then this is thrown. */
  readonly fault?: GuestpassError
  /** Called once the tokens are stored. */
  readonly done?: () => void
}

/** A credential that was current at `now` of the store's clock; `elapsed` counts on from there. */
export interface Current {
  readonly credential: Live
  readonly now: Instant
  readonly elapsed: () => Millis
}

/** Keeps one credential current. */
export interface Renewal {
  /** The credential with tokens that are valid now. */
  current(ask: Ask): Promise<Current>
  /** Whether a renewal is under way. */
  readonly busy: boolean
}

/** The credential as it was found, the moment at which to judge it, and what has passed since. */
interface Look {
  readonly found: Found
  readonly now: Instant
  readonly elapsed: () => Millis
}

/** Short, because whoever holds it prolongs it: a process that dies keeps the others waiting only this long. */
const LEASE: Millis = 5 * SECOND
const GLANCE: Millis = 50
/**
 * A refusal that only a changed configuration can end is remembered by the process that met it, not by the store: for this long
 * at first, twice as long each time it comes again, up to `LONGEST_REFUSAL`.
 */
const REFUSAL: Millis = 5 * SECOND
const LONGEST_REFUSAL: Millis = MINUTE

/**
 * Serves a stored credential, renewing it when due: look, plan, do the one thing, commit. Callers of one process share one
 * flight, processes share a lease; what keeps the data right is the commit, which names the generation it replaces.
 */
export function renewal(of: Renewable, ports: RenewalPorts): Renewal {
  const { store, clock, random, issuerNow = () => clock.wall() } = ports
  const lease = `renew:${of.id}`
  // Of this renewal alone: another of the same process is as much a stranger as another process.
  const holder = `${ports.holder}/${random.uuid()}`
  let flight: Promise<Current> | undefined
  /** The latest failure here, for as long as it is not tried again. */
  let refusal: { error: GuestpassError; generation: number; ms: Millis; age: () => Millis } | undefined
  let seen: { generation: number; now: Instant; monotonic: Millis } | undefined

  const refused = ({ credential }: Found): GuestpassError | undefined =>
    refusal && refusal.generation === (credential?.generation ?? 0) && refusal.age() < refusal.ms
      ? refusal.error
      : undefined

  /** When a generation is seen again at least as much time has passed as here, though the store's clock stepped back. */
  const steady = ({ credential, now }: Found, monotonic: Millis): Instant => {
    const generation = credential?.generation ?? 0
    const least = seen?.generation === generation ? seen.now + monotonic - seen.monotonic : now
    seen = { generation, now: Math.max(now, least), monotonic }
    return seen.now
  }

  const look = async (): Promise<Look> => {
    const elapsed = stopwatch(clock)
    const monotonic = clock.monotonic()
    const found = await store.find(of.connection, of.id)
    return { found, now: steady(found, monotonic), elapsed }
  }

  const served = ({ found, now, elapsed }: Look, tokens: TokenSet): Current => ({
    credential: { ...(found.credential as Credential), tokens },
    now,
    elapsed,
  })

  async function current(ask: Ask): Promise<Current> {
    for (;;) {
      const at = await look()
      const next = plan(at.found.credential, ask, at.now, of.windows, issuerNow())
      if (next.do === 'refuse') throw next.error
      const error = refused(at.found)
      if (next.do === 'use') {
        if (next.renew && !error) behind()
        return served(at, next.tokens)
      }
      try {
        if (error) throw error
        const made = await (flight ??= landing(underLease(ask)))
        if (made.credential.generation > (ask.newerThan ?? -1)) return made
      } catch (thrown) {
        const { stale } = next
        if (!stale || endedOnPurpose(thrown)) throw thrown
        if (judgedAt(stale, at.now + at.elapsed(), issuerNow()) >= stale.expiresAt) throw thrown
        return served(at, stale)
      }
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
    flight = landing(underLease({ early: true }))
    flight.catch(() => {})
  }

  /** Waits for the lease, planning again whenever somebody else may have done the work. */
  async function underLease(ask: Ask): Promise<Current> {
    for (;;) {
      const { granted, endsInMs } = await store.lease(of.connection, lease, holder, LEASE)
      try {
        const at = await look()
        const next = plan(at.found.credential, ask, at.now, of.windows, issuerNow())
        if (next.do === 'refuse') throw next.error
        if (next.do === 'use') return served(at, next.tokens)
        if (granted) {
          const made = await attempt(at)
          if (made) return made
        }
      } finally {
        // A lease that cannot be given back ends by itself.
        if (granted) await store.release(of.connection, lease, holder).catch(() => {})
      }
      if (!granted) await clock.sleep(Math.min(endsInMs, GLANCE * (1 + random.float())))
    }
  }

  /** One renewal and its commit; undefined when somebody else committed first, or another way is to be taken. */
  async function attempt({ found, elapsed }: Look): Promise<Current | undefined> {
    const now = (): Instant => found.now + elapsed()
    const prepared = await prepare(found, now())
    if (!prepared) return undefined
    const { credential, revision } = prepared
    const beat = heartbeat({ connection: of.connection, lease, holder, ms: LEASE }, ports)
    try {
      const made = await renewed(credential, revision, now)
      if (!made) return undefined
      const { next, fault, done } = made
      seen = { generation: next.generation, now: now(), monotonic: clock.monotonic() }
      // Its event was committed with what was kept.
      if (fault) throw await remembered(next, undefined, fault, now(), [])
      done?.()
      return { credential: next, now: found.now, elapsed }
    } finally {
      beat.abort()
    }
  }

  /** Asks upstream and stores what came; undefined when somebody else committed first, or another way is to be taken. */
  async function renewed(
    credential: Credential,
    revision: number,
    now: () => Instant,
  ): Promise<(Pick<Renewed, 'fault' | 'done'> & { readonly next: Live }) | undefined> {
    try {
      const made = await of.renew(credential, now)
      if (!made.fault) refuseLate(made.credential.tokens, now())
      const next = await kept(made, credential.generation)
      return next && { ...made, next }
    } catch (thrown) {
      const error = asGuestpassError(thrown)
      const other = of.otherwise?.(credential, error, now())
      if (!other) throw await remembered(credential, revision, error, now())
      await write(other, revision)
      return undefined
    }
  }

  /** Stores tokens as the next generation; undefined when somebody else committed first. A refresh token cannot be had again: a busy store is asked again. */
  async function kept({ credential, events, issued }: Renewed, generation: number): Promise<Live | undefined> {
    const { backOff: _over, intent: _settled, ...rest } = credential
    const next: Live = { ...rest, generation: generation + 1 }
    const change: Change = {
      connection: of.connection,
      writes: [{ credential: next, expect: { generation } }],
      events,
      ...(issued ? { issued } : {}),
    }
    if (!next.tokens.refresh) return (await store.commit(change)) === 'done' ? next : undefined
    const outcome = await insistentCommit(ports, change).catch((thrown: unknown) => {
      throw unkept(thrown)
    })
    return outcome === 'done' ? next : undefined
  }

  /** Writes down what must be known before the call; undefined when somebody else wrote first. */
  async function prepare(
    found: Found,
    now: Instant,
  ): Promise<{ credential: Credential; revision: number } | undefined> {
    const { revision, credential = of.blank(found.now) } = found
    const note = of.prepare?.(credential, now)
    if (!note) return { credential, revision }
    return (await write(note, revision)) === 'done'
      ? { credential: note.credential, revision: revision + 1 }
      : undefined
  }

  const write = ({ credential, events }: Note, revision: number): Promise<'done' | 'conflict'> =>
    store.commit({
      connection: of.connection,
      writes: [{ credential, expect: { generation: credential.generation, revision } }],
      events,
    })

  /** The failure, stored as far as that can be done now: what the store cannot take down is known to this process alone. */
  async function remembered(...failure: Parameters<typeof remember>): Promise<GuestpassError> {
    await remember(...failure).catch(() => {})
    return failure[2]
  }

  /** Stores the failure: its events always, the back-off when the weather is to blame and not the configuration. */
  async function remember(
    credential: Credential,
    revision: number | undefined,
    error: GuestpassError,
    now: Instant,
    events: readonly Event[] = of.failed(credential, error, now),
  ): Promise<void> {
    const { generation } = credential
    const retryInMs = error.retryAt === undefined ? 0 : error.retryAt - clock.wall()
    const backOff = error.retryable
      ? backOffAfter(error, credential.backOff, now, retryInMs, random.float())
      : undefined
    const again = refusal?.generation === generation && !refusal.error.retryable ? refusal.ms * 2 : REFUSAL
    const ms = backOff ? backOff.until - now : Math.min(again, LONGEST_REFUSAL)
    refusal = { error, generation, ms, age: stopwatch(clock) }
    const note: Change = { connection: of.connection, events }
    const left = of.left?.(credential, error) ?? credential
    if (!backOff && left === credential) return void (await store.commit(note))
    const expect = revision === undefined ? { generation } : { generation, revision }
    const write = { credential: { ...left, ...(backOff ? { backOff } : {}) }, expect }
    const outcome = await store.commit({ ...note, writes: [write] })
    if (outcome === 'conflict') await store.commit(note)
  }

  return {
    current,
    get busy() {
      return flight !== undefined
    },
  }
}

/** The old refresh token is spent, and the store has not taken the next one: as if the answer had been lost. */
const unkept = (cause: unknown): GuestpassError =>
  new GuestpassError(
    'in_doubt',
    `The answer to the refresh came, but the store did not keep it: ${asGuestpassError(cause).message}`,
    { cause },
  )

const endedOnPurpose = (thrown: unknown): boolean => thrown instanceof GuestpassError && thrown.code === 'guest_revoked'

/** A token that lives no longer than its way here would be renewed without end. */
export function refuseLate(tokens: TokenSet, now: Instant): void {
  if (now < tokens.expiresAt) return
  throw new GuestpassError(
    'token_refused',
    'The token that upstream issued had ended when it came: it lives too short a time, or this machine stood still meanwhile.',
    { reason: 'expired' },
  )
}
