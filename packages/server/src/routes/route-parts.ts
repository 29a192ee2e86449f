import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  FastifyTypeProvider,
  RawServerDefault,
} from 'fastify'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Secret } from '@guestpass/core'
import { type Millis, SECOND } from '@guestpass/core/store-kit'
import type * as z from 'zod'
import { type Caller, callerContext } from '../auth/caller.ts'
import { callerOf } from '../auth/authenticate.ts'
import type { ServedConnection } from '../connections/served-connection.ts'
import '../http/types.ts'

/** Requests have the types of their schemas. Answers are made by functions that the command line uses too. */
interface RequestTypes extends FastifyTypeProvider {
  readonly validator: this['schema'] extends z.core.$ZodType ? z.output<this['schema']> : unknown
  readonly serializer: unknown
}

/** The server that routes are added to. */
export type App = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, RequestTypes>

/** A hook for routes whose body may be left out. */
export const emptyBody = async (request: FastifyRequest): Promise<void> => {
  request.body ??= {}
}

/** Shows a token to a caller who may have it. */
export const revealed = (token: Secret): string => token.reveal()

/** Masks a secret. */
export const masked = (secret: Secret): string => secret.mask()

/** How long a request waits for the upstream if no setting says. */
const PATIENCE: Millis = 30 * SECOND

/** How long a request of a connection waits for the upstream. */
export function patienceOf({ config: { settings } }: Pick<ServedConnection, 'config'>): Millis {
  const { patienceSeconds } = settings
  return patienceSeconds === undefined ? PATIENCE : patienceSeconds * SECOND
}

/** The context of the calls of a request, which ends when the caller has gone. */
export function callContext(request: FastifyRequest, reply: FastifyReply) {
  const caller = callerOf(request)
  return { ...lastingContext(request, caller), signal: closedSignal(reply) }
}

/** The same for work that goes on when the caller has gone. */
export function lastingContext(request: FastifyRequest, caller: Caller) {
  return { ...callerContext(caller), correlationId: request.id, patienceMs: patienceOf(caller.served) }
}

/** Aborts when the connection closes before the answer was sent. */
function closedSignal({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController()
  raw.once('close', () => {
    if (!raw.writableFinished) gone.abort()
  })
  return gone.signal
}
