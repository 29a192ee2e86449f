import {
  type EventContext,
  lastMembers,
  type EndFacts,
  type TypedEvent,
  type EventBase,
  firstMembers,
  type EventStamp,
} from './event-parts.ts'

/** Data of a started sign-in. `grant`: `authorization_code`, or `device_code`. */
export type SignInStartedData = { readonly grant: string; readonly scopes: readonly string[] }

/** Data of a completed sign-in. */
export type SignInData = SignInStartedData & {
  /** Requested scopes that were not granted. */
  readonly missing: readonly string[]
  /** Granted scopes that were not requested. */
  readonly excess: readonly string[]
  readonly verified: boolean
  /** Whether the user is known. */
  readonly identified: boolean
}

/** The event of a failed sign-in: its `error` is the cause. */
export interface SignInFailed extends EventBase {
  readonly type: 'SIGN_IN_FAILED'
  readonly outcome: 'failure'
  readonly data?: never
}

/** The events of sign-ins. */
export type SignInEvent =
  | TypedEvent<'SIGN_IN_STARTED', 'pending', SignInStartedData>
  | TypedEvent<'SIGN_IN_COMPLETED', 'success', SignInData>
  | SignInFailed

type EventOfType<T extends SignInEvent['type']> = Extract<SignInEvent, { readonly type: T }>

/** A sign-in has begun: the user is sent to the upstream. */
export const signInStarted = (
  about: EventContext,
  { generation, data, ...stamp }: EventStamp & { readonly generation: number; readonly data: SignInStartedData },
): EventOfType<'SIGN_IN_STARTED'> => ({
  ...firstMembers(stamp, about),
  type: 'SIGN_IN_STARTED',
  outcome: 'pending',
  generation,
  data,
})

/** The tokens of a sign-in are stored; `generation` is the one that they made. */
export const signInCompleted = (
  about: EventContext,
  { generation, data, ...stamp }: EventStamp & { readonly generation: number; readonly data: SignInData },
): EventOfType<'SIGN_IN_COMPLETED'> => ({
  ...firstMembers(stamp, about),
  type: 'SIGN_IN_COMPLETED',
  outcome: 'success',
  generation,
  data,
})

/** A sign-in failed. */
export const signInFailed = (
  about: EventContext,
  { generation, ...facts }: EventStamp & EndFacts & { readonly generation: number },
): EventOfType<'SIGN_IN_FAILED'> => ({
  ...firstMembers(facts, about),
  type: 'SIGN_IN_FAILED',
  outcome: 'failure',
  generation,
  ...lastMembers(facts),
})
