/**
 * One process of the connection that it is started with: it asks for a token of the sign-in, or refreshes the guest, over and over.
 * Every answer or error is a line of JSON on standard output. SIGTERM ends it after the call of the moment.
 */
import { createHash } from 'node:crypto'
import { readFileSync, writeSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { connection, resolveHosts, Secret } from '@guestpass/core'
import { asGuestpassError } from '@guestpass/core/store-kit'
import { nodePorts } from '@guestpass/core/node'
import { localKeyRing, sqliteStore } from '@guestpass/store/sqlite'
import { withBug } from '../events/bugs.ts'

const env = (name: string): string => process.env[name] ?? ''
const say = (said: Readonly<Record<string, unknown>>): void => void writeSync(1, `${JSON.stringify(said)}\n`)

const ending = new AbortController()
process.on('SIGTERM', () => ending.abort())

// Killed processes leave nothing to the next ones: what was compiled is kept now.
flushCompileCache()
const name = process.argv[2] ?? ''
const { close: _close, ...world } = nodePorts()
const keyRing = localKeyRing(env('GUESTPASS_ENCRYPTION_KEY'), world)
const store = await sqliteStore({ path: env('CRASH_TEST_DATABASE'), keyRing, busyMs: 30_000, ...world })
const ports = withBug(env('CRASH_TEST_BUG'), { ...world, store })
const url = env('GENESYS_OAUTH_BASE_URL')
/** Tokens are renewed soon after they came, so that there is much to meet. */
const early = (lifetime: number): number => lifetime - 300
const { accessTokens, guests } = await connection(
  {
    name,
    hosts: resolveHosts({ oauthBaseUrl: url, apiBaseUrl: url }),
    client: { id: env('GENESYS_CLIENT_ID'), secret: new Secret(env('GENESYS_CLIENT_SECRET')) },
    refreshProfile: env('CRASH_TEST_PROFILE') as 'strict' | 'grace',
    graceMs: Number(env('CRASH_TEST_GRACE_MS')),
    windows: { advisory: early, mandatory: early },
    policy: { limit: { perMinute: 600_000 }, retry: { retries: 2 }, timeoutMs: 3_000, breaker: { atLeast: 1_000_000 } },
  },
  ports,
)

const digest = (token: Secret): string => createHash('sha256').update(token.reveal()).digest('hex').slice(0, 16)

/** Says which token it got. */
async function next(): Promise<void> {
  if (name.startsWith('grant')) {
    const { token, generation } = await accessTokens.token()
    say({ of: 'grant', generation, token: digest(token) })
    accessTokens.reportRejected(token)
  } else {
    const of = readFileSync(`guest-of-${name}`, 'utf8')
    const { token, generation } = await guests.refresh(of)
    say({ of, generation, token: digest(token) })
  }
  await world.clock.sleep(20)
}

while (!ending.signal.aborted) {
  try {
    await next()
  } catch (thrown) {
    const error = asGuestpassError(thrown)
    say({ code: error.code, ...(error.code === 'internal' ? { message: error.message } : {}) })
    await world.clock.sleep(200)
  }
}
process.exit(0)
