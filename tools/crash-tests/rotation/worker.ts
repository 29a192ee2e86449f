/**
 * A worker process of one connection: it gets a token of the sign-in, or refreshes the guest, again and
 * again. It prints each answer or error as a line of JSON on standard output. On SIGTERM it ends after the
 * current call.
 *
 * Argument: the connection.
 */
import { createHash } from 'node:crypto'
import { readFileSync, writeSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { connection, resolveHosts, Secret } from '@guestpass/core'
import { asGuestpassError } from '@guestpass/core/store-kit'
import { nodePorts } from '@guestpass/core/node'
import { withBug } from '../events/bugs.ts'
import { openRunStore } from '../run-store.ts'

const env = (name: string): string => process.env[name] ?? ''
const print = (line: Readonly<Record<string, unknown>>): void => void writeSync(1, `${JSON.stringify(line)}\n`)

const ending = new AbortController()
process.on('SIGTERM', () => ending.abort())

// Node keeps compiled code at exit, and a killed process does not exit. So it is kept now.
flushCompileCache()
const name = process.argv[2] ?? ''
const { close: _close, ...platform } = nodePorts()
const store = await openRunStore(env('CRASH_TEST_DATABASE'), env('GUESTPASS_ENCRYPTION_KEY'), platform)
const ports = withBug(env('CRASH_TEST_BUG'), { ...platform, store })
const url = env('GENESYS_OAUTH_BASE_URL')
/** Tokens are due at once, so that each process often renews them. */
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

/** Prints the token that it gets. */
async function next(): Promise<void> {
  if (name.startsWith('grant')) {
    const { token, generation } = await accessTokens.token()
    print({ of: 'grant', generation, token: digest(token) })
    accessTokens.reportRejected(token)
  } else {
    const of = readFileSync(`guest-of-${name}`, 'utf8')
    const { token, generation } = await guests.refresh(of)
    print({ of, generation, token: digest(token) })
  }
  await platform.clock.sleep(20)
}

while (!ending.signal.aborted) {
  try {
    await next()
  } catch (thrown) {
    const error = asGuestpassError(thrown)
    print({ code: error.code, ...(error.code === 'internal' ? { message: error.message } : {}) })
    await platform.clock.sleep(200)
  }
}
process.exit(0)
