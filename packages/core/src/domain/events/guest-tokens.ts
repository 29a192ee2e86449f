import type { GuestCredential, StoredGuestRequest } from '../credential.ts'
import { tokenEnd } from '../plan.ts'
import { type Instant, iso } from '../time.ts'
import type { TriesData } from './tries.ts'
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

/**
 * Why a token is requested. `first`: the guest has none. `asked`: a caller asked for a new one. `due`: the present one
 * is in its advisory or mandatory window. `expired`: the present one has expired. `key_gone`: the current keys refuse the
 * present one. `refresh_failed`: a refresh failed.
 */
export type TokenTrigger = 'first' | 'asked' | 'due' | 'expired' | 'key_gone' | 'refresh_failed'

/**
 * Data of a request for a token. `tokenExpiry`: the end of the present token, ISO 8601. Records of earlier versions
 * lack both.
 */
export type TokenRequestData = GuestData & { readonly trigger?: TokenTrigger; readonly tokenExpiry?: string }

/** Data of a refresh. `lastResort`: it presents a token once more after a lost answer. */
export type RefreshData = TokenRequestData & { readonly lastResort?: true }

/**
 * Data of a token. `verified`: whether the signature was checked on receipt. `tokenExpiry`: its end, ISO 8601; absent
 * in records of earlier versions.
 */
export type TokenData = GuestData & { readonly verified: boolean; readonly tokenExpiry?: string } & TriesData

/** Data of a token from outside. `tokenExpiry`: as in `TokenData`. */
export type ImportedTokenData = {
  readonly api: string
  readonly scopes: readonly string[]
  readonly tokenExpiry?: string
}

/**
 * Data of a revocation. `because`: `asked`, or `replaced` by a new guest of the same address; absent in records of
 * earlier versions.
 */
export type RevokedData = {
  readonly api: string
  readonly upstream: 'unsupported'
  readonly because?: 'asked' | 'replaced'
}

/** The events of guest tokens. */
export type GuestTokenEvent =
  | TypedEvent<'TOKEN_REQUEST_INITIATED', 'pending', TokenRequestData>
  | TypedEvent<'TOKEN_GENERATED_SUCCESS', 'success', TokenData>
  | TypedEvent<'TOKEN_FAILED', 'failure', GuestData>
  | TypedEvent<'TOKEN_ADOPTED', 'success', ImportedTokenData>
  | TypedEvent<'TOKEN_REVOKED', 'success', RevokedData>
  | TypedEvent<'REFRESH_INITIATED', 'pending', RefreshData>
  | TypedEvent<'REFRESH_COMPLETED', 'success', TokenData>
  | TypedEvent<'REFRESH_FAILED', 'failure', RefreshData>

type EventOfType<T extends GuestTokenEvent['type']> = Extract<GuestTokenEvent, { readonly type: T }>

/** The part of a guest that its events show. */
type GuestOfEvent = Pick<GuestCredential, 'api' | 'generation' | 'request' | 'intent' | 'tokens'>

/** A guest before a call; `generation` is the one it has now. */
interface GuestFacts extends EventStamp {
  readonly guest: GuestOfEvent
}

/** A guest whose new token is stored as the next generation. */
interface TokenFacts extends GuestFacts, EndFacts {
  readonly verified: boolean
  /** The end of the new token. */
  readonly expiresAt: Instant
  /** The failed tries before the one that succeeded. Default: none. */
  readonly tries?: TriesData
}

/** A guest whose next token is about to be requested. */
interface StartFacts extends GuestFacts {
  /** Whether the current keys refuse the present token. Default false. */
  readonly keyGone?: boolean | undefined
}

/** Why a token is requested, and the end of the present one. */
function started({
  guest: { tokens, intent },
  at,
  keyGone = false,
}: Pick<StartFacts, 'guest' | 'at' | 'keyGone'>): Pick<TokenRequestData, 'trigger' | 'tokenExpiry'> {
  if (!tokens) return { trigger: 'first' }
  const tokenExpiry = iso(tokenEnd(tokens))
  if (!intent) return { trigger: 'asked', tokenExpiry }
  if (intent.because !== undefined) return { trigger: 'refresh_failed', tokenExpiry }
  if (at >= tokens.expiresAt) return { trigger: 'expired', tokenExpiry }
  if (keyGone) return { trigger: 'key_gone', tokenExpiry }
  return { trigger: at >= tokens.renewAt ? 'due' : 'asked', tokenExpiry }
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
  { guest, keyGone, ...stamp }: StartFacts,
): EventOfType<'TOKEN_REQUEST_INITIATED'> => ({
  ...firstMembers(stamp, about),
  type: 'TOKEN_REQUEST_INITIATED',
  outcome: 'pending',
  generation: guest.generation,
  data: { ...requested(guest), ...started({ guest, at: stamp.at, keyGone }) },
})

/** A new token is stored. */
export const tokenIssued = (
  about: EventContext,
  { guest, verified, expiresAt, tries, ...facts }: TokenFacts,
): EventOfType<'TOKEN_GENERATED_SUCCESS'> => ({
  ...firstMembers(facts, about),
  type: 'TOKEN_GENERATED_SUCCESS',
  outcome: 'success',
  generation: guest.generation + 1,
  data: { ...requested(guest), verified, tokenExpiry: iso(expiresAt), ...tries },
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
  facts: EventStamp & {
    readonly api: string
    readonly generation: number
    readonly scopes: readonly string[]
    readonly expiresAt: Instant
  },
): EventOfType<'TOKEN_ADOPTED'> => ({
  ...firstMembers(facts, about),
  type: 'TOKEN_ADOPTED',
  outcome: 'success',
  generation: facts.generation,
  data: { api: facts.api, scopes: facts.scopes, tokenExpiry: iso(facts.expiresAt) },
})

/**
 * A guest is revoked here; `generation` is the one that the revocation made. No guest API can revoke
 * upstream.
 */
export const tokenRevoked = (
  about: EventContext,
  facts: EventStamp & { readonly api: string; readonly generation: number; readonly because: 'asked' | 'replaced' },
): EventOfType<'TOKEN_REVOKED'> => ({
  ...firstMembers(facts, about),
  type: 'TOKEN_REVOKED',
  outcome: 'success',
  generation: facts.generation,
  data: { api: facts.api, upstream: 'unsupported', because: facts.because },
})

/** A refresh is about to be sent. */
export const refreshStarted = (
  about: EventContext,
  { guest, keyGone, ...stamp }: StartFacts,
): EventOfType<'REFRESH_INITIATED'> => ({
  ...firstMembers(stamp, about),
  type: 'REFRESH_INITIATED',
  outcome: 'pending',
  ...withStart(refresh(guest), started({ guest, at: stamp.at, keyGone })),
})

/** A refresh with why it is sent; a last resort has its own mark. */
const withStart = <R extends { readonly data: RefreshData }>(made: R, more: ReturnType<typeof started>): R => ({
  ...made,
  data: { ...made.data, ...more },
})

/** The token of a refresh is stored. */
export const refreshCompleted = (
  about: EventContext,
  { guest, verified, expiresAt, tries, ...facts }: TokenFacts,
): EventOfType<'REFRESH_COMPLETED'> => ({
  ...firstMembers(facts, about),
  type: 'REFRESH_COMPLETED',
  outcome: 'success',
  generation: guest.generation + 1,
  ...(guest.intent ? { idempotencyKey: guest.intent.id } : {}),
  data: { ...requested(guest), verified, tokenExpiry: iso(expiresAt), ...tries },
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
