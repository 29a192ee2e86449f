import type { Event } from '../domain/events/event.ts'
import type { About } from '../domain/events/event-parts.ts'
import {
  type DeliveryFacts,
  webhookDeadLettered,
  webhookDelivered,
  webhookDisabled,
  webhookFailed,
} from '../domain/events/webhooks.ts'
import { iso, MINUTE, type Millis, SECOND } from '../domain/time.ts'
import { asGuestpassError, GuestpassError } from '../domain/errors.ts'
import { LONGEST_HOLD } from '../policy/retry-after.ts'
import { countdown, stopwatch } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { DueMessage, Outcome, Store } from '../ports/store.ts'
import type { Sink } from '../sinks/sink.ts'
import { type Attempt, type AttemptPorts, attemptDelivery, LONGEST_ATTEMPT } from './attempt.ts'
import { type Endpoint, endpointQueue } from './endpoint.ts'
import type { Endpoints } from './endpoints.ts'
import { payloadFor } from './payload.ts'
import { nextAttemptInMs, withJitter } from './retry-schedule.ts'

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
export function createEndpointSink(id: string, parts: EndpointSinkParts, ports: EndpointSinkPorts): Sink {
  const { connection, endpoints, clientId } = parts
  const { store, clock, random } = ports
  let failures = 0
  let restLeft = countdown(clock, 0)
  let gone: DueMessage | undefined

  const rest = (ms: Millis): void => {
    if (ms > restLeft()) restLeft = countdown(clock, ms)
  }

  /** What came of a try, as an event and as a word to the outbox. */
  function settled(endpoint: Endpoint, { event: of, attempts }: DueMessage, tried: Attempt): [Outcome, Event] {
    const { result, why } = tried
    const inMs = result === 'failed' ? nextAttemptInMs(attempts, tried.retryAfterMs, random.float()) : undefined
    const tell = teller(endpoint, of, { tried, attempt: attempts + 1 })
    if (result === 'taken') return [{ event: of.id, then: 'done' }, tell(webhookDelivered)]
    if (inMs !== undefined)
      return [
        { event: of.id, then: 'retry', inMs, why },
        tell(webhookFailed, why, `It is tried again at ${iso(clock.wall() + inMs)}.`),
      ]
    return [{ event: of.id, then: 'dead-letter', why }, tell(webhookDeadLettered, why, REDELIVER)]
  }

  /** Words what happened to an event on its way to the endpoint. */
  const teller =
    (endpoint: Endpoint, of: Event, how: { readonly tried?: Attempt; readonly attempt?: number } = {}) =>
    (make: (about: About, facts: DeliveryFacts) => Event, why?: string, next = ''): Event =>
      make(
        { actor: 'webhooks', connection, subject: of.subject, correlationId: of.correlationId },
        {
          id: random.uuid(),
          at: clock.wall(),
          webhook: endpoint.id,
          delivered: of,
          attempt: how.attempt,
          statusCode: how.tried?.statusCode,
          latencyMs: how.tried?.latencyMs,
          error:
            why === undefined
              ? undefined
              : new GuestpassError('webhook_failed', `Webhook ${endpoint.id}: ${why}. ${next}`.trim()),
        },
      )

  const write = async (events: readonly Event[]): Promise<void> => void (await store.commit({ connection, events }))

  /** A disabled endpoint gets nothing; what still waits for it can be sent when it is enabled. */
  async function deadLetterAll(
    endpoint: Endpoint,
    due: readonly DueMessage[],
    why: string,
  ): Promise<readonly Outcome[]> {
    await write(due.map(({ event: of }) => teller(endpoint, of)(webhookDeadLettered, why, ENABLE)))
    return due.map(({ event: of }) => ({ event: of.id, then: 'dead-letter', why }))
  }

  async function one(endpoint: Endpoint, due: DueMessage, signal: AbortSignal): Promise<Outcome> {
    const of = due.event
    const credential = await store.findBySubject(connection, of.subject)
    const sent = payloadFor(endpoint, of, {
      now: clock.wall(),
      ...(credential ? { credential } : {}),
      ...(clientId === undefined ? {} : { clientId }),
    })
    if (!sent) return { event: of.id, then: 'done' }
    const tried = await attemptDelivery(endpoint, of, sent, ports, signal)
    const [outcome, told] = settled(endpoint, due, tried)
    await write([told])
    if (tried.result === 'gone') gone ??= due
    if (tried.retryAfterMs !== undefined) rest(withJitter(Math.min(tried.retryAfterMs, LONGEST_HOLD), random.float()))
    return outcome
  }

  async function disable(endpoint: Endpoint, { event: of }: DueMessage): Promise<void> {
    await endpoints.disable(endpoint.id, GONE)
    await write([teller(endpoint, of)(webhookDisabled, GONE, ENABLE)])
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
    name: endpointQueue(connection, id),
    backOffMs: () => restLeft(),
    async deliver(due, signal) {
      const endpoint = (await endpoints.all()).find((known) => known.id === id)
      // It was removed.
      if (!endpoint) return due.map(({ event: of }) => ({ event: of.id, then: 'done' }))
      if (endpoint.disabled) return deadLetterAll(endpoint, due, `the endpoint is disabled: ${endpoint.disabled.why}`)
      gone = undefined
      const elapsed = stopwatch(clock)
      const outcomes: Outcome[] = []
      const stopped = (): boolean => signal.aborted || gone !== undefined || restLeft() > 0
      /** A try that the caller cut short is none; what the store cannot give counts, so that one message never holds up the rest. */
      const failed = (message: DueMessage, thrown: unknown): Outcome => {
        if (signal.aborted) return released(message)
        const why = `the message could not be made or written down (${asGuestpassError(thrown).code})`
        const inMs = nextAttemptInMs(message.attempts, undefined, random.float())
        return {
          event: message.event.id,
          why,
          ...(inMs === undefined ? { then: 'dead-letter' } : { then: 'retry', inMs }),
        }
      }
      /** Those of one guest, in their order; what there is no time for is left to the next batch. */
      const inOrder = async (messages: readonly DueMessage[]): Promise<void> => {
        for (const message of messages) {
          const over = stopped() || elapsed() > BUDGET
          const tried = over ? released(message) : one(endpoint, message, signal)
          outcomes.push(await Promise.resolve(tried).catch((thrown: unknown) => failed(message, thrown)))
        }
      }
      await Promise.all([...Map.groupBy(due, (message) => message.event.subject).values()].map(inOrder))
      if (gone) await disable(endpoint, gone)
      tally(outcomes)
      return outcomes
    },
  }
}

const released = ({ event: of }: DueMessage): Outcome => ({ event: of.id, then: 'release' })

const GONE = 'the endpoint answered 410: it is gone'
const REDELIVER = 'It can be sent again with `guestpass webhooks redeliver`.'
const ENABLE = 'Enable it with `guestpass webhooks enable` when it is back.'
