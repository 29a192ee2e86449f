import type { Context } from '../context.ts'
import type { ErrorCode, GuestpassError } from '../errors.ts'
import { type Instant, type Millis, tenth } from '../time.ts'

/** The outcome of what an event is about. `pending`: it has started, or its end is not known. */
export type EventOutcome = 'pending' | 'success' | 'failure'

/** The error of an event. It holds no secret and no name of a person. */
export interface EventError {
  readonly code: ErrorCode
  readonly message: string
  readonly reason?: string
}

/** The members that every event has, whatever its type. */
export interface EventBase {
  /** A UUID; the same for every delivery of the event. */
  readonly id: string
  /** On the store's clock; on this machine's, if no store call gave the time. */
  readonly at: Instant
  /** Who asked: `cli`, `library`, an API key's id, or the worker. */
  readonly actor: string
  readonly connection: string
  /** A random id that represents the guest or the access token. */
  readonly subject: string
  /** The generation that the event made or concerns; receivers drop what is older. */
  readonly generation: number
  /** Joins the events of one request. */
  readonly correlationId: string
  /** With one decimal. */
  readonly latencyMs?: Millis
  /** HTTP status of the upstream answer. */
  readonly statusCode?: number
  /** The Idempotency-Key of the request to the upstream. */
  readonly idempotencyKey?: string
  readonly error?: EventError
}

/** An event by its type, its outcome and its data. */
export interface TypedEvent<T extends string, O extends EventOutcome, D> extends EventBase {
  readonly type: T
  readonly outcome: O
  readonly data: D
}

/** The members that all events of one request share. */
export type EventContext = Pick<EventBase, 'actor' | 'connection' | 'subject' | 'correlationId'>

/** The events of one call share its actor and correlation id. Defaults: `library`, a new UUID. */
export const eventContext = (
  { connection, subject }: Pick<EventContext, 'connection' | 'subject'>,
  { actor = 'library', correlationId }: Pick<Context, 'actor' | 'correlationId'>,
  random: { uuid(): string },
): EventContext => ({ actor, connection, subject, correlationId: correlationId ?? random.uuid() })

/** The id and the time of one event. */
export type EventStamp = Pick<EventBase, 'id' | 'at'>

/** Facts of the end of a call. */
export interface EndFacts {
  readonly latencyMs?: Millis | undefined
  /** Default: the status that the error carries. */
  readonly statusCode?: number | undefined
  readonly error?: GuestpassError | undefined
}

/** The first members of an event, in the order in which they are stored. */
export const firstMembers = ({ id, at }: EventStamp, about: EventContext) => ({ id, at, ...about })

/**
 * The last members of an event. Absent facts are left out; of an error only code, message and reason are
 * kept.
 */
export const lastMembers = ({
  error,
  latencyMs,
  statusCode = error?.upstream?.status,
}: EndFacts): Pick<EventBase, 'latencyMs' | 'statusCode' | 'error'> => ({
  ...(latencyMs === undefined ? {} : { latencyMs: tenth(latencyMs) }),
  ...(statusCode === undefined ? {} : { statusCode }),
  ...(error ? { error: errorFacts(error) } : {}),
})

const errorFacts = ({ code, message, reason }: GuestpassError): EventError => ({
  code,
  message,
  ...(reason === undefined ? {} : { reason }),
})
