import type { FaultEffect } from '@guestpass/sandbox'
import { describe, expect, it } from 'vitest'
import { type Answer, keys, serviceForTests } from './service-for-tests.ts'

/** What the upstream does with every request. */
const faults: readonly (readonly [name: string, effect: FaultEffect])[] = [
  ['429', { status: 429, headers: { 'retry-after': '30' } }],
  ['503', { status: 503, headers: { 'retry-after': '30' } }],
  ['500', { status: 500 }],
  ['401', { status: 401 }],
  ['403', { status: 403 }],
  ['404', { status: 404 }],
  ['a reset before', { drop: 'before' }],
  ['a reset after', { drop: 'after' }],
  ['an HTML page', { garble: 'html' }],
  ['half an answer', { garble: 'truncated' }],
  ['an empty answer', { garble: 'empty' }],
  ['a wrong type', { garble: 'type' }],
  ['silence', { delayMs: 1_500 }],
]

const OPERATIONS = ['token', 'mint', 'refresh', 'create', 'update', 'channel', 'jwks', 'revoke']

const SCOPES = { scopes: ['webmessaging:guest:send'] }

describe.concurrent('an upstream that answers with', () => {
  it.each(faults)(
    '%s is answered with a problem of the catalogue, which says when to come back',
    async (_name, effect) => {
      const on = await serviceForTests({
        env: { GUESTPASS_PATIENCE_SECONDS: '1', GENESYS_RATE_LIMIT: '100000' },
        sandbox: { rateLimit: { perMinute: 100_000, burst: 100_000 } },
      })
      const person = { email: 'ann@mail.test', name: 'Ann', consent: true }
      const { body: guest } = await on.call('POST', '/v1/guests', { body: SCOPES })
      on.upstream.script(OPERATIONS.map((one) => ({ on: one, do: effect, times: 1_000 })))
      const answers = await Promise.all([
        on.call('POST', '/v1/guests', { body: SCOPES }),
        on.call('POST', '/v1/guests', { body: { api: 'engagements', ...person } }),
        on.call('POST', '/v1/guests', { body: { api: 'external-users', ...person, consent: undefined } }),
        on.call('POST', `/v1/guests/${String(guest['guestId'])}/refresh`),
        on.call('POST', '/v1/connections/default/token', { key: keys.connection }),
      ])
      for (const answer of answers) checkProblem(answer)
      expect(answers.filter(({ status }) => status >= 400).length).toBeGreaterThan(2)
      await on.close()
    },
  )
})

/** A problem of the catalogue that is no fault of the service, and says when a retry makes sense. */
function checkProblem({ status, headers, body, text }: Answer): void {
  if (status < 300) return
  expect(headers['content-type']).toContain('problem+json')
  expect(text).toMatch(/"code":"\w+"/)
  expect(body['code']).not.toBe('internal')
  expect(body['status']).toBe(status)
  if (body['retryable'] === true) expect([text, Number(headers['retry-after']) > 0]).toEqual([text, true])
}
