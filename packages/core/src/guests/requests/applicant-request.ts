import * as z from 'zod/mini'
import type { Assurance } from '../../domain/credential.ts'
import { closestName } from '../../domain/closest-name.ts'
import type { Json } from '../../domain/json.ts'
import type { treatment } from '../../upstream/applicant-fields.ts'
import { channelId, email, type OnDoubt, type OnDuplicate } from '../../upstream/applicant-fields.ts'
import type { CheckedRequest } from '../../upstream/guest-api.ts'
import { type AuthenticatingApiName, authenticatingApis, guestApis } from '../../upstream/guest-apis.ts'
import { remediesOf, type RequestFields, shapeOf } from '../../upstream/request-field.ts'
import { type Fault, invalid, requestFaults } from './faults.ts'

/** The checked request of a person for a guest. */
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
 * Makes a function that checks requests of one API. It throws `invalid_input` with every fault of a request,
 * each under its field and without the value.
 */
export function applicantParser(api: AuthenticatingApiName, fields: RequestFields): (input: unknown) => Applicant {
  const schema = z.strictObject({ api: z.literal(api), ...shapeOf(fields) })
  const all = { ...remedies, ...remediesOf(fields) }
  return (input) => {
    const parsed = schema.safeParse(input)
    const faults: Fault[] = parsed.success ? [] : [...parsed.error.issues]
    if (wantsSession(input))
      faults.push({ path: ['onDuplicate'], message: 'is only for a verified address, whose assurance is verified' })
    if (!parsed.success || faults.length > 0)
      throw requestFaults(faults, { input, fields: schema.shape, remedies: all })
    const { api: _api, ...request } = parsed.data
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

/** Whether a request asks for the session of an address that is only claimed. Anyone can type an address. */
function wantsSession(input: unknown): boolean {
  const { onDuplicate, assurance } = (input ?? {}) as Readonly<Record<string, unknown>>
  return (onDuplicate === 'reuse' || onDuplicate === 'replace') && assurance !== 'verified'
}

/** Throws `invalid_input` for an API that does not exist. */
export function refuseUnknownApi(name: unknown): never {
  const close = typeof name === 'string' ? closestName(name, guestApis) : undefined
  const hint = close === undefined ? {} : { api: `Did you mean ${close}? ${remedies['api']}` }
  throw invalid([{ path: ['api'], message: 'not an API that issues guests' }], { ...remedies, ...hint })
}

const ownerApis = authenticatingApis.map(({ name }) => name)
const sessionOwner = z.strictObject({
  api: z.optional(z.enum(ownerApis, `none of ${ownerApis.join(', ')}`)),
  email: email.schema,
  channelId: z.optional(channelId.schema),
})

/**
 * Checks the address and channel of a session. Default API: `engagements`. The channel is required if guests
 * of the API belong to one, and dropped for other APIs. Throws `invalid_input`.
 */
export function parseSessionOwner(input: unknown): Pick<Applicant, 'api' | 'email' | 'channelId'> {
  const parsed = sessionOwner.safeParse(input)
  if (!parsed.success)
    throw requestFaults(parsed.error.issues, {
      input,
      fields: sessionOwner.shape,
      remedies: {
        ...remedies,
        api: `Give one of ${ownerApis.join(', ')}.`,
        request: 'Give { api, email, channelId }.',
      },
    })
  const { api = 'engagements', email: address, channelId: channel } = parsed.data
  const hasChannel = authenticatingApis.some((one) => one.name === api && one.channel)
  if (!hasChannel) return { api, email: address }
  if (channel === undefined) throw invalid([{ path: ['channelId'], message: 'is missing' }], remedies)
  return { api, email: address, channelId: channel }
}

/** A person by address, or the person's guests on one channel. */
export interface PersonKey {
  /** The address. It is compared trimmed and in lower case. */
  readonly email: string
  /** Only the guests of this channel. Default: of all APIs and channels. */
  readonly channelId?: string | undefined
}

const personKey = z.strictObject({ email: email.schema, channelId: z.optional(channelId.schema) })

/**
 * Checks the address and channel of a person. Gives the address as it is compared. Throws `invalid_input`.
 */
export function parsePersonKey(input: unknown): Pick<Applicant, 'email' | 'channelId'> {
  const parsed = personKey.safeParse(input)
  if (!parsed.success)
    throw requestFaults(parsed.error.issues, {
      input,
      fields: personKey.shape,
      remedies: { ...remedies, request: 'Give the address as { email }.' },
    })
  const { email: address, channelId: channel } = parsed.data
  return { email: address, ...(channel === undefined ? {} : { channelId: channel }) }
}
