import type { GuestCredential } from '../../domain/credential.ts'
import { causedBy, GuestpassError } from '../../domain/errors.ts'
import { guestIdOf } from '../../domain/guest-id.ts'
import type { Json } from '../../domain/json.ts'
import type { Secret } from '../../domain/secret.ts'
import type { Millis } from '../../domain/time.ts'
import type { Clock } from '../../ports/clock.ts'
import type { CreatedGuest } from '../../upstream/created-guest.ts'
import type { AuthenticatingCalls, TokenFormat } from '../../upstream/guest-api.ts'
import type { AuthenticatingGuestApi } from '../../upstream/guest-apis.ts'
import type { TryHooks } from '../../upstream/try-hooks.ts'
import { type ChannelStatus, createChannelPreflight, type Preflight } from './channel-preflight.ts'
import type { Enrichment } from '../enrichment/enrichment.ts'
import { type Applicant, applicantParser } from '../requests/applicant-request.ts'
import type { TokenRequirements } from '../tokens/accept-tokens.ts'

/** How one API makes guests of applicants. */
export interface ApplicantApi extends Pick<TokenRequirements, 'format' | 'renewable'> {
  /** Checks a request. Throws `invalid_input` with all its faults. */
  parse(input: unknown): Applicant
  /**
   * Whether the upstream refuses a second guest for the same applicant: then a create whose answer was lost
   * may be sent again. Otherwise it could make another guest.
   */
  readonly conflicts: boolean
  /** Throws when the connection cannot offer the API at all. */
  ensureAvailable(): void
  /** Checks the channel before a create. Rejects with `channel_unavailable`. */
  before(applicant: Applicant): Promise<ChannelStatus>
  /** Explains a refused create by what else can be read. Gives the error to throw. */
  explain(error: GuestpassError, applicant: Applicant): Promise<GuestpassError>
  /**
   * Makes a guest. The call is not repeated once the upstream may have acted. Rejects with `in_doubt` if it
   * may have taken effect, with `session_exists` if the upstream has a session.
   */
  create(applicant: Applicant, requestId: string, hooks: TryHooks, patienceMs?: Millis): Promise<CreatedGuest>
  /** Completes its guests in the background. Absent if the API has no call for that. */
  readonly enrichment?: Enrichment
}

/** An API with its calls, as one connection makes them. */
export interface ConnectedApi {
  readonly api: AuthenticatingGuestApi
  readonly calls: AuthenticatingCalls
  readonly format: TokenFormat
}

/** What the APIs of a connection share. */
interface ApplicantApiParts {
  readonly connection: string
  readonly preflight: Preflight
  readonly enrichment: Enrichment
  readonly ensureAvailable: () => void
  /** Whether a user is signed in. */
  readonly isSignedIn: () => Promise<boolean>
}

/** What a connection does with one API that makes guests for addresses. */
export function createApplicantApi(
  { api, calls, format }: ConnectedApi,
  parts: ApplicantApiParts,
  ports: { readonly clock: Clock },
): ApplicantApi {
  const { connection, preflight: mode, ensureAvailable, enrichment, isSignedIn } = parts
  const readChannel = api.channel ? calls.channel : undefined
  const preflight = readChannel && createChannelPreflight({ connection, mode, readChannel }, ports)
  return {
    parse: applicantParser(api.name, api.fields),
    ensureAvailable,
    format,
    renewable: api.renewal === 'rotating',
    conflicts: api.refusesSecondGuest,
    ...(api.enriched ? { enrichment } : {}),
    before: async ({ channelId }) => (preflight && channelId !== undefined ? preflight.check(channelId) : 'off'),
    async explain(error, { channelId }) {
      if (api.onBehalfOf === 'user' && PERMISSION.has(error.code))
        return (await isSignedIn()) ? ofWrongUser(error) : notSignedIn(api, error)
      return preflight && channelId !== undefined ? preflight.explain(error, channelId) : error
    },
    create: ({ request }, requestId, hooks, patienceMs) => calls.create(request, requestId, hooks, patienceMs),
  }
}

/** Refusals that a sign-in of another user may end. */
const PERMISSION: ReadonlySet<string> = new Set(['scope_missing', 'access_denied'])

/** The same refusal, with a reason by which a program can say how to sign in another user. */
const ofWrongUser = (error: GuestpassError): GuestpassError =>
  new GuestpassError(error.code, error.message, { ...causedBy(error), reason: 'sign_in' })

const notSignedIn = ({ name, scopes }: AuthenticatingGuestApi, error: GuestpassError): GuestpassError =>
  new GuestpassError(
    'needs_reauth',
    `Guests of the API ${name} are made on behalf of a signed-in user with the scopes ${scopes.join(' ')}, and no user is signed in. Sign in first.`,
    causedBy(error),
  )

/** Gives the upstream the attributes of a guest, by the call of the guest's API. */
export const attributesUpdate =
  (apis: readonly ConnectedApi[]) =>
  async (
    guest: GuestCredential,
    attributes: Readonly<Record<string, Json>>,
    about: readonly Secret[],
  ): Promise<void> => {
    const { calls } = apis.find(({ api }) => api.name === guest.api) ?? {}
    if (!calls?.update) throw new GuestpassError('internal', `The API ${guest.api} has no call that sets attributes.`)
    await calls.update(guestIdOf(guest), attributes, about)
  }
