import { backOffMs } from '../domain/back-off.ts'
import { connectionName } from '../domain/connection-name.ts'
import { callable, checkOptions, millis, required, object, nonEmptyText, integer } from '../domain/options.ts'
import { MINUTE, type Millis, SECOND } from '../domain/time.ts'
import { GuestpassError } from '../domain/errors.ts'
import type { Clock } from '../ports/clock.ts'
import * as schemas from '../ports/schemas.ts'
import type { DueMessage, Outbox, DeliveryOutcome } from '../ports/store.ts'
import { repeatUntilAborted, type StoredWorker, type WorkerObserver } from '../ports/worker.ts'
import type { Sink } from '../sinks/sink.ts'
import { refuseUnrouted } from './route.ts'

/**
 * Delivers events to one sink. `run` delivers until the signal aborts. It reports a failure for each batch of
 * which the sink did not take an event, until the sink takes one or none waits. The backlog counts the events
 * that wait for the sink.
 */
export interface Relay extends StoredWorker {
  /**
   * Delivers the events that are due now, without waiting for others. Ends early when the signal aborts.
   *
   * @returns how many events the sink took
   *
   * Rejects with the error of the store.
   */
  drain(signal: AbortSignal): Promise<number>
}

const SINK = 'Give jsonLines(name, write), or { name, deliver }.'
const DELIVER = 'Give a function that takes events and resolves to the outcome of each.'
const BATCH = 100
const LEASE: Millis = 30 * SECOND
const IDLE_PAUSE: Millis = SECOND
/** The pause after a batch that was not full: what comes meanwhile shares the cost of the next one. */
const GATHER: Millis = SECOND / 2
const LONGEST_PAUSE: Millis = 10 * MINUTE

/** How a relay delivers. */
export interface RelayOptions {
  /** How many events are claimed at a time. 1 to 1000, default 100. */
  readonly batch?: number
  /**
   * How long claimed events are leased, in milliseconds: the longest time that the sink needs for a batch. No
   * other process gets them before. At least 1, default 30 s.
   */
  readonly leaseMs?: Millis
  /**
   * The connection whose events are delivered, where the route of the store depends on it. Default `default`.
   */
  readonly connection?: string
  /**
   * Makes the error that is reported for an event that the sink did not take, from the reason of the sink.
   * Default: an error with the code `output_failed`.
   */
  readonly failure?: (why: string) => GuestpassError
}

const sinkSchema = required(
  object<Sink>(
    { name: required(nonEmptyText), backOffMs: callable('Give a function.'), deliver: required(callable(DELIVER)) },
    { open: true, remedy: SINK },
  ),
)
const clockSchema = object<{ clock: Clock }>({ clock: required(schemas.clock) }, { open: true })
const optionsSchema = object<RelayOptions>({
  batch: integer(1, 1_000),
  leaseMs: millis(1),
  connection: connectionName,
  failure: callable('Give a function from a reason to an error.'),
})

/**
 * Makes a relay: a worker that moves committed events from the outbox of a store to one sink. Every event is
 * delivered at least once, in the order of the commits. A sink that fails holds back all its events. An event
 * that the sink itself puts off lets later ones pass, and so does an event that a killed process had claimed:
 * it is delivered again when its lease ends.
 *
 * @param outbox the outbox of a store whose route names the sink
 * @param sink where the events go, as `jsonLines(…)`
 * @param ports the clock
 * @param options see `RelayOptions`
 *
 * Throws `config_invalid` for wrong options, and where the route of the store never names the sink.
 *
 * @example
 * ```ts
 * import { memoryStore } from '@guestpass/core'
 * import { jsonLines, relay, systemClock } from '@guestpass/core/runtime-kit'
 *
 * const clock = systemClock()
 * const sink = jsonLines('console', async (lines) => void console.log(lines))
 * const store = memoryStore({ clock, route: () => [sink.name] })
 * const worker = relay(store.outbox, sink, { clock })
 * const delivered = await worker.drain(new AbortController().signal)
 * console.log(`${delivered} events delivered`)
 * ```
 */
export function relay(outbox: Outbox, sink: Sink, ports: { readonly clock: Clock }, options: RelayOptions = {}): Relay {
  checkOptions(
    'relay',
    ['outbox', outbox, schemas.outbox],
    ['sink', sink, sinkSchema],
    ['ports', ports, clockSchema],
    ['options', options, optionsSchema],
  )
  refuseUnrouted('relay', outbox, sink.name, {
    connection: options.connection ?? 'default',
    message: 'of the store does not name the sink, so that no event would be delivered to it',
    remedy:
      'Open the store with it, as memoryStore({ route: () => [sink.name] }), or sqliteStore({ …, route }). Where the route depends on the connection, name that in the options.',
  })
  return createRelay(outbox, sink, ports, options)
}

/** What a relay is made of besides its options. */
interface OwnOptions extends RelayOptions {
  /** The sink itself removes the events that it takes from the queue. Default false. */
  readonly isEmptiedBySink?: boolean
}

