import * as z from 'zod/mini'
import { type Json, jsonOddity, LONE_SURROGATE } from '../../domain/json.ts'
import { type Fault, invalid } from './faults.ts'

/** How sure the caller is that the address belongs to whoever asks. */
export type Assurance = 'claimed' | 'verified'

/** What becomes of a request for somebody who has a session. `reuse` and `replace` are for verified addresses. */
export type OnDuplicate = 'reject' | 'reuse' | 'replace'

/**
 * What becomes of a request after a create whose answer was lost, at an API that does not refuse a second one: `refuse` it, or
 * `create` another guest beside the one that may exist.
 */
export type OnDoubt = 'refuse' | 'create'

interface PersonRequest {
  /** Trimmed and in lower case it is what makes a person the same person. Never told in errors, events or logs. */
  readonly email: string
  /** 1 to 100 characters. */
  readonly name?: string | undefined
  /** `claimed` (default): somebody typed the address; `verified`: the site's backend knows that it is theirs. */
  readonly assurance?: Assurance | undefined
  /** Default: as the connection says. */
  readonly onDuplicate?: OnDuplicate | undefined
  /** Default `refuse`. Engagements need no answer: upstream itself says whether it has the session. */
  readonly onDoubt?: OnDoubt | undefined
}

/** A request for an authenticated guest of a channel, as it comes in. */
export interface EngagementRequest extends PersonRequest {
  readonly api: 'engagements'
  /** The person's consent to be processed: exactly true. */
  readonly consent: true
  readonly channelId: string
  /** At most 2048 bytes as JSON; names that the CRM or consent fills are refused. */
  readonly attributes?: Readonly<Record<string, Json>> | undefined
}

/** A request for an external user, on behalf of the signed-in user, as it comes in. */
export interface ExternalUserRequest extends PersonRequest {
  readonly api: 'external-users'
  readonly name: string
  /** Texts, at most 2048 bytes as JSON. */
  readonly attributes?: Readonly<Record<string, string>> | undefined
}

/** The one who asks for a guest: a request that was checked. */
export interface Applicant {
  readonly api: 'engagements' | 'external-users'
  readonly email: string
  readonly name?: string
  readonly channelId?: string
  readonly attributes: Readonly<Record<string, Json>>
  readonly consent: boolean
  readonly assurance: Assurance
  readonly onDuplicate?: OnDuplicate
  readonly onDoubt?: OnDoubt
}

/** The most bytes that the attributes of a guest may have as JSON. */
export const MAX_ATTRIBUTES = 2_048

/** Names that others fill, so that no request can pretend to be them. */
export const reservedAttributes: readonly string[] = [
  'customerId',
  'tier',
  'lastInteraction',
  'consentTimestamp',
  'authMethod',
  'sessionVersion',
]

const remedies: Readonly<Record<string, string>> = {
  api: 'Give one of guest-tokens, engagements, external-users.',
  email: 'Give one address, as name@example.com.',
  consent: 'Set it, to exactly true, only when the person agreed.',
  channelId: "Give the channel's id, 1 to 100 letters, digits, dots, colons, dashes or underscores.",
  name: 'Give 1 to 100 characters.',
  attributes: `Give names with values, at most ${MAX_ATTRIBUTES} bytes as JSON, without ${reservedAttributes.join(', ')}.`,
  assurance: 'Give claimed, or verified when your backend knows that the address belongs to whoever asks.',
  onDuplicate: 'Give reject; or reuse or replace, with assurance verified.',
  onDoubt: 'Give refuse, or create to have another guest made beside the one that may exist.',
}

