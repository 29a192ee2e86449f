import {
  type DuplicateKey,
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
import * as kinds from '@guestpass/core/options'
import type { Credential, Instant } from '@guestpass/core/store-kit'
import { checkArgument, type Parameter } from './arguments.ts'
import type { CallContext, Calls } from './calls.ts'

/** The status of a guest now: as it is stored, or `expired` where its token has ended. */
export type GuestStatus = Credential['standing'] | 'expired'

/** Which guests to list. */
export interface GuestFilter {
  readonly api?: GuestApi | undefined
  readonly status?: GuestStatus | undefined
  /** Guests that are looked at for a page, 1 to 1000. Default 100. */
  readonly limit?: number | undefined
  /** The `next` of the page before. */
  readonly after?: string | undefined
}

/** A page of guests. It may hold fewer than `limit`, or none, and be followed by others. */
export interface GuestPage {
  readonly guests: readonly GuestView[]
  /** Give it back as `after`; absent on the last page. */
  readonly next?: string
}

/** A token of the guest that is held elsewhere, to be taken over and refreshed. */
export interface RefreshOptions {
  readonly token?: string | Secret | undefined
  /** Its `sub`, where that is not the guest's id. */
  readonly subject?: string | undefined
}

/** The guests of the connection. Every call rejects with a `GuestpassError`; its `code` says what happened. */
export interface FrontDoorGuests {
  /**
   * A new guest token, verified and stored before it is given: of the API `guest-tokens` (default), `engagements` or `external-users`.
   * Rejects with `invalid_input`, `session_exists`, `create_in_doubt`, `guest_revoked`, `upstream_busy` and the codes of the upstream.
   *
   * @example
   * const { guestId, token } = await gp.guests.issue({ scopes: ['webmessaging:guest:send'] })
   */
  issue(request: GuestRequest, context?: CallContext): Promise<IssuedGuest>
  /** The guest's token, valid now and renewed if due. Rejects with `guest_unknown`, `guest_revoked` and the codes of the upstream. */
  token(guestId: string, context?: CallContext): Promise<IssuedGuest>
  /** The guest's next token, now. `held`: one that is held elsewhere, which is verified first; else `token_invalid`. */
  refresh(guestId: string, held?: RefreshOptions, context?: CallContext): Promise<IssuedGuest>
  /** What is known of a guest, without its token. Rejects with `guest_unknown`. */
  show(guestId: string, context?: CallContext): Promise<GuestView>
  /**
   * Guests in the order of their rows, a page at a time.
   *
   * @example
   * for (let after: string | undefined; ; ) {
   *   const { guests, next } = await gp.guests.list({ status: 'active', ...(after ? { after } : {}) })
   *   console.log(guests.length)
   *   if (!next) break
   *   after = next
   * }
   */
  list(filter?: GuestFilter, context?: CallContext): Promise<GuestPage>
  /** The guests of an address, of one channel or of all. */
  find(whose: PersonKey, context?: CallContext): Promise<readonly GuestView[]>
  /** Ends a guest: `verify` refuses its tokens, and no other is issued. */
  revoke(guestId: string, context?: CallContext): Promise<Revocation>
  /**
   * Ends a guest, or every guest of an address, and forgets the person; says what remains elsewhere.
   *
   * @example
   * const { remains } = await gp.guests.erase({ email: 'ann@example.com' })
   */
  erase(guestId: string, context?: CallContext): Promise<Erasure>
  erase(whose: PersonKey, context?: CallContext): Promise<PersonErasure>
  /** Everything that the store holds about the person of an address, as JSON without any token. */
  export(whose: PersonKey, context?: CallContext): Promise<PersonExport>
  /** Lets an address have another session on a channel. */
  invalidate(whose: DuplicateKey, context?: CallContext): Promise<Invalidation>
}

export function frontDoorGuests(guests: Guests, { run }: Calls, now: () => Instant): FrontDoorGuests {
  return {
    issue: (request, context) => run(context, (own) => guests.issue(request, own)),
    token: (guestId, context) => run(context, (own) => guests.token(guestId, own)),
    refresh: (guestId, held, context) =>
      run(context, async (own) => guests.refresh(guestId, checkRefreshOptions(held), own)),
    show: (guestId, context) => run(context, (own) => guests.show(guestId, own)),
    list: (filter, context) =>
      run(context, async (own) => {
        const { api, status, limit = 100, after } = checkArgument(FILTER, filter)
        const page = await guests.list({ limit, ...(after === undefined ? {} : { after }) }, own)
        const at = now()
        const isWanted = (view: GuestView): boolean =>
          (api === undefined || view.api === api) && (status === undefined || statusOf(view, at) === status)
        return { ...page, guests: page.guests.filter(isWanted) }
      }),
    find: (whose, context) => run(context, (own) => guests.find(whose, own)),
    revoke: (guestId, context) => run(context, (own) => guests.revoke(guestId, own)),
    // The two forms of one call.
    erase: ((whose: never, context) => run(context, (own) => guests.erase(whose, own))) as FrontDoorGuests['erase'],
    export: (whose, context) => run(context, (own) => guests.export(whose, own)),
    invalidate: (whose, context) => run(context, (own) => guests.invalidate(whose, own)),
  }
}

const statusOf = ({ standing, expiresAt = Number.POSITIVE_INFINITY }: GuestView, now: Instant): GuestStatus =>
  standing === 'active' && expiresAt <= now ? 'expired' : standing

const { anything, either, kind, oneOf, record, secret, whole } = kinds
const isText = (value: unknown): boolean => typeof value === 'string'
const WHAT = 'The call was not made'

const HELD: Parameter = {
  what: WHAT,
  name: 'held',
  kind: record<RefreshOptions>(
    {
      token: either(kind('a text or a Secret', isText, 'Give the token that is held.'), secret),
      // Judged with the token.
      subject: anything,
    },
    { remedy: 'Give { token, subject }: the token that is held, and its `sub` where that is not the guest id.' },
  ),
}

function checkRefreshOptions(held: RefreshOptions | undefined): { readonly token?: string; readonly subject?: string } {
  const { token, subject } = checkArgument(HELD, held)
  return {
    ...(token === undefined ? {} : { token: typeof token === 'string' ? token : token.reveal() }),
    ...(subject === undefined ? {} : { subject }),
  }
}

const statuses: Readonly<Record<GuestStatus, true>> = {
  active: true,
  in_doubt: true,
  needs_reauth: true,
  revoked: true,
  erased: true,
  expired: true,
}

const FILTER: Parameter = {
  what: WHAT,
  name: 'filter',
  members: 'filter.',
  kind: record<GuestFilter>(
    {
      api: oneOf(...guestApis),
      status: oneOf(...Object.keys(statuses)),
      limit: whole(1, 1_000),
      after: kind('a text', isText, 'Give the `next` of the page before.'),
    },
    { remedy: "Give { status: 'active' }, or nothing." },
  ),
}
