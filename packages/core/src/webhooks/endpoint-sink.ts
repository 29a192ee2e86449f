import { type Event, event } from '../domain/event.ts'
import { iso, MINUTE, type Millis, SECOND } from '../domain/time.ts'
import { asGuestpassError, GuestpassError } from '../domain/errors.ts'
import { LONGEST_HOLD } from '../policy/retry-after.ts'
import { countdown, stopwatch } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { Due, Outcome, Store } from '../ports/store.ts'
import type { Sink } from '../sinks/sink.ts'
import { type Attempt, type AttemptPorts, attempt, LONGEST_ATTEMPT } from './attempt.ts'
import { type Endpoint, queueOf } from './endpoint.ts'
import type { Endpoints } from './endpoints.ts'
import { message } from './message.ts'
import { nextTry, spread } from './schedule.ts'

export interface EndpointSinkParts {
  readonly connection: string
  readonly endpoints: Endpoints
  /** What `idm` endpoints are told; absent when the OAuth client is not known here. */
  readonly clientId?: string
}

export interface EndpointSinkPorts extends AttemptPorts {
  readonly store: Store
  readonly random: Random
}

/** Events that are sent at once, those of one guest one after the other. */
export const AT_ONCE = 20
/** After this no further one of a batch is begun. */
const BUDGET: Millis = 20 * SECOND
/** What a batch takes at most, with something to spare for the store. */
export const BATCH_LEASE: Millis = BUDGET + LONGEST_ATTEMPT + 10 * SECOND
/** The longest that an endpoint which takes nothing is left alone, unless it asks for more. */
const LONGEST_REST: Millis = MINUTE

