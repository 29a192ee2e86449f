/** The APIs that make a guest for an address: of a channel, or on behalf of a user. */
export type PersonApi = 'engagements' | 'external-users'

export const personApis: readonly PersonApi[] = ['engagements', 'external-users']

export const emailOf = (api: PersonApi, nth: number): string => `person-${nth}@${api}.example`

/** The correlation id of a request: it names the person in the events, and `id` makes it unique. */
export const correlationOf = (api: PersonApi, nth: number, id: string): string => `${personOf(api, nth)}:${id}`

/** The name of a person, with which its correlation ids begin. */
export const personOf = (api: PersonApi, nth: number): string => `${api}:${nth}`

/** The person of a correlation id. */
export const personIn = (correlationId: string): string => correlationId.split(':').slice(0, 2).join(':')

/**
 * The connection that workers of an API use: `signed-in` for external users, else the one with client
 * credentials.
 */
export const connectionOf = (api: PersonApi): string => (api === 'engagements' ? 'default' : 'signed-in')
