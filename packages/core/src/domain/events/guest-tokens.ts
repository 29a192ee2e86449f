import type { GuestCredential, StoredGuestRequest } from '../credential.ts'
import {
  type EventContext,
  lastMembers,
  type EndFacts,
  type TypedEvent,
  firstMembers,
  type EventStamp,
} from './event-parts.ts'

/** The request for a guest, as its events show it: nothing personal. */
export type GuestData = StoredGuestRequest & {
  /** The upstream API of the guest: `guest-tokens`, `engagements`, … */
  readonly api: string
}

/** Data of a refresh. `lastResort`: it presents a token once more after a lost answer. */
export type RefreshData = GuestData & { readonly lastResort?: true }

/** Data of a token. `verified`: whether the signature was checked on receipt. */
export type TokenData = GuestData & { readonly verified: boolean }

/** The events of guest tokens. */
export type GuestTokenEvent =
  | TypedEvent<'TOKEN_REQUEST_INITIATED', 'pending', GuestData>
  | TypedEvent<'TOKEN_GENERATED_SUCCESS', 'success', TokenData>
  | TypedEvent<'TOKEN_FAILED', 'failure', GuestData>
  | TypedEvent<'TOKEN_ADOPTED', 'success', { readonly api: string; readonly scopes: readonly string[] }>
  | TypedEvent<'TOKEN_REVOKED', 'success', { readonly api: string; readonly upstream: 'unsupported' }>
  | TypedEvent<'REFRESH_INITIATED', 'pending', RefreshData>
  | TypedEvent<'REFRESH_COMPLETED', 'success', TokenData>
  | TypedEvent<'REFRESH_FAILED', 'failure', RefreshData>

type EventOfType<T extends GuestTokenEvent['type']> = Extract<GuestTokenEvent, { readonly type: T }>

/** The part of a guest that its events show. */
type GuestOfEvent = Pick<GuestCredential, 'api' | 'generation' | 'request' | 'intent'>

/** A guest before a call; `generation` is the one it has now. */
interface GuestFacts extends EventStamp {
  readonly guest: GuestOfEvent
}

/** A guest whose new token is stored as the next generation. */
interface TokenFacts extends GuestFacts, EndFacts {
  readonly verified: boolean
}

const requested = ({ api, request }: GuestOfEvent): GuestData => ({ api, ...request })

/** A refresh has the id of its intent as idempotency key. */
const refresh = (guest: GuestOfEvent) => ({
  generation: guest.generation,
  data: { ...requested(guest), ...(guest.intent?.action === 'last_resort' ? { lastResort: true as const } : {}) },
  ...(guest.intent?.action === 'refresh' || guest.intent?.action === 'last_resort'
    ? { idempotencyKey: guest.intent.id }
    : {}),
})

/** A new token is about to be requested. */
export const tokenRequested = (
  about: EventContext,
  { guest, ...stamp }: GuestFacts,
): EventOfType<'TOKEN_REQUEST_INITIATED'> => ({
  ...firstMembers(stamp, about),
  type: 'TOKEN_REQUEST_INITIATED',
  outcome: 'pending',
  generation: guest.generation,
  data: requested(guest),
})

/** A new token is stored. */
export const tokenIssued = (
  about: EventContext,
  { guest, verified, ...facts }: TokenFacts,
): EventOfType<'TOKEN_GENERATED_SUCCESS'> => ({
  ...firstMembers(facts, about),
  type: 'TOKEN_GENERATED_SUCCESS',
  outcome: 'success',
  generation: guest.generation + 1,
  data: { ...requested(guest), verified },
  ...lastMembers(facts),
})

/** A request for a new token failed. */
export const tokenFailed = (
  about: EventContext,
  { guest, ...facts }: GuestFacts & EndFacts,
): EventOfType<'TOKEN_FAILED'> => ({
  ...firstMembers(facts, about),
  type: 'TOKEN_FAILED',
  outcome: 'failure',
  generation: guest.generation,
  data: requested(guest),
  ...lastMembers(facts),
})

/** A token from outside is stored; `generation` is the one that it made. */
export const tokenImported = (
  about: EventContext,
  facts: EventStamp & { readonly api: string; readonly generation: number; readonly scopes: readonly string[] },
): EventOfType<'TOKEN_ADOPTED'> => ({
  ...firstMembers(facts, about),
  type: 'TOKEN_ADOPTED',
  outcome: 'success',
  generation: facts.generation,
  data: { api: facts.api, scopes: facts.scopes },
})

/**
 * A guest is revoked here; `generation` is the one that the revocation made. No guest API can revoke
 * upstream.
 */
export const tokenRevoked = (
  about: EventContext,
  facts: EventStamp & { readonly api: string; readonly generation: number },
): EventOfType<'TOKEN_REVOKED'> => ({
  ...firstMembers(facts, about),
  type: 'TOKEN_REVOKED',
  outcome: 'success',
  generation: facts.generation,
  data: { api: facts.api, upstream: 'unsupported' },
})

/** A refresh is about to be sent. */
export const refreshStarted = (
  about: EventContext,
  { guest, ...stamp }: GuestFacts,
): EventOfType<'REFRESH_INITIATED'> => ({
  ...firstMembers(stamp, about),
  type: 'REFRESH_INITIATED',
  outcome: 'pending',
  ...refresh(guest),
})

/** The token of a refresh is stored. */
export const refreshCompleted = (
  about: EventContext,
  { guest, verified, ...facts }: TokenFacts,
): EventOfType<'REFRESH_COMPLETED'> => ({
  ...firstMembers(facts, about),
  type: 'REFRESH_COMPLETED',
  outcome: 'success',
  generation: guest.generation + 1,
  ...(guest.intent ? { idempotencyKey: guest.intent.id } : {}),
  data: { ...requested(guest), verified },
  ...lastMembers(facts),
})

/** A refresh failed, or a token from outside was refused before one. */
export const refreshFailed = (
  about: EventContext,
  { guest, ...facts }: GuestFacts & EndFacts,
): EventOfType<'REFRESH_FAILED'> => ({
  ...firstMembers(facts, about),
  type: 'REFRESH_FAILED',
  outcome: 'failure',
  ...refresh(guest),
  ...lastMembers(facts),
})
