import {
  type SessionOwner,
  type Erasure,
  type GuestApi,
  guestApis,
  type GuestRequest,
  type Guests,
  type GuestView,
  type Invalidation,
  type IssuedGuest,
  type PersonErasure,
  type PersonExport,
  type PersonKey,
  type Revocation,
  type Secret,
} from '@guestpass/core'
import * as schemas from '@guestpass/core/options'
import { type CurrentStatus, currentStatuses } from '@guestpass/core/runtime-kit'
import { checkArgument, type Parameter } from './arguments.ts'
import type { CallContext, Calls } from './calls.ts'
import type { ExplainGuest, GuestExplanation, RecordSubject, WhyOptions } from './explain.ts'

/**
 * The status of a guest now: `active`, `in_doubt`, `needs_reauth`, `revoked` or `erased` as in `GuestView`, or
 * `expired` if it is active and its token has expired.
 */
export type GuestStatus = CurrentStatus

/** Which guests `guests.list` gives, and how many. */
export interface GuestFilter {
  /** Only guests of this API. Default: of all. */
  readonly api?: GuestApi | undefined
  /** Only guests with this status. Default: with any. */
  readonly status?: GuestStatus | undefined
  /** Only guests of this channel. Default: of all, and guests without a channel. */
  readonly channelId?: string | undefined
  /**
   * Only guests whose token is valid now and expires within so many milliseconds, from 0. Default: whenever it
   * expires.
   */
  readonly expiresWithinMs?: number | undefined
  /** The most guests of a page, 1 to 1000. Default 100. */
  readonly limit?: number | undefined
  /** The `next` of the previous page. Default: the first page. */
  readonly after?: string | undefined
}

/** A page of guests. */
export interface GuestPage {
  readonly guests: readonly GuestView[]
  /** The `after` of the next page. Absent on the last page. */
  readonly next?: string
}

/** Options of `guests.refresh`, for a guest whose current token is not in the store. */
export interface RefreshOptions {
  /** The current token. It is verified, stored and refreshed. Default: the stored token. */
  readonly token?: string | Secret | undefined
  /** The `sub` of `token`. Default: the id of the guest. */
  readonly subject?: string | undefined
}

/**
 * The guests of a connection. Every call rejects with a `GuestpassError`, whose `code` says what happened.
 */
export interface GuestpassGuests {
  /**
   * Issues a guest token by the API `guest-tokens` (default), `engagements` or `external-users`, and verifies
   * and stores it before it is given. Rejects with `invalid_input`, `session_exists`, `create_in_doubt`,
   * `guest_revoked`, `upstream_busy` and the codes of the upstream.
   *
   * @example
   * ```ts
   * const { guestId, expiresAt } = await gp.guests.issue({ scopes: ['webmessaging:guest:send'] })
   * console.log(guestId, new Date(expiresAt))
   * ```
   */
  issue(request: GuestRequest, context?: CallContext): Promise<IssuedGuest>
  /**
   * Gives the guest's token, valid now and renewed if due. Rejects with `guest_unknown`, `guest_revoked` and
   * the codes of the upstream.
   */
  token(guestId: string, context?: CallContext): Promise<IssuedGuest>
  /**
   * Renews the guest's token now. Calls at the same time share one renewal. `options.token`: the current token,
   * if the store does not have it. Rejects with `token_invalid` if that token does not verify, and as `token`
   * does.
   */
  refresh(guestId: string, options?: RefreshOptions, context?: CallContext): Promise<IssuedGuest>
  /** Gives what is stored of a guest, without its token. Rejects with `guest_unknown`. */
  show(guestId: string, context?: CallContext): Promise<GuestView>
  /**
   * Lists guests in the order of their ids in the store, a page at a time. A filter reads guests until the page
   * is full. Rejects with `invalid_input` for a wrong filter.
   *
   * @example
   * ```ts
   * for (let after: string | undefined; ; ) {
   *   const { guests, next } = await gp.guests.list({ status: 'active', ...(after ? { after } : {}) })
   *   console.log(guests.length)
   *   if (!next) break
   *   after = next
   * }
   * ```
   */
  list(filter?: GuestFilter, context?: CallContext): Promise<GuestPage>
  /**
   * Finds the guests of an e-mail address, on one channel or on all. Erased guests are not found. Rejects with
   * `invalid_input`.
   *
   * @example
   * ```ts
   * console.log((await gp.guests.find({ email: 'ann@example.com' })).length)
   * ```
   */
  find(whose: PersonKey, context?: CallContext): Promise<readonly GuestView[]>
  /** Revokes a guest: `verify` refuses its tokens, and no other is issued. Rejects with `guest_unknown`. */
  revoke(guestId: string, context?: CallContext): Promise<Revocation>
  /**
   * Revokes a guest, or every guest of an e-mail address, and deletes the personal data. `remains` of the
   * result names what is left elsewhere. Rejects with `guest_unknown`.
   *
   * @example
   * ```ts
   * const { remains } = await gp.guests.erase({ email: 'ann@example.com' })
   * console.log(remains)
   * ```
   */
  erase(guestId: string, context?: CallContext): Promise<Erasure>
  /** Erases all guests of the person of an e-mail address. */
  erase(whose: PersonKey, context?: CallContext): Promise<PersonErasure>
  /**
   * Exports everything that the store has of the person of an e-mail address, as JSON without tokens. Rejects
   * with `invalid_input`.
   */
  export(whose: PersonKey, context?: CallContext): Promise<PersonExport>
  /**
   * Gives up the session of an e-mail address on a channel, so that the next `issue` makes another guest instead
   * of `session_exists`. The token of the former guest stays valid until it expires. Rejects with
   * `invalid_input`.
   */
  invalidate(whose: SessionOwner, context?: CallContext): Promise<Invalidation>
  /**
   * Explains what happened to a guest last, until `options.at`, and why: from the audit log and the store, without a
   * request. Takes the id of the guest, or `{ subject }` of its records if its first token failed. The sentences name
   * settings as this program sets them. Rejects with `guest_unknown`, and with `invalid_input` for wrong arguments.
   *
   * @example
   * ```ts
   * const { guestId } = await gp.guests.issue({ scopes: ['webmessaging:guest:send'] })
   * const { cause, what, prevention } = await gp.guests.why(guestId)
   * console.log(cause, what, prevention)
   * ```
   */
  why(whose: string | RecordSubject, options?: WhyOptions, context?: CallContext): Promise<GuestExplanation>
}

