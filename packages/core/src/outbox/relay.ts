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

/** Moves committed events from the outbox to one sink: at least once, in the order of their commits. */
export function relay(outbox: Outbox, sink: Sink, { clock }: { readonly clock: Clock }): Relay {
  async function drain(signal: AbortSignal): Promise<number> {
    for (let settled = 0; ; ) {
      if (signal.aborted) return settled
      const due = await outbox.claim(sink.name, BATCH, LEASE)
      if (due.length === 0) return settled
      const outcomes = await delivered(sink, due, signal)
      await outbox.settle(sink.name, outcomes)
      settled += outcomes.filter(({ then }) => then === 'done').length
      if (outcomes.some(({ then }) => then === 'retry')) return settled
    }
  }
  return {
    drain,
    async run(signal) {
      while (!signal.aborted) {
        await drain(signal)
        await clock.sleep(IDLE, signal).catch(() => {})
      }
    },
  }
}

/** The sink's word on every event; where it failed or said nothing: again, later with every attempt. */
async function delivered(sink: Sink, due: readonly Due[], signal: AbortSignal): Promise<readonly Outcome[]> {
  let said: readonly Outcome[] = []
  let why = 'the sink said nothing'
  try {
    said = await sink.deliver(due, signal)
  } catch (thrown) {
    why = thrown instanceof Error ? thrown.message : String(thrown)
  }
  const known = new Map(said.map((outcome) => [outcome.event, outcome]))
  return due.map(
    ({ event, attempts }): Outcome =>
      known.get(event.id) ?? { event: event.id, then: 'retry', inMs: Math.min(SECOND * 2 ** attempts, LONGEST), why },
  )
}
