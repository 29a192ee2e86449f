import {
  type About,
  type EndFacts,
  type EventAs,
  type EventOutcome,
  firstMembers,
  lastMembers,
  type Stamp,
} from './event-parts.ts'

/** The grant of a sign-in, as events of access tokens name it in `data.grant` (RFC 6749, section 6). */
export const REFRESH_GRANT = 'refresh_token'
/** The grant of the service itself (RFC 6749, section 4.4). */
export const CLIENT_GRANT = 'client_credentials'

/** `intent`: the id of the note that was written before the refresh. */
export type GrantData = { readonly grant: typeof REFRESH_GRANT; readonly intent?: string }

/** `asked`: the requested scopes; empty where all were requested. */
export type AccessFailedData = {
  readonly grant: typeof REFRESH_GRANT | typeof CLIENT_GRANT
  readonly asked: readonly string[]
}

/** A token by client credentials. */
export type ClientTokenData = {
  readonly grant: typeof CLIENT_GRANT
  readonly scopes: readonly string[]
  readonly verified: boolean
}

/** A token by a refresh token. */
export type RefreshedTokenData = {
  readonly grant: typeof REFRESH_GRANT
  /** Whether a new refresh token came too. */
  readonly rotated: boolean
  readonly scopes: readonly string[]
  /** Requested scopes that were not granted. */
  readonly missing: readonly string[]
  /** Granted scopes that were not requested. */
  readonly excess: readonly string[]
  readonly verified: boolean
}

export type AccessTokenEvent =
  | EventAs<'ACCESS_TOKEN_INITIATED', 'pending', GrantData>
  | EventAs<'ACCESS_TOKEN_RENEWED', 'success', ClientTokenData | RefreshedTokenData>
  | EventAs<'ACCESS_TOKEN_FAILED', 'failure', AccessFailedData>
  | EventAs<'GRANT_IN_DOUBT', 'pending', GrantData>
  | EventAs<'GRANT_LAST_RESORT', 'pending', GrantData>
  | EventAs<'GRANT_ENDED', 'failure', GrantData>
  | EventAs<'GRANT_REVOKED', 'success', { readonly upstream: 'done' | 'unsupported' | 'failed' }>

type Made<T extends AccessTokenEvent['type']> = Extract<AccessTokenEvent, { readonly type: T }>

/** A change of a sign-in between two tokens. `intent`: the id of its note; `latencyMs` where a call has ended. */
interface GrantFacts extends Stamp, Pick<EndFacts, 'latencyMs'> {
  readonly generation: number
  readonly intent?: string | undefined
}

/** A function that makes the event of one change of a sign-in. */
const grantEvent =
  <T extends 'ACCESS_TOKEN_INITIATED' | 'GRANT_IN_DOUBT' | 'GRANT_LAST_RESORT' | 'GRANT_ENDED', O extends EventOutcome>(
    type: T,
    outcome: O,
  ) =>
  (about: About, { intent, generation, ...facts }: GrantFacts): EventAs<T, O, GrantData> => ({
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

/** Upstream ended the sign-in: the user must sign in again. */
export const grantEnded = grantEvent('GRANT_ENDED', 'failure')

/** An access token came; `generation` is the one that it made. */
export const accessTokenRenewed = (
  about: About,
  {
    generation,
    data,
    ...facts
  }: Stamp & EndFacts & { readonly generation: number; readonly data: ClientTokenData | RefreshedTokenData },
): Made<'ACCESS_TOKEN_RENEWED'> => ({
  ...firstMembers(facts, about),
  type: 'ACCESS_TOKEN_RENEWED',
  outcome: 'success',
  generation,
  data,
  ...lastMembers(facts),
})

/** A request for an access token failed. */
export const accessTokenFailed = (
  about: About,
  { generation, data, ...facts }: Stamp & EndFacts & { readonly generation: number; readonly data: AccessFailedData },
): Made<'ACCESS_TOKEN_FAILED'> => ({
  ...firstMembers(facts, about),
  type: 'ACCESS_TOKEN_FAILED',
  outcome: 'failure',
  generation,
  data,
  ...lastMembers(facts),
})

/** The sign-in was ended on purpose. `generation` is the one that the sign-out made; `upstream`: whether the tokens ended there. */
export const grantRevoked = (
  about: About,
  {
    generation,
    upstream,
    ...stamp
  }: Stamp & { readonly generation: number; readonly upstream: 'done' | 'unsupported' | 'failed' },
): Made<'GRANT_REVOKED'> => ({
  ...firstMembers(stamp, about),
  type: 'GRANT_REVOKED',
  outcome: 'success',
  generation,
  data: { upstream },
})
