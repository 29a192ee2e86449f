import * as z from 'zod/mini'
import type { Assurance } from '../../domain/credential.ts'
import type { Json } from '../../domain/json.ts'
import type { treatment } from '../../upstream/applicant-fields.ts'
import { channelId, email, type OnDoubt, type OnDuplicate } from '../../upstream/applicant-fields.ts'
import type { CheckedRequest } from '../../upstream/guest-api.ts'
import { type AuthenticatingApiName, authenticatingApis, guestApis } from '../../upstream/guest-apis.ts'
import { remediesOf, type RequestFields, shapeOf } from '../../upstream/request-field.ts'
import { type Fault, invalid } from './faults.ts'

/** The checked request of the person who asks for a guest. */
export interface Applicant {
  readonly api: AuthenticatingApiName
  readonly email: string
  readonly name?: string
  readonly channelId?: string
  readonly attributes: Readonly<Record<string, Json>>
  readonly consent: boolean
  readonly assurance: Assurance
  readonly onDuplicate?: OnDuplicate
  readonly onDoubt?: OnDoubt
  /** All fields as the schema of the API gives them, for the call of the API. */
  readonly request: CheckedRequest
}

const remedies: Readonly<Record<string, string>> = {
  api: `Give one of ${guestApis.join(', ')}.`,
  ...remediesOf({ email, channelId }),
}

/**
 * Gives a function that checks requests of one API. It throws `invalid_input` with every fault of a request, each under its field, and
 * with none of its values.
 */
export function applicantParser(api: AuthenticatingApiName, fields: RequestFields): (input: unknown) => Applicant {
  const schema = z.strictObject({ api: z.literal(api), ...shapeOf(fields) })
  const all = { ...remedies, ...remediesOf(fields) }
  return (input) => {
    const parsed = schema.safeParse(input)
    const faults: Fault[] = parsed.success ? [] : [...parsed.error.issues]
    if (wantsSession(input))
      faults.push({ path: ['onDuplicate'], message: 'only for an address whose assurance is verified' })
    if (!parsed.success || faults.length > 0) throw invalid(faults, all)
    const { api: _known, ...request } = parsed.data
    // `authenticating` lets only such fields define an API whose checked requests are of this type.
    return applicantOf(api, request as CheckedRequest & Treatment)
  }
}

type Treatment = z.output<z.ZodMiniObject<ReturnType<typeof shapeOf<typeof treatment>>>>

function applicantOf(api: AuthenticatingApiName, request: CheckedRequest & Treatment): Applicant {
  const { email: address, name, channelId: channel, attributes = {}, assurance = 'claimed' } = request
  const { onDuplicate, onDoubt } = request
  return {
    api,
    email: address,
    ...(name === undefined ? {} : { name }),
    ...(channel === undefined ? {} : { channelId: channel }),
    attributes,
    consent: request.consent === true,
    assurance,
    ...(onDuplicate === undefined ? {} : { onDuplicate }),
    ...(onDoubt === undefined ? {} : { onDoubt }),
    request,
  }
}

/** Whether a request asks for the session of an address that is not verified: then anyone who types an address would get its session. */
function wantsSession(input: unknown): boolean {
  const { onDuplicate, assurance } = (input ?? {}) as Readonly<Record<string, unknown>>
  return (onDuplicate === 'reuse' || onDuplicate === 'replace') && assurance !== 'verified'
}

/** Throws `invalid_input`: there is no such API. */
export function refuseUnknownApi(): never {
  throw invalid([{ path: ['api'], message: 'not an API that issues guests' }], remedies)
}

const duplicateKey = z.strictObject({
  api: z.optional(z.enum(authenticatingApis.map(({ name }) => name))),
  email: email.schema,
  channelId: z.optional(channelId.schema),
})

/**
 * Checks the address and channel of an applicant who may have a session. Default API: `engagements`. A channel is needed where guests of
 * the API belong to one, and left out elsewhere. Throws `invalid_input`.
 */
export function parseDuplicateKey(input: unknown): Pick<Applicant, 'api' | 'email' | 'channelId'> {
  const parsed = duplicateKey.safeParse(input)
  if (!parsed.success) throw invalid(parsed.error.issues, remedies)
  const { api = 'engagements', email: address, channelId: channel } = parsed.data
  const hasChannel = authenticatingApis.some((one) => one.name === api && one.channel)
  if (!hasChannel) return { api, email: address }
  if (channel === undefined) throw invalid([{ path: ['channelId'], message: 'is missing' }], remedies)
  return { api, email: address, channelId: channel }
}

/** A person: an address, and one channel where only its guests are meant. */
export interface PersonKey {
  /** It is compared trimmed and in lower case. */
  readonly email: string
  readonly channelId?: string | undefined
}

const personKey = z.strictObject({ email: email.schema, channelId: z.optional(channelId.schema) })

/** Checks the address and channel of a person. The address is given back as it is compared. Throws `invalid_input`. */
export function parsePersonKey(input: unknown): Pick<Applicant, 'email' | 'channelId'> {
  const parsed = personKey.safeParse(input)
  if (!parsed.success) throw invalid(parsed.error.issues, remedies)
  const { email: address, channelId: channel } = parsed.data
  return { email: address, ...(channel === undefined ? {} : { channelId: channel }) }
}
