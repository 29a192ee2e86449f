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
 * Delivers until the signal aborts. Events that the sink did not take are reported, until it takes one or none waits. The backlog is the
 * events that wait for it.
 */
export interface Relay extends StoredWorker {
  /** Delivers what is due and returns how many events were settled for good; ends early when the signal aborts. */
  drain(signal: AbortSignal): Promise<number>
}

const SINK = 'Give jsonLines(name, write), or { name, deliver }.'
const DELIVER = 'Give a function that takes the events and says what came of each.'
const BATCH = 100
const LEASE: Millis = 30 * SECOND
const IDLE_PAUSE: Millis = SECOND
const LONGEST_PAUSE: Millis = 10 * MINUTE

export interface RelayOptions {
  /** Events claimed at a time. Default 100. */
  readonly batch?: number
  /** What the sink needs at most for so many: nobody else gets them before. Default 30 s. */
  readonly leaseMs?: Millis
  /** The connection whose events it delivers, where the route of the store depends on that. Default `default`. */
  readonly connection?: string
  /** The error that is reported of an event that the sink put off or gave up, with the reason it gave. Default: `output_failed`. */
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
 * Moves committed events from the outbox to one sink: at least once, in the order of their commits. A sink that fails holds all
 * its events back; an event that the sink itself puts off lets later ones pass. So does one whose claim a process took with
 * it when it died: it comes again when the lease ends. Throws `config_invalid` for wrong options, and where
 * the route of the store never names the sink.
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
    message: 'of the store does not name the sink, so that no event would come to it',
    remedy:
      'Open the store with it, as memoryStore({ route: () => [sink.name] }), or sqliteStore({ …, route }). Where the route depends on the connection, name that in the options.',
  })
  return createRelay(outbox, sink, ports, options)
}

/** The same where events come otherwise than by the route of the store. */
export function createRelay(
  outbox: Outbox,
  sink: Sink,
  { clock }: { readonly clock: Clock },
  { batch = BATCH, leaseMs = LEASE, failure = failureOf(sink) }: RelayOptions = {},
): Relay {
  /** Whether an event failed that is tried again, as far as this process knows. */
  let isFailing = false

  /** Says what came of a batch. */
  function report(outcomes: readonly DeliveryOutcome[], thrown: unknown, pieces: WorkerObserver): void {
    const [failed] = outcomes.flatMap((outcome) => ('why' in outcome ? [outcome.why] : []))
    if (failed !== undefined) pieces.failed(thrown ?? failure(failed))
    const isTaken = outcomes.some(({ then }) => then === 'done')
    if (isTaken) pieces.succeeded()
    isFailing = (failed !== undefined || isFailing) && !isTaken
  }

  /** What was given up is tried no more: once nothing waits, nothing fails. */
  async function reportEmpty(pieces: WorkerObserver): Promise<void> {
    if (!isFailing || (await outbox.counts(sink.name, 1)).waiting > 0) return
    isFailing = false
    pieces.succeeded()
  }

  /** Delivers what is due; says how many events were settled for good, and how long to leave the sink alone. */
  async function deliverDue(
    signal: AbortSignal,
    pieces?: WorkerObserver,
  ): Promise<{ readonly settled: number; readonly restMs: Millis }> {
    for (let settled = 0; ; ) {
      if (signal.aborted) return { settled, restMs: 0 }
      const rest = sink.backOffMs?.() ?? 0
      if (rest > 0) return { settled, restMs: rest }
      const due = await outbox.claim(sink.name, batch, leaseMs)
      if (due.length === 0) {
        if (pieces) await reportEmpty(pieces)
        return { settled, restMs: IDLE_PAUSE }
      }
      const { outcomes, restMs, thrown } = await deliverBatch(sink, due, signal)
      await outbox.settle(sink.name, outcomes)
      if (pieces) report(outcomes, thrown, pieces)
      settled += outcomes.filter(({ then }) => then === 'done').length
      if (outcomes.some(({ then }) => then === 'retry')) return { settled, restMs }
    }
  }
  return {
    backlog: async (most) => (await outbox.counts(sink.name, most)).waiting,
    drain: async (signal) => (await deliverDue(signal)).settled,
    run: (signal, observer) =>
      repeatUntilAborted(async (pieces) => (await deliverDue(signal, pieces)).restMs, {
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

/** The sink's word on every event; where it failed or said nothing: again, all together, later with every attempt. */
async function deliverBatch(
  sink: Sink,
  due: readonly DueMessage[],
  signal: AbortSignal,
): Promise<{ readonly outcomes: readonly DeliveryOutcome[]; readonly restMs: Millis; readonly thrown?: unknown }> {
  let thrown: unknown
  let said: readonly DeliveryOutcome[] = []
  let why = 'the sink said nothing'
  try {
    said = await sink.deliver(due, signal)
  } catch (error) {
    thrown = error
    why = error instanceof Error ? error.message : String(error)
  }
  const known = new Map(said.map((outcome) => [outcome.event, outcome]))
  const inMs = Math.min(SECOND * 2 ** (due[0]?.attempts ?? 0), LONGEST_PAUSE)
  const outcomes = due.map(
    ({ event }): DeliveryOutcome => known.get(event.id) ?? { event: event.id, then: 'retry', inMs, why },
  )
  return { outcomes, restMs: due.every(({ event }) => known.has(event.id)) ? IDLE_PAUSE : inMs, thrown }
}
