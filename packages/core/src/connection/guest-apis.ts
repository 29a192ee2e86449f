import { SECOND } from '../domain/time.ts'
import type { Preflight } from '../guests/authentication/channel-preflight.ts'
import type { GuestsParts } from '../guests/guests.ts'
import type { OnDuplicate, Applicant } from '../guests/requests/applicant-request.ts'
import { unauthorized } from '../policy/authorize.ts'
import { breaker } from '../policy/breaker.ts'
import { deadline } from '../policy/deadline.ts'
import { type Policy, pipeline } from '../policy/pipeline.ts'
import { retry } from '../policy/retry.ts'
import { timeout } from '../policy/timeout.ts'
import type { Clock } from '../ports/clock.ts'
import type { Http } from '../ports/http.ts'
import type { Random } from '../ports/random.ts'
import { crm } from '../upstream/crm/provider.ts'
import { engagements } from '../upstream/engagements/provider.ts'
import { externalUsers } from '../upstream/external-users/provider.ts'
import { CREATE_SCOPES, READ_SCOPE, WRITE_SCOPE } from '../upstream/scopes.ts'

/** What a connection may say of the guests of people. */
export interface AuthenticatedGuestOptions {
  /** Address of the CRM that knows customers by their mail address; without one guests are not enriched from it. */
  readonly crmUrl?: string
  /** Whether a channel is looked at before a guest is made on it, only to explain a 403, or never. Default `before`. */
  readonly preflight?: Preflight
  /** Whether the tokens of an API are JWTs, which are verified, or taken as they are. Default `jwt`. */
  readonly tokenFormat?: Partial<Readonly<Record<Applicant['api'], 'jwt' | 'opaque'>>>
  /** What becomes of a request for somebody who has a session, where the request does not say. Default `reject`. */
  readonly onDuplicate?: OnDuplicate
}

/** Composes the APIs that make guests of people. `needing` gives the policy of calls under an access token with these scopes. */
export function personApis(
  options: AuthenticatedGuestOptions,
  at: { readonly connection: string; readonly api: string },
  needing: {
    readonly engagements: (scopes: readonly string[]) => Policy
    readonly externalUsers: (scopes: readonly string[]) => Policy
  },
  ports: { readonly http: Http; readonly clock: Clock; readonly random: Random },
): Pick<GuestsParts, 'engagements' | 'externalUsers' | 'crm' | 'preflight' | 'tokenFormat' | 'onDuplicate'> {
  const { crmUrl, preflight = 'before', tokenFormat = {}, onDuplicate = 'reject' } = options
  const policies = { write: needing.engagements([WRITE_SCOPE]), read: needing.engagements([READ_SCOPE]) }
  return {
    engagements: engagements(at, policies, ports),
    externalUsers: externalUsers(at, { write: needing.externalUsers(CREATE_SCOPES) }, ports),
    crm: crmUrl === undefined ? undefined : crm({ ...at, url: crmUrl }, crmPolicy(ports), ports),
    preflight,
    tokenFormat: { engagements: 'jwt', 'external-users': 'jwt', ...tokenFormat },
    onDuplicate,
  }
}

/** A CRM gets two seconds and one try: somebody waits for a guest meanwhile. Nothing of it counts for upstream's limits and circuits. */
const crmPolicy = (ports: { readonly clock: Clock; readonly random: Random }): Policy =>
  pipeline(
    deadline(2 * SECOND, ports),
    retry({ retries: 0 }, ports),
    unauthorized,
    breaker({}, ports),
    timeout(2 * SECOND, ports),
  )
