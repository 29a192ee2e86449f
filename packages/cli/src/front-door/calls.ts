import { guestApis, type GuestContext, GuestpassError, type ReadyContext } from '@guestpass/core'
import * as schemas from '@guestpass/core/options'
import { withClock } from '@guestpass/core/runtime-kit'
import { type Instant, type Millis, SECOND } from '@guestpass/core/store-kit'
import { checkArgument, type Parameter } from './arguments.ts'
import type { ErrorTranslator } from './errors.ts'

/**
 * The last argument of every call: who calls (`actor`), for which request (`correlationId`), for whom (`owner`), how long the call
 * may take (`signal`, `patienceMs`), the API of the guest (`api`), and a listener for the token (`onReady`).
 */
export interface CallContext extends GuestContext, ReadyContext {}

/** Runs the calls of a program until the front door closes. */
export interface Calls {
  /**
   * Runs a call. Rejects with `invalid_input` for a wrong context, and with `store_unavailable` after `end`.
   */
  run<T>(context: CallContext | undefined, work: (context: CallContext) => Promise<T>): Promise<T>
  /** Refuses further calls, and resolves when all running calls have ended. */
  end(): Promise<void>
}

export function createCalls(
  connection: string,
  patienceMs: Millis | undefined,
  translate: Pick<ErrorTranslator, 'error'>,
  now: () => Instant,
): Calls {
  const running = new Set<Promise<unknown>>()
  let hasEnded = false
  const defaults = patienceMs === undefined ? {} : { patienceMs }
  return {
    async run(context, work) {
      if (hasEnded) throw closed(connection)
      const call = work({ ...defaults, ...checkArgument(CONTEXT, context) })
      running.add(call)
      try {
        return await call
      } catch (thrown) {
        throw withClock(translate.error(thrown), now)
      } finally {
        running.delete(call)
      }
    },
    async end() {
      hasEnded = true
      while (running.size > 0) await Promise.allSettled(running)
    },
  }
}

const closed = (connection: string): GuestpassError =>
  new GuestpassError(
    'store_unavailable',
    `Connection ${connection} is closed: close() was called. Open another one with guestpass().`,
  )

const { callable, schema, oneOf, object, nonEmptyText } = schemas

const contextSchema = object<CallContext>({
  actor: nonEmptyText,
  correlationId: nonEmptyText,
  signal: schema(
    'an AbortSignal',
    (value) => value instanceof AbortSignal,
    'Give AbortSignal.timeout(5_000), or leave it out.',
  ),
  patienceMs: schema(
    'a number of milliseconds above 0',
    (value) => typeof value === 'number' && Number.isFinite(value) && value > 0,
    `Give milliseconds, as ${10 * SECOND}.`,
  ),
  owner: nonEmptyText,
  onReady: callable('Give a function that takes event and token.'),
  api: oneOf(...guestApis),
})

const CONTEXT: Parameter = { what: 'The call was not made', name: 'context', kind: contextSchema, members: 'context.' }
