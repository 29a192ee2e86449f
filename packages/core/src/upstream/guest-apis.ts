import type { RequestOf } from './authenticating.ts'
import * as registry from './registry.ts'
import type { InputOf } from './request-field.ts'

/** An API that issues guests. */
export type RegisteredApi = (typeof registry)[keyof typeof registry]

/** An API that makes guests for addresses. */
export type AuthenticatingGuestApi = Extract<RegisteredApi, { readonly guests: 'authenticated' }>

/** The name of an API that issues guests. */
export type GuestApi = RegisteredApi['name']

/** The name of an API that makes guests for addresses. */
export type AuthenticatingApiName = AuthenticatingGuestApi['name']

/** The API of requests that name none. */
export const DEFAULT_API = registry.guestTokens.name

/** A request for a guest of any API. */
export type GuestRequest =
  | ({ readonly api?: typeof DEFAULT_API | undefined } & InputOf<typeof registry.guestTokens.fields>)
  | {
      [Name in AuthenticatingApiName]: RequestOf<Extract<AuthenticatingGuestApi, { readonly name: Name }>>
    }[AuthenticatingApiName]

/** All APIs: first the default, the others by name. */
export const registeredApis: readonly RegisteredApi[] = Object.values(registry).toSorted(
  ({ name: one }, { name: other }) =>
    Number(other === DEFAULT_API) - Number(one === DEFAULT_API) || (one < other ? -1 : 1),
)

/** The names of the APIs that issue guests. */
export const guestApis: readonly GuestApi[] = registeredApis.map(({ name }) => name)

/** The APIs that make guests for addresses, by name. */
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