interface Parts {
  readonly isEmptiedBySink: boolean
  readonly outbox: Outbox
  readonly sink: Sink
  readonly batch: number
  readonly leaseMs: Millis
  readonly failure: (why: string) => GuestpassError
  /** Whether an event failed and is tried again, as far as this process knows. */
  isFailing: boolean
}

/** Makes a relay without a look at the route of the store: for queues that events get into in another way. */
export function createRelay(
  outbox: Outbox,
  sink: Sink,
  { clock }: { readonly clock: Clock },
  { batch = BATCH, leaseMs = LEASE, failure = failureOf(sink), isEmptiedBySink = false }: OwnOptions = {},
): Relay {
  const parts: Parts = { outbox, sink, batch, leaseMs, failure, isEmptiedBySink, isFailing: false }
  return {
    backlog: async (most) => (await outbox.counts(sink.name, most)).waiting,
    drain: async (signal) => (await deliverDue(parts, signal)).taken,
    run: (signal, observer) =>
      repeatUntilAborted(async (progress) => (await deliverDue(parts, signal, progress)).pauseMs, {
        clock,
        signal,
        observer,
        failingMs: Number.POSITIVE_INFINITY,
      }),
  }
}

const failureOf =
  ({ name }: Sink) =>
  (why: string): GuestpassError =>
    new GuestpassError('output_failed', `The sink ${name} did not take an event: ${why}.`)

/**
 * Delivers what is due. `taken`: how many events the sink took; `pauseMs`: how long to leave the sink alone.
 */
async function deliverDue(
  parts: Parts,
  signal: AbortSignal,
  observer?: WorkerObserver,
): Promise<{ readonly taken: number; readonly pauseMs: Millis }> {
  const { outbox, sink, batch, leaseMs } = parts
  for (let taken = 0; ; ) {
    if (signal.aborted) return { taken, pauseMs: 0 }
    const sinkPauseMs = sink.backOffMs?.() ?? 0
    if (sinkPauseMs > 0) return { taken, pauseMs: sinkPauseMs }
    const due = await outbox.claim(sink.name, batch, leaseMs)
    if (due.length === 0) {
      if (observer) await reportEmpty(parts, observer)
      return { taken, pauseMs: IDLE_PAUSE }
    }
    const { outcomes, pauseMs, thrown } = await deliverBatch(sink, due, signal)
    const left = outcomes.filter(({ then }) => then !== 'done' || !parts.isEmptiedBySink)
    if (left.length > 0) await outbox.settle(sink.name, left)
    if (observer) report(parts, outcomes, thrown, observer)
    taken += outcomes.filter(({ then }) => then === 'done').length
    if (outcomes.some(({ then }) => then === 'retry')) return { taken, pauseMs }
    if (observer && due.length < batch) return { taken, pauseMs: GATHER }
  }
}

/** Reports the outcome of a batch. */
function report(parts: Parts, outcomes: readonly DeliveryOutcome[], thrown: unknown, observer: WorkerObserver): void {
  const [why] = outcomes.flatMap((outcome) => ('why' in outcome ? [outcome.why] : []))
  if (why !== undefined) observer.failed(thrown ?? parts.failure(why))
  const isTaken = outcomes.some(({ then }) => then === 'done')
  if (isTaken) observer.succeeded()
  parts.isFailing = (why !== undefined || parts.isFailing) && !isTaken
}

/** Dead letters are not tried again: once no event waits, none fails. */
async function reportEmpty(parts: Parts, observer: WorkerObserver): Promise<void> {
  const { outbox, sink } = parts
  if (!parts.isFailing || (await outbox.counts(sink.name, 1)).waiting > 0) return
  parts.isFailing = false
  observer.succeeded()
}

/**
 * Gives a batch to the sink. Events for which it gives no outcome, because it failed or left them out, are
 * retried together, later with each attempt.
 */
async function deliverBatch(
  sink: Sink,
  due: readonly DueMessage[],
  signal: AbortSignal,
): Promise<{ readonly outcomes: readonly DeliveryOutcome[]; readonly pauseMs: Millis; readonly thrown?: unknown }> {
  let thrown: unknown
  let given: readonly DeliveryOutcome[] = []
  let why = 'the sink gave no outcome'
  try {
    given = await sink.deliver(due, signal)
  } catch (error) {
    thrown = error
    why = error instanceof Error ? error.message : String(error)
  }
  const known = new Map(given.map((outcome) => [outcome.event, outcome]))
  const inMs = backOffMs({ failures: (due[0]?.attempts ?? 0) + 1, baseMs: SECOND, maxMs: LONGEST_PAUSE })
  const outcomes = due.map(
    ({ event }): DeliveryOutcome => known.get(event.id) ?? { event: event.id, then: 'retry', inMs, why },
  )
  return { outcomes, pauseMs: due.every(({ event }) => known.has(event.id)) ? IDLE_PAUSE : inMs, thrown }
}
