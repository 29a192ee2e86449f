import { SECOND } from '../domain/time.ts'
import type { ConnectedApi } from '../guests/authentication/applicant-api.ts'
import type { Preflight } from '../guests/authentication/channel-preflight.ts'
import { withoutAuthorization } from '../policy/authorize.ts'
import { breaker } from '../policy/breaker.ts'
import { deadline } from '../policy/deadline.ts'
import { type Policy, pipeline } from '../policy/pipeline.ts'
import { retry } from '../policy/retry.ts'
import { timeout } from '../policy/timeout.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { OnDuplicate } from '../upstream/applicant-fields.ts'
import type { ProviderParts, TokenFormat } from '../upstream/guest-api.ts'
import { type AuthenticatingApiName, authenticatingApis } from '../upstream/guest-apis.ts'

/** Options of a connection about guests that are made for addresses. */
export interface AuthenticatedGuestOptions {
  /**
   * The URL of the CRM, which knows customers by mail address. Default: guests are not enriched from a CRM.
   */
  readonly crmUrl?: string
  /** When the upstream is asked whether a channel can take guests. Default: `before`. */
  readonly preflight?: Preflight
  /**
   * For each API: `jwt` tokens are verified, `opaque` ones are accepted unread. Default: as the API is
   * documented.
   */
  readonly tokenFormat?: Partial<Readonly<Record<AuthenticatingApiName, TokenFormat>>>
  /** What to do for an applicant who has a session, if the request does not say. Default: `reject`. */
  readonly onDuplicate?: OnDuplicate
}

/** The APIs that make guests for addresses, with the calls of one connection. */
export const connectedApis = (
  parts: ProviderParts,
  formats: AuthenticatedGuestOptions['tokenFormat'] = {},
): readonly ConnectedApi[] =>
  authenticatingApis.map((api) => ({ api, calls: api.calls(parts), format: formats[api.name] ?? api.tokenFormat }))

/**
 * The policy of calls to a CRM: two seconds and one try, because a caller waits for a guest meanwhile. It
 * shares no limit and no circuit breaker with calls to the upstream.
 */
export const crmPolicy = (ports: { readonly clock: Clock; readonly random: Random }): Policy =>
  pipeline(
    deadline(2 * SECOND, ports),
    retry({ retries: 0 }, ports),
    withoutAuthorization,
    breaker({}, ports),
    timeout(2 * SECOND, ports),
  )