export function createGuestpassGuests(guests: Guests, { run }: Calls, why: ExplainGuest): GuestpassGuests {
  return {
    issue: (request, context) => run(context, (callContext) => guests.issue(request, callContext)),
    token: (guestId, context) => run(context, (callContext) => guests.token(guestId, callContext)),
    refresh: (guestId, options, context) =>
      run(context, async (callContext) => guests.refresh(guestId, checkRefreshOptions(options), callContext)),
    show: (guestId, context) => run(context, (callContext) => guests.show(guestId, callContext)),
    list: (filter, context) =>
      run(context, async (callContext) => guests.list(checkArgument(FILTER, filter), callContext)),
    find: (whose, context) => run(context, (callContext) => guests.find(whose, callContext)),
    revoke: (guestId, context) => run(context, (callContext) => guests.revoke(guestId, callContext)),
    // One implementation of both overloads.
    erase: ((whose: never, context) =>
      run(context, (callContext) => guests.erase(whose, callContext))) as GuestpassGuests['erase'],
    export: (whose, context) => run(context, (callContext) => guests.export(whose, callContext)),
    invalidate: (whose, context) => run(context, (callContext) => guests.invalidate(whose, callContext)),
    why,
  }
}

const { anyValue, anyOf, schema, oneOf, object, secret, integer } = schemas
const isText = (value: unknown): boolean => typeof value === 'string'
/** What was not done if an argument is wrong. */
const NOT_MADE = 'The call was not made'

const REFRESH_OPTIONS: Parameter = {
  what: NOT_MADE,
  name: 'options',
  kind: object<RefreshOptions>(
    {
      token: anyOf(schema('a text or a Secret', isText, 'Give the current token of the guest.'), secret),
      // The core library checks it together with the token.
      subject: anyValue,
    },
    { remedy: 'Give { token, subject }: the current token, and its `sub` if that is not the guest id.' },
  ),
}

function checkRefreshOptions(options: RefreshOptions | undefined): {
  readonly token?: string
  readonly subject?: string
} {
  const { token, subject } = checkArgument(REFRESH_OPTIONS, options)
  return {
    ...(token === undefined ? {} : { token: typeof token === 'string' ? token : token.reveal() }),
    ...(subject === undefined ? {} : { subject }),
  }
}

const FILTER: Parameter = {
  what: NOT_MADE,
  name: 'filter',
  members: 'filter.',
  kind: object<GuestFilter>(
    {
      api: oneOf(...guestApis),
      status: oneOf(...currentStatuses),
      channelId: schema('a text', isText, 'Give the id of a channel.'),
      expiresWithinMs: integer(0),
      limit: integer(1, 1_000),
      after: schema('a text', isText, 'Give the `next` of the previous page.'),
    },
    { remedy: "Give { status: 'active' }, or nothing." },
  ),
}
