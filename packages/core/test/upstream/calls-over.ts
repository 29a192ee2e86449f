import { GuestpassError } from '../../src/domain/errors.ts'
import { Secret } from '../../src/domain/secret.ts'
import type { Policy } from '../../src/policy/pipeline.ts'
import { retry } from '../../src/policy/retry.ts'
import { type HttpAnswer, HttpFault, type HttpRequest } from '../../src/ports/http.ts'
import { fakeClock, seededRandom } from '../../src/testing/index.ts'
import type { ProviderParts } from '../../src/upstream/guest-api.ts'
import { ACCESS } from './wire-fixtures.ts'

/** What calls are made with, over one answer, and the requests that were sent. Tries are not repeated. */
export function callsOver(answer: HttpAnswer | HttpFault) {
  const sent: HttpRequest[] = []
  const clock = fakeClock()
  const network = {
    clock,
    async http(request: HttpRequest) {
      request.onSend?.()
      sent.push(request)
      if (answer instanceof HttpFault) throw answer
      return answer
    },
  }
  const policy = retry({ retries: 0 }, { clock, random: seededRandom() })
  const withToken: Policy = (next) => policy((call) => next({ ...call, bearer: new Secret(ACCESS) }))
  const parts: ProviderParts = {
    connection: 'default',
    api: 'https://api.example.com/base',
    network,
    policyFor: () => withToken,
  }
  return { parts, policy, network, sent }
}

/** The error with which a call rejects. */
export async function refusal(asked: Promise<unknown>): Promise<GuestpassError> {
  const thrown: unknown = await asked.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (thrown instanceof GuestpassError) return thrown
  throw new Error(`expected a GuestpassError, got ${String(thrown)}`)
}
