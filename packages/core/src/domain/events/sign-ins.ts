import {
  type About,
  lastMembers,
  type EndFacts,
  type EventAs,
  type EventBase,
  firstMembers,
  type Stamp,
} from './event-parts.ts'

/** `grant`: `authorization_code`, or `device_code`. */
export type SignInStartedData = { readonly grant: string; readonly scopes: readonly string[] }

export type SignInData = SignInStartedData & {
  /** Requested scopes that were not granted. */
  readonly missing: readonly string[]
  /** Granted scopes that were not requested. */
  readonly excess: readonly string[]
  readonly verified: boolean
  /** Whether the user is known. */
  readonly identified: boolean
}

/** A sign-in that failed: its `error` says why. */
interface SignInFailed extends EventBase {
  readonly type: 'SIGN_IN_FAILED'
  readonly outcome: 'failure'
  readonly data?: never
}

export type SignInEvent =
  | EventAs<'SIGN_IN_STARTED', 'pending', SignInStartedData>
  | EventAs<'SIGN_IN_COMPLETED', 'success', SignInData>
  | SignInFailed

type Made<T extends SignInEvent['type']> = Extract<SignInEvent, { readonly type: T }>

/** A sign-in has begun: the user is sent to the upstream. */
export const signInStarted = (
  about: About,
  { generation, data, ...stamp }: Stamp & { readonly generation: number; readonly data: SignInStartedData },
): Made<'SIGN_IN_STARTED'> => ({
  ...firstMembers(stamp, about),
  type: 'SIGN_IN_STARTED',
  outcome: 'pending',
  generation,
  data,
})

/** The tokens of a sign-in are stored; `generation` is the one that they made. */
export const signInCompleted = (
  about: About,
  { generation, data, ...stamp }: Stamp & { readonly generation: number; readonly data: SignInData },
): Made<'SIGN_IN_COMPLETED'> => ({
  ...firstMembers(stamp, about),
  type: 'SIGN_IN_COMPLETED',
  outcome: 'success',
  generation,
  data,
})

/** A sign-in failed. */
export const signInFailed = (
  about: About,
  { generation, ...facts }: Stamp & EndFacts & { readonly generation: number },
): Made<'SIGN_IN_FAILED'> => ({
  ...firstMembers(facts, about),
  type: 'SIGN_IN_FAILED',
  outcome: 'failure',
  generation,
  ...lastMembers(facts),
})
