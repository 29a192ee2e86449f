import { type EventContext, type TypedEvent, firstMembers, type EventStamp } from './event-parts.ts'

/** Data of an event about an API key of the service. `key`: the id of the key, which is no secret. */
export type ApiKeyData = { readonly key: string; readonly roles: readonly string[] }

/** The events of API keys of the service. `endsAt` of a revocation: when the key ends, in ISO 8601. */
export type ApiKeyEvent =
  | TypedEvent<'API_KEY_CREATED', 'success', ApiKeyData>
  | TypedEvent<'API_KEY_REVOKED', 'success', ApiKeyData & { readonly endsAt: string }>

/**
 * Makes the event of an API key that was created.
 *
 * @param about its `subject` is random: a key is of no guest
 */
export const apiKeyCreated = (
  about: EventContext,
  { data, ...stamp }: EventStamp & { readonly data: ApiKeyData },
): ApiKeyEvent => ({
  ...firstMembers(stamp, about),
  type: 'API_KEY_CREATED',
  outcome: 'success',
  generation: 0,
  data,
})

/**
 * Makes the event of an API key that was revoked, at once or from a later time on.
 *
 * @param about its `subject` is random: a key is of no guest
 */
export const apiKeyRevoked = (
  about: EventContext,
  { data, ...stamp }: EventStamp & { readonly data: ApiKeyData & { readonly endsAt: string } },
): ApiKeyEvent => ({
  ...firstMembers(stamp, about),
  type: 'API_KEY_REVOKED',
  outcome: 'success',
  generation: 0,
  data,
})
