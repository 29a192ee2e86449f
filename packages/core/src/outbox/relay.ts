import { MINUTE, type Millis, SECOND } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'
import type { Due, Outbox, Outcome } from '../ports/store.ts'
import type { Sink } from '../sinks/sink.ts'

export interface Relay {
  /** Delivers what is due and returns how many events were settled for good; ends early when the signal aborts. */
  drain(signal: AbortSignal): Promise<number>
  /** Delivers until the signal aborts. */
  run(signal: AbortSignal): Promise<void>
}

const BATCH = 100
const LEASE: Millis = 30 * SECOND
const IDLE: Millis = SECOND
const LONGEST: Millis = 10 * MINUTE

export interface RelayOptions {
  /** Events claimed at a time. Default 100. */
  readonly batch?: number
  /** What the sink needs at most for so many: nobody else gets them before. Default 30 s. */
  readonly leaseMs?: Millis
}

/**
 * Moves committed events from the outbox to one sink: at least once, in the order of their commits. A sink that fails holds all
 * its events back; an event that the sink itself puts off lets later ones pass. So does one whose claim a process took with
 * it when it died: it comes again when the lease ends.
 */
export function relay(
  outbox: Outbox,
  sink: Sink,
  { clock }: { readonly clock: Clock },
  { batch = BATCH, leaseMs = LEASE }: RelayOptions = {},
): Relay {
  /** Delivers what is due; says how many events were settled for good, and how long to leave the sink alone. */
  async function pass(signal: AbortSignal): Promise<{ readonly settled: number; readonly restMs: Millis }> {
    for (let settled = 0; ; ) {
      if (signal.aborted) return { settled, restMs: 0 }
      const rest = sink.rest?.() ?? 0
      if (rest > 0) return { settled, restMs: rest }
      const due = await outbox.claim(sink.name, batch, leaseMs)
      if (due.length === 0) return { settled, restMs: IDLE }
      const { outcomes, restMs } = await delivered(sink, due, signal)
      await outbox.settle(sink.name, outcomes)
      settled += outcomes.filter(({ then }) => then === 'done').length
      if (outcomes.some(({ then }) => then === 'retry')) return { settled, restMs }
    }
  }
  return {
    drain: async (signal) => (await pass(signal)).settled,
    async run(signal) {
      while (!signal.aborted) {
        // A store that fails for a moment is asked again.
        const { restMs } = await pass(signal).catch(() => ({ restMs: IDLE }))
        await clock.sleep(restMs, signal).catch(() => {})
      }
    },
  }
}

/** The sink's word on every event; where it failed or said nothing: again, all together, later with every attempt. */
async function delivered(
  sink: Sink,
  due: readonly Due[],
  signal: AbortSignal,
): Promise<{ readonly outcomes: readonly Outcome[]; readonly restMs: Millis }> {
  let said: readonly Outcome[] = []
  let why = 'the sink said nothing'
  try {
    said = await sink.deliver(due, signal)
  } catch (thrown) {
    why = thrown instanceof Error ? thrown.message : String(thrown)
  }
  const known = new Map(said.map((outcome) => [outcome.event, outcome]))
  const inMs = Math.min(SECOND * 2 ** (due[0]?.attempts ?? 0), LONGEST)
  const outcomes = due.map(({ event }): Outcome => known.get(event.id) ?? { event: event.id, then: 'retry', inMs, why })
  return { outcomes, restMs: due.every(({ event }) => known.has(event.id)) ? IDLE : inMs }
}
