import { guestApis, type GuestContext, GuestpassError, type ReadyContext } from '@guestpass/core'
import * as kinds from '@guestpass/core/options'
import { type Millis, SECOND } from '@guestpass/core/store-kit'
import { checkArgument, type Parameter } from './arguments.ts'
import type { TranslateError } from './errors.ts'

/** Who asks, for which request, and how long the caller waits: the last argument of every call. */
export interface CallContext extends GuestContext, ReadyContext {}

/** The calls of a program, as long as they are taken. */
export interface Calls {
  /** Runs a call. Rejects with `invalid_input` for a context that is wrong, and with `store_unavailable` after the end. */
  run<T>(context: CallContext | undefined, work: (context: CallContext) => Promise<T>): Promise<T>
  /** Takes no more, and resolves when those under way have ended. */
  end(): Promise<void>
}

export function createCalls(connection: string, patienceMs: Millis | undefined, said: TranslateError): Calls {
  const underway = new Set<Promise<unknown>>()
  let isOver = false
  const usual = patienceMs === undefined ? {} : { patienceMs }
  return {
    async run(context, work) {
      if (isOver) throw closed(connection)
      const call = work({ ...usual, ...checkArgument(CONTEXT, context) })
      underway.add(call)
      try {
        return await call
      } catch (thrown) {
        throw said(thrown)
      } finally {
        underway.delete(call)
      }
    },
    async end() {
      isOver = true
      while (underway.size > 0) await Promise.allSettled(underway)
    },
  }
}

const closed = (connection: string): GuestpassError =>
  new GuestpassError(
    'store_unavailable',
    `Connection ${connection} was closed by close(), or is closing. Make another one with guestpass().`,
  )

const { call, kind, oneOf, record, text } = kinds

const contextKind = record<CallContext>({
  actor: text,
  correlationId: text,
  signal: kind(
    'an AbortSignal',
    (value) => value instanceof AbortSignal,
    'Give AbortSignal.timeout(5_000), or leave it out.',
  ),
  patienceMs: kind(
    'a number of milliseconds above 0',
    (value) => typeof value === 'number' && Number.isFinite(value) && value > 0,
    `Give milliseconds, as ${10 * SECOND}.`,
  ),
  onReady: call('Give a function that takes event and token.'),
  api: oneOf(...guestApis),
})

const CONTEXT: Parameter = { what: 'The call was not made', name: 'context', kind: contextKind, members: 'context.' }
