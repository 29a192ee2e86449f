import type { Clock } from '../clock.ts'
import type { Answer, Endpoint } from '../endpoint.ts'
import {
  type AuthorizationRequest,
  readAuthorizationRequest,
  redirect,
  redirectRefusal,
} from './authorization-request.ts'
import type { Client } from './clients.ts'
import type { AuthorizationCodes } from './codes.ts'
import type { Consent } from './consent.ts'
import { consentPage, readDecision } from './consent-page.ts'
import { errorPage } from './page.ts'
import type { FormTokens } from './form-tokens.ts'
import type { User, Users } from './users.ts'

interface AuthorizeParts {
  readonly issuer: () => string
  readonly clients: readonly Client[]
  readonly users: Users
  readonly consent: Consent
  readonly codes: AuthorizationCodes
  readonly formTokens: FormTokens<AuthorizationRequest>
  readonly clock: Clock
}

const paths = ['/oauth/authorize', '/api/v2/oauth/authorize']

/**
 * `GET /oauth/authorize` and its alias show the consent page or decide at once; `POST` takes the decision of
 * the page.
 */
export function authorizeEndpoints(parts: AuthorizeParts): readonly Endpoint[] {
  const { issuer, clients, users, consent, codes, formTokens, clock } = parts
  const allowed = (request: AuthorizationRequest, user: User): Answer => {
    const { client, scopes, redirectUri, challenge, nonce, audience } = request
    const terms = { client, user, scopes, redirectUri, challenge, nonce, audience, signedInAt: clock.now() }
    return redirect(request, { code: codes.issue(terms) })
  }
  const ask: Endpoint = {
    operation: 'authorize',
    method: 'GET',
    paths,
    dialect: 'page',
    answer: ({ query, headers }) => {
      const request = readAuthorizationRequest(query, clients, issuer())
      const { auto, deny } = consent.current()
      if (auto && deny) throw denied(request)
      if (auto) return allowed(request, consent.user())
      if (request.silent) throw redirectRefusal(request, 'interaction_required', 'the user has to be asked')
      const formToken = formTokens.issue(request, headers)
      const formTargets = [...loopback, cspSource(request.redirectUri)]
      return consentPage({ ...request, users: users.all, formToken, action: '/oauth/authorize', formTargets })
    },
  }
  const decide: Endpoint = {
    operation: 'authorize',
    method: 'POST',
    paths,
    dialect: 'page',
    answer: ({ body, headers }) => {
      const { formToken, allowed: yes, user } = readDecision(body)
      const request = formTokens.redeem(formToken, headers)
      if (request === undefined) return staleFormPage()
      if (!yes) throw denied(request)
      return allowed(request, users.find(user) ?? users.first)
    },
  }
  return [ask, decide]
}

/** The answer to a decision whose page is used, too old, or of another browser. */
export function staleFormPage(): Answer {
  const message =
    'This page was used already, is too old, or was opened in another browser. Go back to the application and start again.'
  return errorPage(400, 'This page has lapsed', message)
}

const denied = (request: AuthorizationRequest) => redirectRefusal(request, 'access_denied', 'the user said no')

/**
 * Browsers apply `form-action` to redirects too, and a callback often redirects to the application's own
 * front end.
 */
const loopback = ['http://127.0.0.1:*', 'http://localhost:*']

/** The CSP source of an address: its origin, or the scheme of an application's own scheme. */
function cspSource(uri: string): string {
  const { origin, protocol } = new URL(uri)
  return origin === 'null' ? protocol : origin
}
