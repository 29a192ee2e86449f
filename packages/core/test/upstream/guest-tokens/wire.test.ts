import { describe, expect, it } from 'vitest'
import type { Policy } from '../../../src/policy/pipeline.ts'
import { TryFailure, type TryFacts } from '../../../src/policy/pipeline.ts'
import { Secret } from '../../../src/domain/secret.ts'
import type { HttpAnswer, HttpRequest } from '../../../src/ports/http.ts'
import { fakeClock } from '../../../src/testing/index.ts'
import { guestTokenCalls } from '../../../src/upstream/guest-tokens/provider.ts'
import type { MintRequest } from '../../../src/upstream/guest-tokens/wire.ts'
import { json } from '../../world/fake-upstream.ts'
import { ACCESS, answerOf, expectSame, names, read, samples } from '../wire-fixtures.ts'

async function factsOf(asked: Promise<unknown>): Promise<TryFacts> {
  const thrown: unknown = await asked.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (thrown instanceof TryFailure) return thrown.facts
  throw new Error(`expected a failure, got ${String(thrown)}`)
}

describe('guest tokens on the wire', () => {
  const bearing: Policy = (next) => (call) => next({ ...call, bearer: new Secret(ACCESS) })
  const provider = (answer: HttpAnswer, sent: HttpRequest[]) => {
    const http = async (request: HttpRequest) => {
      request.onSend?.()
      sent.push(request)
      return answer
    }
    return guestTokenCalls({
      connection: 'default',
      api: 'https://api.example.com',
      network: { http, clock: fakeClock() },
      policyFor: () => bearing,
    })
  }
  const fixtures = names('guest-tokens')
    .map((name) => [name, read(name)] as const)
    .filter(([, { request }]) => request.path.endsWith('/generate-token'))

  it('has exchanges to replay', () => {
    expect(fixtures.length).toBeGreaterThan(3)
  })

  it.each(fixtures)('%s', async (_, given) => {
    const sent: HttpRequest[] = []
    const { expirationDurationSeconds, ...rest } = given.request.body ?? {}
    const wanted = { ...rest, durationSeconds: expirationDurationSeconds } as MintRequest
    const asked = provider(answerOf(given.answer), sent).mint(wanted, { onSend() {} })
    if (given.answer.status === 200) {
      const granted = await asked
      expect(granted.access.reveal()).toBe(samples['jwt'])
      expect(granted).toMatchObject({ status: 200 })
    } else {
      const facts = await factsOf(asked)
      const { code } = given.answer.body as { code: string }
      expect(facts.upstream).toEqual({ status: given.answer.status, code, requestId: samples['uuid'] })
      expect(facts.code).toBe(
        { 400: 'upstream_rejected', 403: 'access_denied', 429: 'upstream_busy' }[given.answer.status],
      )
      if (given.answer.status === 429) expect(facts.retryAfterMs).toBe(7_000)
      if (given.answer.status === 403) expect(facts.message).toContain('webmessaging:guest:create')
    }
    expect(sent).toHaveLength(1)
    expectSame(sent[0] as HttpRequest, given.request)
  })

  const refreshes = names('guest-tokens')
    .map((name) => [name, read(name)] as const)
    .filter(([, { request }]) => request.path.endsWith('/refresh'))

  it.each(refreshes)('%s', async (_, given) => {
    const sent: HttpRequest[] = []
    const guestTokenId = given.request.path.split('/').at(-2) ?? ''
    const idempotencyKey = given.request.headers['idempotency-key'] ?? ''
    const asked = provider(answerOf(given.answer), sent).refresh({ guestTokenId, idempotencyKey }, { onSend() {} })
    if (given.answer.status === 200) {
      const refreshed = await asked
      expect(refreshed.access.reveal()).toBe(samples['jwt'])
      expect(refreshed).toMatchObject({ status: 200, guestTokenId })
    } else {
      const facts = await factsOf(asked)
      expect(facts).toMatchObject({ code: 'refresh_impossible', upstream: { status: given.answer.status } })
      expect(facts.message).toContain(samples['text'])
    }
    expect(sent).toHaveLength(1)
    // The library never gives a reason; a request that does shows only what its answer looks like.
    expectSame(sent[0] as HttpRequest, { ...given.request, body: {} })
  })

  it('a refresh that is still running may be asked for again, one that is forbidden names the scope', async () => {
    const refused = (status: number) =>
      factsOf(provider(json(status, {}), []).refresh({ guestTokenId: 'g', idempotencyKey: 'k' }, { onSend() {} }))
    expect(await refused(409)).toMatchObject({ code: 'upstream_busy', isInProgress: true })
    expect((await refused(403)).message).toContain('webmessaging:guesttoken:write')
    expect((await refused(404)).code).toBe('refresh_impossible')
  })

  it('reports when the request is sent, once for every try', async () => {
    let sent = 0
    const refusing = provider(json(500, {}), [])
    await refusing
      .mint({ guestId: 'g', durationSeconds: 1, scopes: [] }, { onSend: () => void (sent += 1) })
      .catch(() => {})
    expect(sent).toBe(1)
  })

  it.each([[{}], [{ token: '' }], [{ token: 7 }], [{ guestToken: 'a' }]])(
    'an answer %j makes no sense',
    async (body) => {
      const asked = provider(json(200, body), []).mint(
        { guestId: 'g', durationSeconds: 1, scopes: [] },
        { onSend() {} },
      )
      expect((await factsOf(asked)).code).toBe('upstream_garbled')
    },
  )
})
