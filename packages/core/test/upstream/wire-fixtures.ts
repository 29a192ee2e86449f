import { readdirSync, readFileSync } from 'node:fs'
import { expect } from 'vitest'
import type { HttpAnswer, HttpRequest } from '../../src/ports/http.ts'
import { json } from '../world/fake-upstream.ts'

/** One request and its answer, as fixtures/wire/README.md says. */
export interface Exchange {
  readonly title: string
  /** The call of the library that sends the request; null where the library makes none. */
  readonly call?: {
    readonly operation: 'create' | 'refresh' | 'update' | 'channel'
    readonly with: Readonly<Record<string, unknown>>
    readonly ends?: string
    readonly unchecked?: true
  } | null
  readonly request: {
    readonly method: string
    readonly path: string
    readonly headers: Readonly<Record<string, string>>
    readonly body?: Readonly<Record<string, unknown>>
  }
  readonly answer: {
    readonly status: number
    readonly headers: Readonly<Record<string, string | null>>
    readonly body?: unknown
  }
}

const folder = new URL('../../../../fixtures/wire/', import.meta.url)
/** The fixtures of an API, by the paths of their files. */
export const names = (api: string): string[] =>
  readdirSync(new URL(`${api}/`, folder))
    .filter((name) => name.endsWith('.json'))
    .map((name) => `${api}/${name}`)

/** The access token of the connection. */
export const ACCESS = 'the-access-token'
/** The value of `${name}`. */
export const values: Readonly<Record<string, string>> = {
  accessToken: ACCESS,
  clientId: 'the-client',
  clientSecret: 'the-secret',
  publicClientId: 'the-public-client',
  channelId: 'web-1',
  guestId: '6f9619ff-8b86-4d11-b42d-00c04fc964ff',
  guestRefreshToken: 'the-refresh-token',
  creatorAccessToken: ACCESS,
  userAccessToken: ACCESS,
  code: 'the-code',
  codeVerifier: 'the-verifier',
  codeChallenge: 'the-challenge',
  redirectUri: 'http://127.0.0.1:8976/callback',
  refreshToken: 'the-refresh-token',
  ownRefreshToken: 'the-own-refresh-token',
  deviceCode: 'the-device-code',
  basic: Buffer.from('the-client:the-secret').toString('base64'),
}

/** The value of a marker. */
export const samples: Readonly<Record<string, string>> = {
  jwt: 'eyJhbGciOiJSUzI1NiJ9.e30.c2ln',
  uuid: '0b5f6f2e-6a0e-4b7e-9d44-2b1f0c9f8a11',
  instant: '2026-01-31T12:00:00.000Z',
  seconds: '7',
  text: 'some text',
}

/** A fixture with the values of the connection and one value for every marker; `others` in place of the usual ones. */
export function read(name: string, others: Readonly<Record<string, string>> = {}): Exchange {
  const text = readFileSync(new URL(name, folder), 'utf8')
  const filled = text.replaceAll(/\$\{(\w+)\}/g, (whole, key: string) => values[key] ?? whole)
  return JSON.parse(
    filled.replaceAll(/<(\w+)>/g, (whole, kind: string) => others[kind] ?? samples[kind] ?? whole),
  ) as Exchange
}

/** An answer as a server sends it: all answers of these APIs with a body are JSON. */
export function answerOf({ status, headers, body }: Exchange['answer']): HttpAnswer {
  const present = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== null)
  return body === undefined
    ? { status, headers: Object.fromEntries(present), bytes: new Uint8Array() }
    : json(status, body, Object.fromEntries(present))
}

/** What was sent is the request of the exchange. */
export function expectSame(sent: HttpRequest, { method, path, headers, body }: Exchange['request']): void {
  expect(sent.method).toBe(method)
  expect(new URL(sent.url).pathname).toBe(path)
  expect(sent.headers).toMatchObject(headers)
  const isForm = headers['content-type'] === 'application/x-www-form-urlencoded'
  expect(isForm ? Object.fromEntries(new URLSearchParams(sent.body)) : JSON.parse(sent.body ?? 'null')).toEqual(
    body ?? null,
  )
}
