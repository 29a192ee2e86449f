import { refined, checkOptions, millis, number, object } from '../domain/options.ts'
import { iso, MINUTE, type Millis, SECOND } from '../domain/time.ts'
import { GuestpassError } from '../domain/errors.ts'
import type { Clock } from '../ports/clock.ts'
import { createKeyedStates } from './keyed-states.ts'
import { type Call, type Policy, TryFailure } from './pipeline.ts'
import { type SlidingWindow, createSlidingWindow } from './sliding-window.ts'

export interface BreakerOptions {
  /** How far back tries count, in milliseconds; default 30 s. */
  readonly windowMs?: Millis
  /** Tries in the window below which nothing is concluded; default 10. */
  readonly atLeast?: number
  /** The part of them that must have failed, more than 0 and at most 1; default 0.5. */
  readonly rate?: number
  /** How long upstream is left alone at first, in milliseconds; default 5 s. It doubles with every probe that fails. */
  readonly coolMs?: Millis
  /** It never gets longer than this, in milliseconds; default 1 minute. */
  readonly mostCoolMs?: Millis
}

const SLOTS = 10
/** How long it stays open at first. */
const COOL: Millis = 5 * SECOND

export const breakerSchema = refined(
  object<BreakerOptions>({
    windowMs: millis(SLOTS),
    atLeast: number(1),
    rate: number(Number.MIN_VALUE, 1),
    coolMs: millis(1),
    mostCoolMs: millis(1),
  }),
  ({ coolMs = COOL, mostCoolMs = Math.max(MINUTE, coolMs) }: BreakerOptions, members) =>
    mostCoolMs >= coolMs
      ? []
      : [
          {
            field: `${members}mostCoolMs`,
            message: 'is less than coolMs',
            remedy: 'Give at least as many milliseconds.',
          },
        ],
)

/** When to come back while a probe is under way: its outcome is not known yet. */
const PROBE_WAIT: Millis = SECOND

interface Circuit {
  readonly tries: SlidingWindow
  /** Counts openings and closings; a try that began before the latest says nothing about now. */
  epoch: number
  /** Absent while closed; once it has passed, one probe at a time may go. */
  openUntil?: Millis
  coolMs: Millis
  probing: boolean
}

/**
 * Leaves an upstream alone that keeps failing: one circuit per connection and operation. It opens when enough of the latest tries
 * failed by a 5xx, a time-out or on the way; then calls end at once with `circuit_open`, which says when to come back.
 * After the cool-down single probes go through: a good one closes the circuit, a bad one doubles the cool-down. 429 and
 * other 4xx are answers of a healthy upstream; a try that was aborted from outside says nothing.
 */
export function breaker(options: BreakerOptions, { clock }: { readonly clock: Clock }): Policy {
  checkOptions('breaker', ['breaker', options, breakerSchema])
  const { windowMs = 30 * SECOND, atLeast = 10, rate = 0.5, coolMs = COOL } = options
  const { mostCoolMs = Math.max(MINUTE, coolMs) } = options
  const circuits = createKeyedStates(
    (): Circuit => ({ tries: createSlidingWindow(windowMs, SLOTS), epoch: 0, coolMs, probing: false }),
  )

  /** How long a call must stay away; 0 when it may go. */
  const closedFor = ({ openUntil, probing }: Circuit): Millis => {
    if (openUntil === undefined) return 0
    return Math.max(openUntil - clock.monotonic(), probing ? PROBE_WAIT : 0)
  }

  const open = (circuit: Circuit): void => {
    circuit.epoch += 1
    circuit.openUntil = clock.monotonic() + circuit.coolMs
    circuit.coolMs = Math.min(circuit.coolMs * 2, mostCoolMs)
  }

  const close = (circuit: Circuit): void => {
    circuit.epoch += 1
    delete circuit.openUntil
    circuit.coolMs = coolMs
    circuit.tries.clear()
  }

  const count = (circuit: Circuit, failed: boolean): void => {
    const now = clock.monotonic()
    circuit.tries.add(failed, now)
    const { total, failed: bad } = circuit.tries.counts(now)
    if (failed && total >= atLeast && bad / total >= rate) open(circuit)
  }

  return (next) => async (call) => {
    const circuit = circuits(call.connection, call.operation)
    const wait = closedFor(circuit)
    if (wait > 0) throw refusal(call, clock.wall() + wait)
    const { epoch } = circuit
    const probe = circuit.openUntil !== undefined
    if (probe) circuit.probing = true
    const judge = (failed: boolean): void => {
      if (circuit.epoch !== epoch) return
      if (!probe) count(circuit, failed)
      else if (failed) open(circuit)
      else close(circuit)
    }
    try {
      const answer = await next(call)
      judge(false)
      return answer
    } catch (thrown) {
      if (thrown instanceof TryFailure) judge(isFailure(thrown))
      throw thrown
    } finally {
      if (probe) circuit.probing = false
    }
  }
}

const isFailure = ({ facts: { sent, upstream } }: TryFailure): boolean =>
  sent !== 'answered' || (upstream?.status ?? 0) >= 500

const refusal = (call: Call, retryAt: number): GuestpassError =>
  new GuestpassError(
    'circuit_open',
    `${call.operation}: upstream kept failing, so connection ${call.connection} leaves it alone for a while. Nothing was sent. Ask again at ${iso(retryAt)} or later.`,
    { retryAt },
  )
