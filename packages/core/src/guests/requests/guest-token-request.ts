import * as z from 'zod/mini'
import { isGuestId, NO_GUEST_ID } from '../../domain/guest-id.ts'
import { scopeList } from '../../domain/scopes.ts'
import type { MintRequest } from '../../upstream/guest-tokens/wire.ts'
import { invalid } from './faults.ts'

/** Named lives of a guest token, in seconds. */
export const durations = {
  shortSession: 3_600,
  standardSession: 7_200,
  extendedSession: 14_400,
  maxLifetime: 86_400,
} as const

/** The ceiling of a guest token's life, in seconds. */
export const LONGEST_DURATION = durations.maxLifetime

const aliases = {
  short: 'shortSession',
  standard: 'standardSession',
  extended: 'extendedSession',
  max: 'maxLifetime',
} as const

/** What a guest may be allowed. */
export const guestScopes = [
  'webmessaging:guest:send',
  'webmessaging:guest:receive',
  'webmessaging:guest:read',
  'webmessaging:guest:update',
] as const

/** A request for an ephemeral guest token, as it comes in. */
export interface IssueRequest {
  readonly api?: 'guest-tokens' | undefined
  /** A UUID; a new one when absent. */
  readonly guestId?: string | undefined
  /** A name (`shortSession`, `short`, …), whole seconds from 1 to 86400, or minutes or hours as `90m` or `2h`; 3600 when absent. */
  readonly duration?: string | number | undefined
  /** One or more of `guestScopes`. */
  readonly scopes: readonly string[]
}

/** The shape of RFC 9562: versions 1 to 8 with their variant, and the two special values. */
const UUID =
  /^([0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}|0{8}(-0{4}){3}-0{12}|f{8}(-f{4}){3}-f{12})$/i

const GIVE_UUID = 'Give a UUID such as 3f2b8c1e-7a54-4d09-9c1f-5b6e2a7d8f90'

const remedies: Readonly<Record<string, string>> = {
  guestId: `${GIVE_UUID}, or leave it out to get a new one.`,
  duration: `Give one of ${Object.keys(durations).join(', ')}, a whole number of seconds from 1 to ${LONGEST_DURATION}, or minutes or hours as 90m or 2h.`,
  scopes: `Give one or more of ${guestScopes.join(', ')}.`,
}

const seconds = z.number('not a number or a name').check(
  z.refine((value) => Number.isInteger(value), 'not a whole number of seconds'),
  z.refine((value) => value >= 1 && value <= LONGEST_DURATION, `not from 1 to ${LONGEST_DURATION} seconds`),
)

const issueRequest = z.strictObject({
  api: z.optional(z.literal('guest-tokens')),
  guestId: z.optional(z.string('not a text').check(z.regex(UUID, 'not a UUID'))),
  duration: z.optional(z.pipe(z.transform(named), seconds)),
  scopes: z
    .array(z.enum(guestScopes, 'not a guest scope'), 'not a list of scopes')
    .check(z.minLength(1, 'at least one scope is needed')),
})

/** How many seconds the letter after a number stands for. */
const units: Readonly<Record<string, number>> = { '': 1, m: 60, h: 3_600 }

/** A duration's name, or a number as text, with or without a unit, as seconds; anything else stays for the check to refuse. */
function named(value: unknown): unknown {
  if (typeof value !== 'string') return value
  const name = Object.hasOwn(aliases, value) ? aliases[value as keyof typeof aliases] : value
  if (Object.hasOwn(durations, name)) return durations[name as keyof typeof durations]
  const [, number, unit = ''] = /^(\d{1,9})([mh]?)$/.exec(value) ?? []
  return number === undefined ? value : Number(number) * (units[unit] ?? Number.NaN)
}

/** The request in upstream's terms; throws `invalid_input` with all its faults. `newId` makes an id where none was given. */
export function parseIssueRequest(input: unknown, newId: () => string): MintRequest {
  const parsed = issueRequest.safeParse(input)
  if (!parsed.success) throw invalid(parsed.error.issues, remedies)
  const { guestId, duration, scopes } = parsed.data
  return {
    guestId: guestId?.toLowerCase() ?? newId(),
    durationSeconds: duration ?? durations.shortSession,
    scopes: scopeList(scopes),
  }
}

/** Whether an id has the shape of a UUID. */
export const isUuid = (id: string): boolean => UUID.test(id)

/** The id of a guest of ephemeral tokens, in its one spelling; throws `invalid_input`. */
export function parseNewGuestId(input: string): string {
  if (UUID.test(input)) return input.toLowerCase()
  throw invalid([{ path: ['guestId'], message: 'not a UUID' }], { guestId: `${GIVE_UUID}.` })
}

/** The id of a guest that is there, as its API gave it; throws `invalid_input`. */
export function parseGuestId(input: unknown): string {
  if (typeof input === 'string' && isGuestId(input)) return input
  throw invalid([{ path: ['guestId'], message: NO_GUEST_ID }], {
    guestId: 'Give the id that the guest has, as `guest list` shows it.',
  })
}
