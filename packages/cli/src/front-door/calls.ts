import { GuestpassError, type GuestContext, type Millis, type ReadyContext, SECOND } from '@guestpass/core'
import { fault, objectOf, refused, unknownMembers } from './arguments.ts'
import type { InProgram } from './errors.ts'

/** Who asks, for which request, and how long the caller waits: the last argument of every call. */
export interface CallContext extends GuestContext, ReadyContext {}

/** The calls of a program, as long as they are taken. */
export interface Calls {
  /** Runs a call. Rejects with `invalid_input` for a context that is wrong, and with `store_unavailable` after the end. */
  run<T>(context: unknown, work: (context: CallContext) => Promise<T>): Promise<T>
  /** Takes no more, and resolves when those under way have ended. */
  end(): Promise<void>
  readonly hasEnded: () => boolean
}

export function createCalls(connection: string, patienceMs: Millis | undefined, said: InProgram): Calls {
  const underway = new Set<Promise<unknown>>()
  let isOver = false
  const usual = patienceMs === undefined ? {} : { patienceMs }
  return {
    async run(context, work) {
      if (isOver) throw closed(connection)
      const call = work({ ...usual, ...checkedContext(context) })
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
    hasEnded: () => isOver,
  }
}

const closed = (connection: string): GuestpassError =>
  new GuestpassError(
    'store_unavailable',
    `Connection ${connection} was closed by close(), or is closing. Make another one with guestpass().`,
  )

const isText = (value: unknown): boolean => typeof value === 'string' && value.trim() !== ''

/** What each member must be, and what to do where it is not. */
const members: Readonly<Record<string, readonly [fits: (value: unknown) => boolean, wrong: string, remedy: string]>> = {
  actor: [isText, 'is no text', 'Name who asks, as an id of a key or user.'],
  correlationId: [isText, 'is no text', 'Give the id of the request.'],
  signal: [
    (value) => value instanceof AbortSignal,
    'is no AbortSignal',
    'Give AbortSignal.timeout(5_000), or leave it out.',
  ],
  patienceMs: [
    (value) => typeof value === 'number' && Number.isFinite(value) && value > 0,
    'is no number of milliseconds above 0',
    `Give milliseconds, as ${10 * SECOND}.`,
  ],
  onReady: [(value) => typeof value === 'function', 'is no function', 'Give a function that takes event and token.'],
  api: [isText, 'is no text', 'Give guest-tokens, engagements or external-users.'],
}
const names = Object.keys(members)

const WHAT = 'The call was not made'

function checkedContext(context: unknown): CallContext {
  if (context === undefined) return {}
  const given = objectOf(context)
  if (!given)
    throw refused(WHAT, fault('context', 'is no object', `Give { ${names.join(', ')} }, those that you need.`))
  const faults = Object.entries(members).flatMap(([name, [fits, message, remedy]]) =>
    given[name] === undefined || fits(given[name]) ? [] : [fault(`context.${name}`, message, remedy)],
  )
  const all = [...unknownMembers(given, names, 'context.'), ...faults]
  if (all.length > 0) throw refused(WHAT, ...all)
  return given
}