/** Sends an endpoint what waits for it, and writes down what came of every try. */
export function endpointSink(id: string, parts: EndpointSinkParts, ports: EndpointSinkPorts): Sink {
  const { connection, endpoints, clientId } = parts
  const { store, clock, random } = ports
  let failures = 0
  let restLeft = countdown(clock, 0)
  let gone: Due | undefined

  const rest = (ms: Millis): void => {
    if (ms > restLeft()) restLeft = countdown(clock, ms)
  }

  /** What came of a try, as an event and as a word to the outbox. */
  function settled(endpoint: Endpoint, { event: of, attempts }: Due, tried: Attempt): [Outcome, Event] {
    const { result, why } = tried
    const inMs = result === 'failed' ? nextTry(attempts, tried.askedMs, random.float()) : undefined
    const tell = teller(endpoint, of, { tried, attempt: attempts + 1 })
    if (result === 'taken') return [{ event: of.id, then: 'done' }, tell('WEBHOOK_SYNCED')]
    if (inMs !== undefined)
      return [
        { event: of.id, then: 'retry', inMs, why },
        tell('WEBHOOK_FAILED', why, `It is tried again at ${iso(clock.wall() + inMs)}.`),
      ]
    return [{ event: of.id, then: 'park', why }, tell('WEBHOOK_PARKED', why, REDELIVER)]
  }

  /** Words what happened to an event on its way to the endpoint. */
  const teller =
    (endpoint: Endpoint, of: Event, how: { readonly tried?: Attempt; readonly attempt?: number } = {}) =>
    (type: Event['type'], why?: string, next = ''): Event =>
      event(
        { actor: 'webhooks', connection, subject: of.subject, correlationId: of.correlationId },
        random.uuid(),
        clock.wall(),
        {
          type,
          outcome: why === undefined ? 'success' : 'failure',
          generation: of.generation,
          ...(of.idempotencyKey === undefined ? {} : { idempotencyKey: of.idempotencyKey }),
          statusCode: how.tried?.statusCode,
          data: {
            webhook: endpoint.id,
            event: of.id,
            eventType: of.type,
            ...(how.attempt === undefined ? {} : { attempt: how.attempt }),
          },
          ...(how.tried ? { latencyMs: how.tried.latencyMs } : {}),
          ...(why === undefined
            ? {}
            : { error: new GuestpassError('webhook_failed', `Webhook ${endpoint.id}: ${why}. ${next}`.trim()) }),
        },
      )

  const write = async (events: readonly Event[]): Promise<void> => void (await store.commit({ connection, events }))

  /** A disabled endpoint gets nothing; what still waits for it can be sent when it is enabled. */
  async function parkedAll(endpoint: Endpoint, due: readonly Due[], why: string): Promise<readonly Outcome[]> {
    await write(due.map(({ event: of }) => teller(endpoint, of)('WEBHOOK_PARKED', why, ENABLE)))
    return due.map(({ event: of }) => ({ event: of.id, then: 'park', why }))
  }

  async function one(endpoint: Endpoint, due: Due, signal: AbortSignal): Promise<Outcome> {
    const of = due.event
    const credential = await store.findBySubject(connection, of.subject)
    const sent = message(endpoint, of, {
      now: clock.wall(),
      ...(credential ? { credential } : {}),
      ...(clientId === undefined ? {} : { clientId }),
    })
    if (!sent) return { event: of.id, then: 'done' }
    const tried = await attempt(endpoint, of, sent, ports, signal)
    const [outcome, told] = settled(endpoint, due, tried)
    await write([told])
    if (tried.result === 'gone') gone ??= due
    if (tried.askedMs !== undefined) rest(spread(Math.min(tried.askedMs, LONGEST_HOLD), random.float()))
    return outcome
  }

  async function disable(endpoint: Endpoint, { event: of }: Due): Promise<void> {
    await endpoints.disable(endpoint.id, GONE)
    await write([teller(endpoint, of)('WEBHOOK_DISABLED', GONE, ENABLE)])
  }

  /** After a batch of which nothing was taken, the next one waits; longer every time. */
  function tally(outcomes: readonly Outcome[]): void {
    if (outcomes.some(({ then }) => then === 'done')) failures = 0
    else if (outcomes.some(({ then }) => then === 'retry')) {
      failures += 1
      rest(Math.min(SECOND * 2 ** failures, LONGEST_REST))
    }
  }

  return {
    name: queueOf(connection, id),
    rest: () => restLeft(),
    async deliver(due, signal) {
      const endpoint = (await endpoints.all()).find((known) => known.id === id)
      // It was removed.
      if (!endpoint) return due.map(({ event: of }) => ({ event: of.id, then: 'done' }))
      if (endpoint.disabled) return parkedAll(endpoint, due, `the endpoint is disabled: ${endpoint.disabled.why}`)
      gone = undefined
      const elapsed = stopwatch(clock)
      const outcomes: Outcome[] = []
      const stopped = (): boolean => signal.aborted || gone !== undefined || restLeft() > 0
      /** A try that the caller cut short is none; what the store cannot give counts, so that one letter never holds up the rest. */
      const failed = (letter: Due, thrown: unknown): Outcome => {
        if (signal.aborted) return released(letter)
        const why = `the message could not be made or written down (${asGuestpassError(thrown).code})`
        const inMs = nextTry(letter.attempts, undefined, random.float())
        return { event: letter.event.id, why, ...(inMs === undefined ? { then: 'park' } : { then: 'retry', inMs }) }
      }
      /** Those of one guest, in their order; what there is no time for is left to the next batch. */
      const inOrder = async (letters: readonly Due[]): Promise<void> => {
        for (const letter of letters) {
          const over = stopped() || elapsed() > BUDGET
          const tried = over ? released(letter) : one(endpoint, letter, signal)
          outcomes.push(await Promise.resolve(tried).catch((thrown: unknown) => failed(letter, thrown)))
        }
      }
      await Promise.all([...Map.groupBy(due, (letter) => letter.event.subject).values()].map(inOrder))
      if (gone) await disable(endpoint, gone)
      tally(outcomes)
      return outcomes
    },
  }
}

const released = ({ event: of }: Due): Outcome => ({ event: of.id, then: 'release' })

const GONE = 'the endpoint answered 410: it is gone'
const REDELIVER = 'It can be sent again with `guestpass webhooks redeliver`.'
const ENABLE = 'Enable it with `guestpass webhooks enable` when it is back.'
