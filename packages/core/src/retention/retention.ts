import { pruneChain } from '../audit/prune-chain.ts'
import { checkedConnection, connectionName } from '../domain/connection-name.ts'
import { checkOptions, millis, object, required } from '../domain/options.ts'
import { DAY, HOUR, type Instant, type Millis } from '../domain/time.ts'
import { createPseudonyms } from '../guests/authentication/pseudonyms.ts'
import { removeEndedGuests } from '../guests/records/remove-ended.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import * as schemas from '../ports/schemas.ts'
import type { Store } from '../ports/store.ts'
import { repeatUntilAborted, type Worker } from '../ports/worker.ts'
import { rollUps } from '../report/roll-ups.ts'
import { removeOrphanCheckpoints } from './orphan-checkpoints.ts'
import { createRetentionTime } from './retention-time.ts'

/** Options of `retention`. */
export interface RetentionOptions {
  /** Audit records are removed when they are older, in milliseconds, from 0; absent: never. */
  readonly eventsMs?: Millis | undefined
  /** Guests are removed so long after their last token expired, in milliseconds, from 0; absent: never. */
  readonly endedGuestsMs?: Millis | undefined
}

/** How many rows a pass of retention removed. */
export interface RetentionResult {
  readonly events: number
  readonly guests: number
}

/** Removes what is old from the store of a connection. `run` makes a pass every hour. */
export interface Retention extends Worker {
  /**
   * Removes what is too old by now, in batches. A kill loses nothing: the next pass goes on. If the wall clock has
   * advanced by more than 7 days since the passes before, ages are judged by an earlier time, which follows the
   * clock by 6 hours an hour: a clock that is wrong for a while removes little. `signal`: stops between two batches.
   */
  pass(signal?: AbortSignal): Promise<RetentionResult>
}

type RetentionPorts = Parameters<typeof retention>[1]

const EVERY: Millis = HOUR
const ACTOR = 'retention'
/** A backup that is older must not be restored: the list of erasures no longer names all who were erased since. */
const OLDEST_BACKUP: Millis = 366 * DAY

const portsSchema = object<RetentionPorts>(
  {
    store: schemas.store('commit', 'document', 'documents', 'chain', 'chainHead', 'prune', 'endedGuests'),
    clock: required(schemas.clock),
    random: required(schemas.random),
  },
  { open: true },
)
const optionsSchema = object<RetentionOptions>({ eventsMs: millis(0), endedGuestsMs: millis(0) })

/**
 * Makes the worker that removes old audit records and ended guests of a connection. Records are removed up to a
 * signed checkpoint, after they were added to the roll-ups that reports are made of. A guest who comes back goes
 * on counting its tokens; one that was revoked or erased stays so, as long as records are kept.
 *
 * @param name the name of the connection
 * @param ports the store of the connection, clock and random numbers
 * @param options how old records and ended guests become; default: nothing is removed
 *
 * Throws `config_invalid` for wrong options.
 *
 * @example
 * ```ts
 * import { memoryStore } from '@guestpass/core'
 * import { retention, systemClock, systemRandom } from '@guestpass/core/runtime-kit'
 *
 * const clock = systemClock()
 * const day = 24 * 60 * 60 * 1_000
 * const ports = { store: memoryStore({ clock }), clock, random: systemRandom() }
 * const { events, guests } = await retention('default', ports, { eventsMs: 400 * day, endedGuestsMs: 30 * day }).pass()
 * console.log(`${events} records and ${guests} guests were removed`)
 * ```
 */
export function retention(
  name: string,
  ports: { readonly store: Store; readonly clock: Clock; readonly random: Random },
  options: RetentionOptions = {},
): Retention {
  checkOptions(
    'retention',
    ['name', name, required(connectionName)],
    ['ports', ports, portsSchema],
    ['options', options, optionsSchema],
  )
  const { store, clock, random } = ports
  const connection = checkedConnection(name)
  const parts = { connection, store, clock, random, actor: ACTOR }
  const hourly = rollUps(connection, { store, clock })
  const pseudonyms = createPseudonyms(connection, ports)
  const time = createRetentionTime(connection, ports)

  async function removeEvents(age: Millis, now: Instant, signal: AbortSignal | undefined): Promise<number> {
    const most = await hourly.update(signal)
    await hourly.prune(now - age, signal)
    return pruneChain(parts, { before: now - age, most, ...(signal ? { signal } : {}) })
  }

  async function pass(signal?: AbortSignal): Promise<RetentionResult> {
    const { eventsMs, endedGuestsMs } = options
    const now = await time.now()
    const ended = {
      before: now - (endedGuestsMs ?? 0),
      tombstonesUntil: eventsMs === undefined ? undefined : now + eventsMs,
      ...(signal ? { signal } : {}),
    }
    const guests = endedGuestsMs === undefined ? 0 : await removeEndedGuests({ ...parts, pseudonyms }, ended)
    const events = eventsMs === undefined ? 0 : await removeEvents(eventsMs, now, signal)
    await removeOrphanCheckpoints(connection, store)
    if (eventsMs !== undefined) await store.forgetErasures?.(connection, now - eventsMs - OLDEST_BACKUP)
    return { guests, events }
  }

  return {
    pass,
    async run(signal, observer) {
      const hourlyPass = async (): Promise<Millis> => {
        await pass(signal)
        return EVERY
      }
      await repeatUntilAborted(hourlyPass, { clock, signal, observer })
    },
  }
}
