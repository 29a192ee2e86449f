import { describe, expect, it } from 'vitest'
import type { Http, HttpAnswer } from '../../src/ports/http.ts'
import { fakeClock } from '../../src/testing/index.ts'
import { applicantUpstream } from '../world/applicant-upstream.ts'
import { fakeUpstream } from '../world/fake-upstream.ts'
import { grantServer } from '../world/grant-server.ts'
import { refreshingUpstream } from '../world/refreshing-upstream.ts'
import { type Exchange, read, values } from './wire-fixtures.ts'

type Body = Readonly<Record<string, unknown>>

const textOf = (body: Body | undefined, type = ''): string | undefined => {
  if (body === undefined) return undefined
  if (!type.includes('form')) return JSON.stringify(body)
  return new URLSearchParams(body as Readonly<Record<string, string>>).toString()
}

/** Sends the request of an exchange to an upstream in memory. `refreshToken`: in the place of the recorded one. */
async function sent(http: Http, { request }: Exchange, refreshToken = values['refreshToken'] ?? '') {
  const { method, path, headers } = request
  const body = textOf(request.body, headers['content-type'])?.replace(values['refreshToken'] ?? '', refreshToken)
  const content = body === undefined ? {} : { body }
  const whole = { method, url: `https://api.example${path}`, headers, secrets: [], ...content }
  return http(whole as Parameters<Http>[0], new AbortController().signal)
}

const bodyOf = ({ bytes }: HttpAnswer): Body => JSON.parse(new TextDecoder().decode(bytes)) as Body

/** The members of an answer with their JSON types. */
const typesOf = (body: Body): readonly string[] =>
  Object.entries(body).map(([name, value]) => `${name}: ${typeof value}`)

/** Expects an answer as the upstream gives it: its status, and no member that the upstream does not have, or has with another type. */
async function expectAsOnTheWire(file: string, http: Http, refreshToken?: string): Promise<Body> {
  const exchange = read(file)
  const answer = await sent(http, exchange, refreshToken)
  const body = bodyOf(answer)
  expect(answer.status).toBe(exchange.answer.status)
  expect(typesOf(body).length).toBeGreaterThan(0)
  expect(typesOf(exchange.answer.body as Body)).toEqual(expect.arrayContaining(typesOf(body) as string[]))
  return body
}

/** The HTTP port of the server of sign-ins. */
const httpOf =
  (server: ReturnType<typeof grantServer>): Http =>
  async (request) =>
    server.answering(request)

describe('the upstreams in memory answer as the recorded upstream', () => {
  it.each(['oauth/client-credentials.json', 'guest-tokens/generate-token.json'])('%s, the plain one', async (file) => {
    await expectAsOnTheWire(file, fakeUpstream(fakeClock()).http)
  })

  it('guest-tokens/refresh.json, the plain and the refreshing one', async () => {
    for (const { http } of [fakeUpstream(fakeClock()), refreshingUpstream(fakeClock())]) {
      await expectAsOnTheWire('guest-tokens/generate-token.json', http)
      await expectAsOnTheWire('guest-tokens/refresh.json', http)
    }
  })

  it.each(['oauth/client-credentials.json', 'engagements/create.json', 'external-users/create.json'])(
    '%s, the one of applicants',
    async (file) => {
      await expectAsOnTheWire(file, applicantUpstream(fakeClock()).http)
    },
  )

  it('engagements/refresh.json, the one of applicants', async () => {
    const { http } = applicantUpstream(fakeClock())
    const { refreshToken } = await expectAsOnTheWire('engagements/create.json', http)
    await expectAsOnTheWire('engagements/refresh.json', http, String(refreshToken))
  })

  it('oauth/refresh-token.json, the server of sign-ins', async () => {
    const server = grantServer(fakeClock())
    const { refresh_token: next } = await expectAsOnTheWire('oauth/refresh-token.json', httpOf(server), server.issue())
    await expectAsOnTheWire('oauth/refresh-token.json', httpOf(server), String(next))
  })
})
