import { describe, expect, it } from 'vitest'
import { GuestpassError } from '../../src/domain/errors.ts'
import type { Json } from '../../src/domain/json.ts'
import { Secret } from '../../src/domain/secret.ts'
import { applicantParser } from '../../src/guests/requests/applicant-request.ts'
import type { HttpRequest } from '../../src/ports/http.ts'
import type { CheckedRequest } from '../../src/upstream/guest-api.ts'
import { authenticatingApis, type AuthenticatingGuestApi } from '../../src/upstream/guest-apis.ts'
import { json } from '../world/fake-upstream.ts'
import { callsOver } from './calls-over.ts'
import { answerOf, type Exchange, expectSame, names, read, samples } from './wire-fixtures.ts'

type Call = NonNullable<Exchange['call']>
type Arguments = Partial<CheckedRequest> & {
  readonly refreshToken?: string
  readonly guestId?: string
  readonly attributes?: Readonly<Record<string, Json>>
}

const hooks = { onSend() {} }

/** Makes the call of an exchange as the library would, over its answer. */
function made(api: AuthenticatingGuestApi, exchange: Exchange, call: Call) {
  const { parts, sent } = callsOver(answerOf(exchange.answer))
  const calls = api.calls(parts)
  const given = call.with as Arguments
  const requestId = exchange.request.headers['x-genesys-request-id'] ?? ''
  const missing = (): Promise<never> => Promise.reject(new Error(`${api.name} has no call ${call.operation}`))
  const operations = {
    create() {
      const { request } = call.unchecked
        ? { request: given }
        : applicantParser(api.name, api.fields)({ api: api.name, ...given })
      return calls.create(request as CheckedRequest, requestId, hooks)
    },
    refresh: () => calls.refresh?.(new Secret(given.refreshToken ?? ''), hooks) ?? missing(),
    update: () => calls.update?.(given.guestId ?? '', given.attributes ?? {}) ?? missing(),
    channel: () => calls.channel?.(given.channelId ?? '') ?? missing(),
  }
  return { asked: operations[call.operation](), sent }
}

/** How a call ends: `done`, or the code of its error. */
const endOf = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'done',
    (thrown: unknown) => (thrown instanceof GuestpassError ? thrown.code : String(thrown)),
  )

describe.each(authenticatingApis.map((api) => [api.name, api] as const))('the API %s on the wire', (name, api) => {
  const exchanges = names(name).map((file) => [file, read(file)] as const)
  const called = exchanges.flatMap(([file, exchange]) =>
    exchange.call ? [[file, exchange, exchange.call] as const] : [],
  )

  it('has an exchange for each of its calls, and says for each exchange which call makes it', () => {
    for (const [file, { call }] of exchanges) expect(call, file).not.toBeUndefined()
    const shown = new Set(called.map(([, , { operation }]) => operation))
    expect([...shown].toSorted()).toEqual(Object.keys(api.calls(callsOver(json(200, {})).parts)).toSorted())
  })

  it('does what its facts say', () => {
    const calls = api.calls(callsOver(json(200, {})).parts)
    expect('refresh' in calls).toBe(api.renewal === 'rotating')
    expect('update' in calls).toBe(api.enriched)
    expect('channelId' in api.fields).toBe(api.channel)
    const refused = called.some(([, { answer }, { ends }]) => answer.status === 409 && ends === 'session_exists')
    expect(refused || !api.refusesSecondGuest).toBe(true)
  })

  it.each(called)('%s', async (_, exchange, call) => {
    const { asked, sent } = made(api, exchange, call)
    expect(await endOf(asked)).toBe(call.ends ?? 'done')
    expect(sent).toHaveLength(1)
    // A request that is not valid never leaves the library: its exchange shows only what the answer looks like.
    if (call.unchecked) return
    const [request] = sent as [HttpRequest]
    expectSame({ ...request, url: request.url.replace('/base/', '/') }, exchange.request)
    if (call.operation === 'create' && call.ends === undefined) {
      const created = await made(api, exchange, call).asked
      expect(created).toMatchObject({ guestId: expect.stringMatching(/./), status: exchange.answer.status })
      expect((created as { access: Secret }).access.reveal()).toBe(samples['jwt'])
    }
  })
})
