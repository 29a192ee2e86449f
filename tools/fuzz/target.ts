import { keys, serviceForTests, type ServiceForTests } from '../../packages/server/test/service-for-tests.ts'
import { openApiDocument } from '../../packages/server/src/index.ts'
import { type FuzzedDocument, type FuzzedRequest, type FuzzedRoute, fuzzedRoutes } from './requests.ts'

/** The service that requests are sent to, with guests that most keys must not see. */
export interface FuzzTarget {
  readonly on: ServiceForTests
  readonly routes: readonly FuzzedRoute[]
  /** The ids of guests of another issuer. */
  readonly victims: readonly string[]
  /** What only the other issuer, operators and auditors may see. */
  readonly hidden: readonly string[]
}

/** Starts a service on a sandbox, without a socket, with two guests of another issuer. */
export async function fuzzTarget(): Promise<FuzzTarget> {
  const on = await serviceForTests({
    sandbox: { rateLimit: { perMinute: 1_000_000, burst: 1_000_000 } },
    env: { GENESYS_RATE_LIMIT: '1000000' },
  })
  const email = 'victim@mail.test'
  const issue = async (body: object) => (await on.call('POST', '/v1/guests', { key: keys.other, body })).body
  const issued = [
    await issue({ scopes: ['webmessaging:guest:send'] }),
    await issue({ api: 'engagements', email, consent: true, name: 'Victim' }),
  ]
  const victims = issued.map(({ guestId }) => String(guestId))
  const shown = await Promise.all(
    victims.map(async (id) => (await on.call('GET', `/v1/guests/${id}`, { key: keys.other })).body),
  )
  const document = (await openApiDocument('0.0.0')) as unknown as FuzzedDocument
  const hidden = [email, ...issued.map(({ token }) => String(token)), ...shown.map(({ subject }) => String(subject))]
  return { on, routes: fuzzedRoutes(document, [...victims, 'idp', 'default']), victims, hidden }
}

/** Who sends a request: a role of the tests' keys, a wrong key, or none. */
export type Sender = keyof typeof keys | 'wrong' | 'none'

/** Every sender but the owner of the guests. */
export const allSenders: readonly Sender[] = [
  'operator',
  'issuer',
  'verifier',
  'auditor',
  'metrics',
  'connection',
  'wrong',
  'none',
]

const keyOf = (sender: Sender): string | null =>
  sender === 'none' ? null : sender === 'wrong' ? 'test-secret-of-no-key' : keys[sender]

/** Codes by which the upstream refused what it was sent, and a webhook endpoint its test. */
const OF_OTHERS = ['upstream_rejected', 'webhook_failed']

/** Roles that may see the guests of every key. */
const SEES_ALL: readonly Sender[] = ['operator', 'auditor']

/** Sends a request as a sender. Rejects if the answer is a fault of the service, or shows what it must not. */
export async function checkRequest(
  { on, victims, hidden }: FuzzTarget,
  { name, roles }: FuzzedRoute,
  { method, url, payload, headers }: FuzzedRequest,
  sender: Sender,
): Promise<number> {
  // The victims must last, and operators may end them.
  if (sender === 'operator' && method !== 'GET' && victims.some((id) => url.includes(id))) return 0
  const sent = payload === undefined ? {} : { payload }
  const { status, body, text, headers: answered } = await on.call(method, url, { key: keyOf(sender), headers, ...sent })
  const fail = (why: string): never => {
    throw new Error(`${name} answered ${sender} with ${status}: ${why}. ${text.slice(0, 500)}`)
  }
  const code = String(body['code'])
  if (status >= 500 && !OF_OTHERS.includes(code) && name !== 'GET /readyz') fail('a fault of the service')
  if (status >= 400 && status < 500 && !String(answered['content-type']).startsWith('application/problem+json'))
    fail('no problem document')
  const isAllowed = roles.length === 0 || roles.includes(sender)
  if (!isAllowed && (status < 400 || status >= 500)) fail('a sender without the role got through')
  if (!SEES_ALL.includes(sender) && hidden.some((one) => text.includes(one))) fail('shows a guest of another key')
  return status
}
