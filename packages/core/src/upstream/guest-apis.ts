import type { RequestOf } from './authenticating.ts'
import * as registry from './registry.ts'

/** A guest API of the registry: its name, the fields of its requests, and its calls. */
export type RegisteredApi = (typeof registry)[keyof typeof registry]

/** A guest API that makes guests for addresses: `engagements` or `external-users`. */
export type AuthenticatingGuestApi = Extract<RegisteredApi, { readonly guests: 'authenticated' }>

/** The name of an API that issues guests: `guest-tokens`, `engagements` or `external-users`. */
export type GuestApi = RegisteredApi['name']

/** The name of an API that makes guests for addresses. */
export type AuthenticatingApiName = AuthenticatingGuestApi['name']

/** The API of requests that name none. */
const DEFAULT_API = registry.guestTokens.name

/** The type of the guest API of a name. */
export type ApiOf<Name extends GuestApi> = Extract<RegisteredApi, { readonly name: Name }>

/**
 * A request for the token of an anonymous guest, by the API `guest-tokens`. `guestId`: a UUID; default a new
 * one. `duration`: a name of `durations`, whole seconds from 1 to 86400, or minutes or hours as `90m` or `2h`;
 * default 3600 seconds. `scopes`: one or more of `guestScopes`.
 */
export type GuestTokenRequest = RequestOf<ApiOf<'guest-tokens'>>

/**
 * A request for an authenticated guest of a channel, by the API `engagements`. `email`: the address, at most 254
 * characters; it is never shown in errors, events or logs. `consent`: exactly true, if the person agreed that
 * their data is processed. `channelId`: the id of the channel. Optional: `name`, 1 to 100 characters;
 * `attributes`, at most 2048 bytes as JSON; `assurance`, `onDuplicate` and `onDoubt`, see the types of these
 * names.
 */
export type EngagementRequest = RequestOf<ApiOf<'engagements'>>

/**
 * A request for a guest by the API `external-users`, made on behalf of the signed-in user. `email`: the
 * address, at most 254 characters; it is never shown in errors, events or logs. `name`: 1 to 100 characters.
 * Optional: `attributes`, texts, at most 2048 bytes as JSON; `assurance`, `onDuplicate` and `onDoubt`, see the
 * types of these names.
 */
export type ExternalUserRequest = RequestOf<ApiOf<'external-users'>>

/**
 * A request for a guest of any API. `api` names the API; default `guest-tokens`. The other fields are those
 * of `GuestTokenRequest`, `EngagementRequest` or `ExternalUserRequest`.
 */
export type GuestRequest = RequestOf<RegisteredApi>

/** All guest APIs: first the default, `guest-tokens`, then the others in the order of their names. */
export const registeredApis: readonly RegisteredApi[] = Object.values(registry).toSorted(
  ({ name: one }, { name: other }) =>
    Number(other === DEFAULT_API) - Number(one === DEFAULT_API) || (one < other ? -1 : 1),
)

/** The names of the APIs that issue guests. */
export const guestApis: readonly GuestApi[] = registeredApis.map(({ name }) => name)

/** The guest APIs that make guests for addresses, in the order of their names. */
export const authenticatingApis: readonly AuthenticatingGuestApi[] = registeredApis.filter(
  (api) => api.guests === 'authenticated',
)

/** A value for each API that makes guests for addresses. */
export const byAuthenticatingApi = <T>(
  value: (api: AuthenticatingGuestApi) => T,
): Readonly<Record<AuthenticatingApiName, T>> =>
  Object.fromEntries(authenticatingApis.map((api) => [api.name, value(api)])) as Record<AuthenticatingApiName, T>

/** The scopes that access tokens need for the calls of an API. */
export const scopesOf = (name: GuestApi): readonly string[] =>
  registeredApis.find((api) => api.name === name)?.scopes ?? []
