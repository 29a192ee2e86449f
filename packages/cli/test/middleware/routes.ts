import type { Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { GuestpassError } from '@guestpass/core'
import type { Guest, TokenVerifier } from '../../src/middleware/express.ts'
import { SEND } from './tokens.ts'

/** What the routes of every framework answer with about the guest. */
export const shown = (guest: Guest | undefined) =>
  guest ? { guestId: guest.guestId, scopes: guest.scopes, verified: guest.verified } : { guestId: null }

export const scopes = [SEND]

/** The token in the cookie `guest`. */
export const cookieOf = (header: string | undefined): string | undefined =>
  header
    ?.split('; ')
    .find((one) => one.startsWith('guest='))
    ?.slice('guest='.length)

const email = { field: 'email', message: 'ann@example.com is not an address', remedy: 'Give one address.' }

export const busy = () =>
  new GuestpassError('upstream_busy', 'No more requests to api.internal.', {
    retryAt: Date.now() + 5_000,
    upstream: { status: 429, code: 'ann@example.com' },
    reason: 'limit',
  })

/** Headers of a body that a route began with, before it threw. */
export const begun = {
  'content-type': 'text/html',
  'content-length': '5',
  'content-encoding': 'gzip',
  etag: '"5-a"',
  'last-modified': 'Mon, 05 Jan 2026 10:00:00 GMT',
}

/** What the routes throw, by the last part of their path. */
export const thrown: Readonly<Record<string, () => Error>> = {
  exists: () => new GuestpassError('session_exists', 'ann@example.com has a session.', { reason: 'claimed' }),
  busy,
  config: () =>
    new GuestpassError('config_invalid', 'GENESYS_CLIENT_SECRET is missing', {
      fields: [{ ...email, field: 'GENESYS_CLIENT_SECRET' }],
    }),
  input: () =>
    new GuestpassError('invalid_input', 'ann@example.com is not an address', {
      fields: [email, { ...email, field: 'attributes.ann@example.com' }],
    }),
  ended: () => new GuestpassError('needs_reauth', 'The session of ann@example.com ended.', { reason: 'guest' }),
  type: () => new TypeError('ann@example.com has no property'),
}

/** Adds the routes that fail, at once and later, with each of these errors. */
export function addFailing(add: (path: string, fails: () => Promise<never>) => void): void {
  for (const [name, error] of Object.entries(thrown)) {
    add(`/throws/${name}`, () => {
      throw error()
    })
    add(`/rejects/${name}`, async () => {
      await Promise.resolve()
      throw error()
    })
  }
}

/** What a framework needs to serve the routes of the cases. */
export interface RouteParts {
  readonly verifier: TokenVerifier
  readonly keyless: TokenVerifier
}

/** A framework that serves the routes. */
export interface App {
  readonly url: string
  readonly close: () => Promise<void>
}

/** Headers of more than 16 KiB reach the routes. */
export const LARGE = { maxHeaderSize: 65_536 }

export async function listening(server: Server): Promise<App> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
