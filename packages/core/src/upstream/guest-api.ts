import type { Json } from '../domain/json.ts'
import type { Secret } from '../domain/secret.ts'
import type { Millis } from '../domain/time.ts'
import type { Policy } from '../policy/pipeline.ts'
import type { Network } from './answer.ts'
import type { CreatedGuest } from './created-guest.ts'
import type { GrantedTokens } from './granted-tokens.ts'
import type { RequestFields } from './request-field.ts'
import type { TryHooks } from './try-hooks.ts'

/** The format of the tokens of an API. `jwt`: they are verified on receipt. `opaque`: they are accepted unread. */
export type TokenFormat = 'jwt' | 'opaque'

/** The facts that every guest API states about itself. */
interface GuestApiFacts {
  /** Its name in requests, in the store and on the command line. It never changes once a guest is stored. */
  readonly name: string
  /** One of its guests, in lower case with dashes. It names the settings of the API. */
  readonly singular: string
  /** What its guests are: a phrase without a full stop, for help and documentation. */
  readonly summary: string
  /** The scopes that access tokens need for all calls of the API. */
  readonly scopes: readonly string[]
  /** How its tokens are treated, unless the configuration says otherwise. */
  readonly tokenFormat: TokenFormat
}

/** An API that mints tokens for ids of guests. */
export interface MintingApi extends GuestApiFacts {
  readonly guests: 'minted'
  /** The fields of its requests besides `api`, in the order of help and documentation. */
  readonly fields: RequestFields
}

/** The facts of an API that makes a guest for the address of an applicant. */
export interface AuthenticatingFacts extends GuestApiFacts {
  /**
   * Whether a guest belongs to a channel: then an applicant may have one guest on each channel, else one in
   * all.
   */
  readonly channel: boolean
  /**
   * Whether the upstream answers 409 to a second create for the same applicant. Then a create whose answer
   * was lost may be sent again; otherwise it could make another guest.
   */
  readonly refusesSecondGuest: boolean
  /** How a guest gets its next token: by a refresh token that each refresh uses up, or not at all. */
  readonly renewal: 'rotating' | 'none'
  /** Whether guests get attributes after they were made: what the CRM knows, and the consent. */
  readonly enriched: boolean
  /** Whose access token makes the guests: that of the service, or that of a signed-in user. */
  readonly onBehalfOf: 'service' | 'user'
}

/** An API that makes a guest for the address of an applicant. */
export interface AuthenticatingApi extends AuthenticatingFacts {
  readonly guests: 'authenticated'
  /** The fields of its requests besides `api`, in the order of help and documentation. */
  readonly fields: RequestFields
  calls(parts: ProviderParts): AuthenticatingCalls
}

/** The parts that the calls of an API use. */
export interface ProviderParts {
  readonly connection: string
  /** The base URL of the API, without a slash at its end. */
  readonly api: string
  readonly network: Network
  /**
   * The policy of calls whose access token must have the scopes `needed`. The policy brings the token as
   * `call.bearer`. `asked`: the scopes that the token is asked for. Default: `needed`.
   */
  readonly policyFor: (needed: readonly string[], asked?: readonly string[]) => Policy
}

/** The fields that the checked requests of all applicants have in common. */
export interface CheckedRequest {
  readonly email: string
  readonly name?: string | undefined
  readonly channelId?: string | undefined
  readonly consent?: true | undefined
  readonly attributes?: Readonly<Record<string, Json>> | undefined
}

/** The calls of an API that makes guests for addresses. */
export interface AuthenticatingCalls<Request extends CheckedRequest = CheckedRequest> {
  /**
   * Makes a guest. The call is not repeated once the upstream may have acted. `requestId`: a UUID that traces
   * the call. Rejects with `in_doubt` if the upstream may have acted, with `session_exists` if it has a
   * session for the applicant, and as any call does.
   */
  create(request: Request, requestId: string, hooks: TryHooks, patienceMs?: Millis): Promise<CreatedGuest>
  /**
   * Exchanges a refresh token, which is used up by it, for the next tokens. `about`: what is known of the
   * applicant, which the upstream may repeat and which no message shows. Rejects with `in_doubt`, with
   * `refresh_impossible` if the token is spent, and as any call does. Needed where `renewal` is `rotating`.
   */
  refresh?(
    refreshToken: Secret,
    hooks: TryHooks,
    patienceMs?: Millis,
    about?: readonly Secret[],
  ): Promise<GrantedTokens>
  /**
   * Replaces the attributes of a guest. The call may be repeated. `about` as in `refresh`. Needed where
   * `enriched`.
   */
  update?(guestId: string, attributes: Readonly<Record<string, Json>>, about?: readonly Secret[]): Promise<void>
  /**
   * Resolves if guests can be made on the channel. Rejects with `channel_unavailable` or `access_denied` if
   * they cannot. Absent: a channel is not looked at before a create.
   */
  channel?(channelId: string): Promise<void>
}
