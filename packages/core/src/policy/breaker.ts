import { backOffMs } from '../domain/back-off.ts'
import { refined, checkOptions, millis, number, object } from '../domain/options.ts'
import { iso, MINUTE, type Millis, SECOND } from '../domain/time.ts'
import { GuestpassError } from '../domain/errors.ts'
import type { Clock } from '../ports/clock.ts'
import { createKeyedStates } from './keyed-states.ts'
import { type Call, type CallHandler, type Policy, TryFailure } from './pipeline.ts'
import { type SlidingWindow, createSlidingWindow } from './sliding-window.ts'

/** When a breaker opens, and how long it stays open. */
export interface BreakerOptions {
  /** The window: tries of this time before now count. In milliseconds, at least 10. Default 30 s. */
  readonly windowMs?: Millis
  /** The number of tries in the window below which the circuit stays closed, at least 1. Default 10. */
  readonly atLeast?: number
  /** The failure rate from which the circuit opens: failed tries divided by all, above 0, at most 1. Default 0.5. */
  readonly rate?: number
  /**
   * How long the circuit stays open at first, in milliseconds, at least 1. Default 5 s. It doubles with every
   * probe that fails.
   */
  readonly coolMs?: Millis
  /**
   * The longest time that the circuit stays open, in milliseconds, at least `coolMs`. Default 1 minute, or
   * `coolMs` if that is longer.
   */
  readonly mostCoolMs?: Millis
}

const SEGMENTS = 10
/** The default time that a circuit stays open at first. */
const COOL: Millis = 5 * SECOND

export const breakerSchema = refined(
  object<BreakerOptions>({
    windowMs: millis(SEGMENTS),
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

/** When to come back while a probe is under way, whose outcome is not known yet. */
const PROBE_WAIT: Millis = SECOND

interface Circuit {
  readonly tries: SlidingWindow
  /** Counts openings and closings. A try that began before the latest one says nothing about now. */
  epoch: number
  /** Absent while the circuit is closed. After this time, one probe at a time may be sent. */
  openUntil?: Millis
  /** Openings in a row without a closing. */
  openings: number
  isProbing: boolean
}

interface Parts extends Required<BreakerOptions> {
  readonly clock: Clock
}

/**
 * Stops calls to an upstream that keeps failing. There is one circuit for each connection and operation. It
 * opens if enough of the latest tries failed by a 5xx, a time-out or a transport error. After the cool-down
 * single probes are sent: a probe that succeeds closes the circuit, one that fails doubles the cool-down. 429
 * and other 4xx are answers of a healthy upstream; a try that its caller aborted says nothing.
 *
 * @throws `circuit_open` at once, with `retryAt`, while the circuit is open. `config_invalid` for wrong
 *   options.
 */
export function breaker(options: BreakerOptions, { clock }: { readonly clock: Clock }): Policy {
  checkOptions('breaker', ['breaker', options, breakerSchema])
  const { windowMs = 30 * SECOND, atLeast = 10, rate = 0.5, coolMs = COOL } = options
  const { mostCoolMs = Math.max(MINUTE, coolMs) } = options
  const parts: Parts = { windowMs, atLeast, rate, coolMs, mostCoolMs, clock }
  const circuits = createKeyedStates(
    (): Circuit => ({ tries: createSlidingWindow(windowMs, SEGMENTS), epoch: 0, openings: 0, isProbing: false }),
  )
  return (next) => (call) => callThrough(parts, circuits(call.connection, call.operation), next, call)
}

async function callThrough<T>(parts: Parts, circuit: Circuit, next: CallHandler<T>, call: Call): Promise<T> {
  const waitMs = openForMs(circuit, parts.clock)
  if (waitMs > 0) throw refusal(call, parts.clock.wall() + waitMs)
  const { epoch } = circuit
  const isProbe = circuit.openUntil !== undefined
  if (isProbe) circuit.isProbing = true
  const record = (hasFailed: boolean): void => {
    if (circuit.epoch !== epoch) return
    if (!isProbe) count(parts, circuit, hasFailed)
    else if (hasFailed) open(parts, circuit)
    else close(circuit)
  }
  try {
    const answer = await next(call)
    record(false)
    return answer
  } catch (thrown) {
    if (thrown instanceof TryFailure) record(isFailure(thrown))
    throw thrown
  } finally {
    if (isProbe) circuit.isProbing = false
  }
}

/** Milliseconds until a call may be sent; 0 if it may be sent now. */
function openForMs({ openUntil, isProbing }: Circuit, clock: Clock): Millis {
  if (openUntil === undefined) return 0
  return Math.max(openUntil - clock.monotonic(), isProbing ? PROBE_WAIT : 0)
}

function open({ clock, coolMs, mostCoolMs }: Parts, circuit: Circuit): void {
  circuit.epoch += 1
  circuit.openings += 1
  const openMs = backOffMs({ failures: circuit.openings, baseMs: coolMs, maxMs: mostCoolMs })
  circuit.openUntil = clock.monotonic() + openMs
}

function close(circuit: Circuit): void {
  circuit.epoch += 1
  delete circuit.openUntil
  circuit.openings = 0
  circuit.tries.clear()
}

function count(parts: Parts, circuit: Circuit, hasFailed: boolean): void {
  const now = parts.clock.monotonic()
  circuit.tries.add(hasFailed, now)
  const { total, failed } = circuit.tries.counts(now)
  if (hasFailed && total >= parts.atLeast && failed / total >= parts.rate) open(parts, circuit)
}

const isFailure = ({ facts: { sent, upstream } }: TryFailure): boolean =>
  sent !== 'answered' || (upstream?.status ?? 0) >= 500

const refusal = (call: Call, retryAt: number): GuestpassError =>
  new GuestpassError(
    'circuit_open',
    `${call.operation}: the upstream kept failing, so connection ${call.connection} pauses its calls. Nothing was sent. Ask again at ${iso(retryAt)} or later.`,
    { retryAt },
  )
