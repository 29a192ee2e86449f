/**
 * One process of the connection that it is started with, which is signed in: it asks for a token, says which it got, says that a resource refused it, and asks again. Every
 * answer or error is a line of JSON on standard output.
 */
import { createHash } from 'node:crypto'
import { writeSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { asGuestpassError, connection, resolveHosts, Secret, type Store } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
import { localKeyRing, sqliteStore } from '@guestpass/store/sqlite'

const env = (name: string): string => process.env[name] ?? ''
const say = (said: Readonly<Record<string, unknown>>): void => void writeSync(1, `${JSON.stringify(said)}\n`)

/** The seeded bug: intents are not written down, so that a lost answer is posted again as if nothing had been. */
const forgetful = (store: Store): Store => ({
  ...store,
  commit: (change) =>
    store.commit({
      ...change,
      writes: (change.writes ?? []).map(({ credential: { intent: _forgotten, ...credential }, expect }) => ({
        credential: { ...credential, standing: 'active' },
        expect,
      })),
    }),
})

// Killed processes leave nothing to the next ones: what was compiled is kept now.
flushCompileCache()
const name = process.argv[2] ?? ''
const { close: _close, ...world } = nodePorts()
const keyRing = localKeyRing(env('GUESTPASS_ENCRYPTION_KEY'), world)
const opened = await sqliteStore({ path: 'guestpass.db', keyRing, busyMs: 30_000, ...world })
const store = env('TORTURE_BUG') === 'no-intent' ? forgetful(opened) : opened
const url = env('GENESYS_OAUTH_BASE_URL')
const { accessTokens } = await connection(
  {
    name,
    hosts: resolveHosts({ oauthBaseUrl: url, apiBaseUrl: url }),
    client: { id: env('GENESYS_CLIENT_ID'), secret: new Secret(env('GENESYS_CLIENT_SECRET')) },
    refreshProfile: env('TORTURE_PROFILE') as 'strict' | 'grace',
    graceMs: Number(env('TORTURE_GRACE_MS')),
    policy: { limit: { perMinute: 600_000 }, retry: { retries: 2 }, timeoutMs: 3_000, breaker: { atLeast: 1_000_000 } },
  },
  { ...world, store },
)

for (;;) {
  try {
    const { token, generation } = await accessTokens.token()
    say({ generation, token: createHash('sha256').update(token.reveal()).digest('hex').slice(0, 16) })
    accessTokens.reportRejected(token)
  } catch (thrown) {
    const error = asGuestpassError(thrown)
    say({ code: error.code, ...(error.code === 'internal' ? { message: error.message } : {}) })
    await world.clock.sleep(200)
  }
}
