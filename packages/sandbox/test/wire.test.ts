import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { Limit, Sandbox } from '../src/index.ts'
import { accessToken, clientOf, type Reply, send, startSandbox } from './genesys-client.ts'
import { userToken } from './guest-client.ts'
import { CALLBACK, CHALLENGE, codeFor, exchange as redeem, tokensOf, VERIFIER } from './user-client.ts'

interface Exchange {
  readonly title: string
  readonly after?: readonly string[]
  readonly scopes?: readonly string[]
  readonly limit?: Limit
  readonly request: { method: string; path: string; headers: Record<string, string>; body?: Record<string, unknown> }
  readonly answer: { status: number; headers: Record<string, string | null>; body?: unknown }
  readonly keep?: Readonly<Record<string, string>>
}

const folder = new URL('../../../fixtures/wire/', import.meta.url)
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'))
const exchangeOf = (file: string) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Exchange

const markers: Readonly<Record<string, string>> = {
  '<jwt>': String.raw`[\w-]+\.[\w-]+\.[\w-]+`,
  '<uuid>': '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}',
  '<instant>': String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z`,
  '<seconds>': '[1-9][0-9]*',
  '<text>': '.+',
}

/** Makes an expectation of the text of a fixture. */
function expectation(text: string): unknown {
  const parts = text.split(/(<(?:jwt|uuid|instant|seconds|text)>)/)
  if (parts.length === 1) return text
  const pattern = parts.map((part) => markers[part] ?? part.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`))
  return expect.stringMatching(new RegExp(`^${pattern.join('')}$`))
}

function deepExpectation(value: unknown): unknown {
  if (typeof value === 'string') return expectation(value)
  if (Array.isArray(value)) return value.map(deepExpectation)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, deepExpectation(inner)]))
}

type Values = Readonly<Record<string, string>>

/**
 * Sends the request and compares the answer. Returns the values that it adds for the exchanges that follow.
 */
async function replay(sandbox: Sandbox, exchange: Exchange, values: Values): Promise<Values> {
  const filled = JSON.parse(
    JSON.stringify(exchange).replace(
      /\$\{(\w+)\}/g,
      (_, name: string) => values[name] ?? expect.fail(`no value ${name}`),
    ),
  ) as Exchange
  const reply = await sent(sandbox, filled)
  check(filled, reply)
  return Object.fromEntries(Object.entries(exchange.keep ?? {}).map(([name, of]) => [name, String(reply.json[of])]))
}

function sent(sandbox: Sandbox, { request: { method, path, headers, body } }: Exchange): Promise<Reply> {
  const form = headers['content-type'] === 'application/x-www-form-urlencoded'
  const text = form ? String(new URLSearchParams(body as Record<string, string>)) : JSON.stringify(body)
  return send(sandbox, path, { method, headers, redirect: 'manual', ...(body !== undefined && { body: text }) })
}

/** What a user's sign-in gives, and what it began with. */
async function valuesOfUser(sandbox: Sandbox): Promise<Record<string, string>> {
  const { id: client_id, secret: client_secret } = clientOf(sandbox)
  const scope = 'user:read openid'
  const { access, refresh } = tokensOf(await redeem(sandbox, await codeFor(sandbox, { scope })))
  const ownCode = await codeFor(sandbox, { scope, client_id })
  const body = new URLSearchParams({ client_id: sandbox.publicClientId })
  const device = await send(sandbox, '/oauth/device_authorization', { method: 'POST', body })
  return {
    redirectUri: CALLBACK,
    codeVerifier: VERIFIER,
    codeChallenge: CHALLENGE,
    code: await codeFor(sandbox, { scope }),
    userAccessToken: access,
    creatorAccessToken: await userToken(sandbox),
    refreshToken: refresh,
    ownRefreshToken: tokensOf(await redeem(sandbox, ownCode, { client_id, client_secret })).refresh,
    deviceCode: String(device.json['device_code']),
  }
}

function check({ answer }: Exchange, reply: Reply): void {
  expect(reply.status, reply.text).toBe(answer.status)
  for (const [name, value] of Object.entries(answer.headers)) {
    expect(reply.headers.get(name), name).toEqual(value === null ? null : expectation(value))
  }
  if (answer.body === undefined) expect(reply.text).toBe('')
  else expect(reply.json).toEqual(deepExpectation(answer.body))
}

it('finds the exchanges', () => {
  expect(files.filter(isServed).length).toBeGreaterThan(15)
})

/** Whether the sandbox has the folder of an API. It need not serve one that the library has. */
const isServed = (file: string): boolean => existsSync(new URL(`../src/${file.split('/')[0]}/`, import.meta.url))

it.skip.each(files.filter((file) => !isServed(file)))('does not serve the API of %s', () => {})

it.each(files.filter(isServed))('answers as in %s', async (file) => {
  const exchange = exchangeOf(file)
  const { after = [], scopes = ['webmessaging:guest:create', 'webmessaging:guesttoken:write'], limit } = exchange
  const sandbox = await startSandbox({
    autoConsent: true,
    channels: [{ id: 'another' }],
    ...(limit !== undefined && { rateLimit: limit }),
  })
  const { id, secret } = clientOf(sandbox)
  const values: Record<string, string> = {
    ...(await valuesOfUser(sandbox)),
    accessToken: await accessToken(sandbox, scopes.join(' ')),
    clientId: id,
    clientSecret: secret,
    publicClientId: sandbox.publicClientId,
    channelId: sandbox.channelId,
    basic: Buffer.from(`${id}:${secret}`).toString('base64'),
  }
  for (const next of [...after.map(exchangeOf), exchange]) Object.assign(values, await replay(sandbox, next, values))
})