/** One address in the shape of a mailbox: no blanks, one @, a dotted or local domain; at most 254 characters (RFC 5321, 4.5.3.1). */
const MAILBOX = /^[^\s@"<>(),:;\\[\]\p{Cc}\p{Cf}\p{Cs}]{1,64}@[\p{L}\p{N}]([\p{L}\p{N}.-]*[\p{L}\p{N}])?$/u

/** A field that is left out is told as that. */
const otherwise = (message: string) => ({
  error: ({ input }: { readonly input?: unknown }) => (input === undefined ? 'is missing' : message),
})

const text = (): z.ZodMiniString => z.string(otherwise('not a text'))

const email = z.pipe(
  z.transform((value) => (typeof value === 'string' ? value.trim().toLowerCase() : value)),
  text().check(
    z.maxLength(254, 'longer than 254 characters'),
    z.refine((value) => MAILBOX.test(value) && !value.includes('..'), 'not an address'),
  ),
)

const name = text().check(
  z.refine((value) => value.trim() !== '', 'empty'),
  z.refine((value) => Array.from(value).length <= 100, 'longer than 100 characters'),
  z.refine((value) => value.isWellFormed(), LONE_SURROGATE),
  z.refine((value) => !/\p{Cc}/u.test(value), 'holds a control character, such as a tab or a line end'),
)

/** `.` and `..` would name another resource in the path of a URL. */
const channelId = text().check(z.regex(/^(?!\.{1,2}$)[\w.:-]{1,100}$/, 'not the id of a channel'))

const utf8 = new TextEncoder()

/** How many bytes a value has as JSON in UTF-8. */
export const jsonBytes = (value: unknown): number => utf8.encode(JSON.stringify(value)).length

const jsonValue: z.ZodMiniType<Json> = z.json()

/** Looked at before anything walks it. */
const walkable = z.unknown().check(
  z.superRefine((value, context) => {
    const message = jsonOddity(value)
    if (message) context.addIssue({ code: 'custom', message, input: undefined })
  }),
)

const attributesOf = <V extends Json>(value: z.ZodMiniType<V>) =>
  z.pipe(
    walkable,
    z.record(z.string(), value, 'not a record').check(
      z.superRefine((attributes, context) => {
        for (const reserved of reservedAttributes.filter((one) => Object.hasOwn(attributes, one)))
          context.addIssue({ code: 'custom', path: [reserved], message: 'a name that others fill', input: undefined })
        if (jsonBytes(attributes) > MAX_ATTRIBUTES)
          context.addIssue({ code: 'custom', message: `over ${MAX_ATTRIBUTES} bytes as JSON`, input: undefined })
      }),
    ),
  )

const person = {
  email,
  assurance: z.optional(z.enum(['claimed', 'verified'], 'neither claimed nor verified')),
  onDuplicate: z.optional(z.enum(['reject', 'reuse', 'replace'], 'none of reject, reuse, replace')),
  onDoubt: z.optional(z.enum(['refuse', 'create'], 'neither refuse nor create')),
}

const schemas = {
  engagements: z.strictObject({
    api: z.literal('engagements'),
    ...person,
    name: z.optional(name),
    consent: z.literal(true, otherwise('not true')),
    channelId,
    attributes: z.optional(attributesOf(jsonValue)),
  }),
  'external-users': z.strictObject({
    api: z.literal('external-users'),
    ...person,
    name,
    attributes: z.optional(attributesOf(z.string('not a text'))),
  }),
}

/** The request of a person, checked; throws `invalid_input` with all its faults and none of its values. */
export function parseApplicantRequest(api: keyof typeof schemas, input: unknown): Applicant {
  const parsed = schemas[api].safeParse(input)
  const faults: Fault[] = parsed.success ? [] : [...parsed.error.issues]
  if (wantsSession(input)) {
    faults.push({ path: ['onDuplicate'], message: 'only for an address whose assurance is verified' })
  }
  if (!parsed.success || faults.length > 0) throw invalid(faults, remedies)
  const { name, attributes = {}, assurance = 'claimed', onDuplicate, onDoubt, ...rest } = parsed.data
  return {
    ...rest,
    ...(name === undefined ? {} : { name }),
    attributes,
    assurance,
    consent: 'consent' in rest,
    ...(onDuplicate === undefined ? {} : { onDuplicate }),
    ...(onDoubt === undefined ? {} : { onDoubt }),
  }
}

/** Otherwise whoever types an address would get its session. */
function wantsSession(input: unknown): boolean {
  const { onDuplicate, assurance } = (input ?? {}) as Readonly<Record<string, unknown>>
  return (onDuplicate === 'reuse' || onDuplicate === 'replace') && assurance !== 'verified'
}

/** Throws `invalid_input`: there is no such API. */
export function refuseUnknownApi(): never {
  throw invalid([{ path: ['api'], message: 'not an API that issues guests' }], remedies)
}

/** The address and channel of somebody who may have a session, as `invalidate` takes them; throws `invalid_input`. */
export function parseDuplicateKey(input: unknown): Pick<Applicant, 'api' | 'email' | 'channelId'> {
  const schema = z.strictObject({
    api: z.optional(z.enum(['engagements', 'external-users'])),
    email,
    channelId: z.optional(channelId),
  })
  const parsed = schema.safeParse(input)
  if (!parsed.success) throw invalid(parsed.error.issues, remedies)
  const { api = 'engagements', channelId: channel } = parsed.data
  if (api === 'engagements' && channel === undefined)
    throw invalid([{ path: ['channelId'], message: 'is missing' }], remedies)
  return {
    api,
    email: parsed.data.email,
    ...(api === 'engagements' && channel !== undefined ? { channelId: channel } : {}),
  }
}

/** A person: an address, and one channel where only its guests are meant. */
export interface PersonKey {
  /** Trimmed and in lower case it is compared. */
  readonly email: string
  readonly channelId?: string | undefined
}

const personKey = z.strictObject({ email, channelId: z.optional(channelId) })

/** The address and channel of a person, as the duplicate guard writes them; throws `invalid_input`. */
export function parsePersonKey(input: unknown): Pick<Applicant, 'email' | 'channelId'> {
  const parsed = personKey.safeParse(input)
  if (!parsed.success) throw invalid(parsed.error.issues, remedies)
  const { email: address, channelId: channel } = parsed.data
  return { email: address, ...(channel === undefined ? {} : { channelId: channel }) }
}
