import type { TriesData } from './tries.ts'
import {
  type EventContext,
  type EndFacts,
  type TypedEvent,
  type EventOutcome,
  firstMembers,
  lastMembers,
  type EventStamp,
} from './event-parts.ts'

/** The grant of a sign-in, as events of access tokens name it in `data.grant` (RFC 6749, section 6). */
export const REFRESH_GRANT = 'refresh_token'
/** The grant of the service itself (RFC 6749, section 4.4). */
export const CLIENT_GRANT = 'client_credentials'

/** Data of a change of a sign-in. `intent`: the id of the intent that was stored before the refresh. */
export type GrantData = { readonly grant: 'refresh_token'; readonly intent?: string }

/** Data of a failed request. `asked`: the requested scopes; empty if all were requested. */
export type AccessFailedData = {
  readonly grant: 'refresh_token' | 'client_credentials'
  readonly asked: readonly string[]
}

/** Data of a token by client credentials. */
export type ClientTokenData = {
  readonly grant: 'client_credentials'
  readonly scopes: readonly string[]
  readonly verified: boolean
} & TriesData

/** Data of a token by a refresh token. */
export type RefreshedTokenData = {
  readonly grant: 'refresh_token'
  /** Whether the answer had a new refresh token. */
  readonly rotated: boolean
  readonly scopes: readonly string[]
  /** Requested scopes that were not granted. */
  readonly missing: readonly string[]
  /** Granted scopes that were not requested. */
  readonly excess: readonly string[]
  readonly verified: boolean
} & TriesData

/** The events of access tokens and of the sign-in that renews them. */
export type AccessTokenEvent =
  | TypedEvent<'ACCESS_TOKEN_INITIATED', 'pending', GrantData>
  | TypedEvent<'ACCESS_TOKEN_RENEWED', 'success', ClientTokenData | RefreshedTokenData>
  | TypedEvent<'ACCESS_TOKEN_FAILED', 'failure', AccessFailedData>
  | TypedEvent<'GRANT_IN_DOUBT', 'pending', GrantData>
  | TypedEvent<'GRANT_LAST_RESORT', 'pending', GrantData>
  | TypedEvent<'GRANT_ENDED', 'failure', GrantData>
  | TypedEvent<'GRANT_REVOKED', 'success', { readonly upstream: 'done' | 'unsupported' | 'failed' }>

type EventOfType<T extends AccessTokenEvent['type']> = Extract<AccessTokenEvent, { readonly type: T }>

/**
 * A change of a sign-in between two tokens. `intent`: its id; `latencyMs` where a call has ended.
 */
interface GrantFacts extends EventStamp, Pick<EndFacts, 'latencyMs'> {
  readonly generation: number
  readonly intent?: string | undefined
}

/** A function that makes the event of one change of a sign-in. */
const grantEvent =
  <T extends 'ACCESS_TOKEN_INITIATED' | 'GRANT_IN_DOUBT' | 'GRANT_LAST_RESORT' | 'GRANT_ENDED', O extends EventOutcome>(
    type: T,
    outcome: O,
  ) =>
  (about: EventContext, { intent, generation, ...facts }: GrantFacts): TypedEvent<T, O, GrantData> => ({
    ...firstMembers(facts, about),
    type,
    outcome,
    generation,
    data: { grant: REFRESH_GRANT, ...(intent === undefined ? {} : { intent }) },
    ...lastMembers(facts),
  })

/** A refresh of the sign-in is about to be sent. */
export const accessTokenRequested = grantEvent('ACCESS_TOKEN_INITIATED', 'pending')

/** The answer to a refresh of the sign-in was lost: its refresh token may be spent. */
export const grantInDoubt = grantEvent('GRANT_IN_DOUBT', 'pending')

/** A refresh token that may be spent is about to be presented once more. */
export const lastResortStarted = grantEvent('GRANT_LAST_RESORT', 'pending')

/** The upstream ended the sign-in: the user must sign in again. */
export const grantEnded = grantEvent('GRANT_ENDED', 'failure')

/** An access token is stored; `generation` is the one that it made. */
export const accessTokenRenewed = (
  about: EventContext,
  {
    generation,
    data,
    ...facts
  }: EventStamp & EndFacts & { readonly generation: number; readonly data: ClientTokenData | RefreshedTokenData },
): EventOfType<'ACCESS_TOKEN_RENEWED'> => ({
  ...firstMembers(facts, about),
  type: 'ACCESS_TOKEN_RENEWED',
  outcome: 'success',
  generation,
  data,
  ...lastMembers(facts),
})

/** A request for an access token failed. */
export const accessTokenFailed = (
  about: EventContext,
  {
    generation,
    data,
    ...facts
  }: EventStamp & EndFacts & { readonly generation: number; readonly data: AccessFailedData },
): EventOfType<'ACCESS_TOKEN_FAILED'> => ({
  ...firstMembers(facts, about),
  type: 'ACCESS_TOKEN_FAILED',
  outcome: 'failure',
  generation,
  data,
  ...lastMembers(facts),
})

/**
 * The sign-in was ended on purpose. `generation` is the one that the sign-out made; `upstream`: whether the
 * tokens ended there.
 */
export const grantRevoked = (
  about: EventContext,
  {
    generation,
    upstream,
    ...stamp
  }: EventStamp & { readonly generation: number; readonly upstream: 'done' | 'unsupported' | 'failed' },
): EventOfType<'GRANT_REVOKED'> => ({
  ...firstMembers(stamp, about),
  type: 'GRANT_REVOKED',
  outcome: 'success',
  generation,
  data: { upstream },
})
