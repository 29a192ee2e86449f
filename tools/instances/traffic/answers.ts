import type { ServiceComponents } from '@guestpass/client'
import type { GivenGuest } from '../../crash-tests/creates/create-report.ts'
import type { PersonApi } from '../../crash-tests/creates/persons.ts'

export type GuestRequest =
  | ServiceComponents['schemas']['GuestTokensRequest']
  | ServiceComponents['schemas']['EngagementsRequest']
  | ServiceComponents['schemas']['ExternalUsersRequest']

export type IssuedGuest = ServiceComponents['schemas']['IssuedGuest']

/** A token of a guest that an instance answered. */
export interface AnsweredToken {
  readonly guestId: string
  readonly generation: number
  readonly token: string
}

/** A request with an Idempotency-Key. */
export interface KeyedRequest {
  readonly key: string
  readonly body: GuestRequest
  /** The person whose guest is asked for. */
  readonly person?: { readonly api: PersonApi; readonly nth: number } | undefined
  /** How often it was sent so that it may have taken effect besides its answer. */
  unclear: number
  /** The answers, as JSON. */
  readonly answers: Set<string>
  /** The code of an answer after which it is not sent again. */
  refusal?: string
}

/** All that instances have answered. An answer counts as acknowledged when its body has arrived. */
export interface Answers {
  /** Requests that were sent. */
  requests: number
  /** Requests that got no answer: the instance ended, was paused, or was too slow. */
  unanswered: number
  /** Answers by status, and code of the problem. */
  readonly statuses: Record<string, number>
  readonly tokens: AnsweredToken[]
  /** Guests whose tokens can be refreshed. */
  readonly refreshable: string[]
  /** Access tokens of the connection. */
  readonly accessTokens: Omit<AnsweredToken, 'guestId'>[]
  readonly keyed: KeyedRequest[]
  /** Guests of persons. */
  readonly given: GivenGuest[]
  /** For how many persons of each API a guest was asked for. */
  readonly persons: Record<PersonApi, number>
  /** Guests whose revocation was asked for. */
  readonly revoking: Set<string>
  /** Guests whose revocation was acknowledged. */
  readonly revoked: Set<string>
  /** How often the database crashed: leases that it had not written to its disk, or to its standby, are then lost. */
  crashes: number
  /** Answers that no order of the requests explains. */
  readonly violations: string[]
}

export const noAnswers = (): Answers => ({
  requests: 0,
  unanswered: 0,
  statuses: {},
  tokens: [],
  refreshable: [],
  accessTokens: [],
  keyed: [],
  given: [],
  persons: { engagements: 0, 'external-users': 0 },
  revoking: new Set(),
  revoked: new Set(),
  crashes: 0,
  violations: [],
})

/** How many requests were acknowledged. */
export const acknowledged = ({ statuses }: Answers): number =>
  Object.entries(statuses).reduce((sum, [status, count]) => (status.startsWith('2') ? sum + count : sum), 0)

/** Requests with an Idempotency-Key that have neither a guest nor a refusal. */
export const openRequests = ({ keyed }: Answers): readonly KeyedRequest[] =>
  keyed.filter(({ answers, refusal }) => answers.size === 0 && refusal === undefined)
