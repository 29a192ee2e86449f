/**
 * A worker process that asks an API for a guest of each person, from a number on. It prints each answer or
 * error as a line of JSON on standard output. On SIGTERM it ends after the current call.
 *
 * Arguments: the API, the connection, the number of the first person.
 */
import { writeSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { connection, type GuestRequest, resolveHosts, Secret } from '@guestpass/core'
import { asGuestpassError } from '@guestpass/core/store-kit'
import { nodePorts } from '@guestpass/core/node'
import { withBug } from '../events/bugs.ts'
import { openRunStore } from '../run-store.ts'
import { correlationOf, emailOf, type PersonApi } from './persons.ts'

const env = (name: string): string => process.env[name] ?? ''
const print = (line: Readonly<Record<string, unknown>>): void => void writeSync(1, `${JSON.stringify(line)}\n`)

const ending = new AbortController()
process.on('SIGTERM', () => ending.abort())

flushCompileCache()
const api = process.argv[2] as PersonApi
const [name = '', from = ''] = process.argv.slice(3)
const { close: _close, ...ports } = nodePorts()
const store = await openRunStore(env('CRASH_TEST_DATABASE'), env('GUESTPASS_ENCRYPTION_KEY'), ports)
const url = env('GENESYS_OAUTH_BASE_URL')
const { guests } = await connection(
  {
    name,
    hosts: resolveHosts({ oauthBaseUrl: url, apiBaseUrl: url }),
    client: { id: env('GENESYS_CLIENT_ID'), secret: new Secret(env('GENESYS_CLIENT_SECRET')) },
    preflight: 'off',
    policy: { limit: { perMinute: 600_000 }, retry: { retries: 2 }, timeoutMs: 3_000, breaker: { atLeast: 1_000_000 } },
  },
  withBug(env('CRASH_TEST_BUG'), { ...ports, store }),
)

/** How often a person is tried. */
const TRIES = 3

function requestOf(nth: number, tries: number): GuestRequest {
  const email = emailOf(api, nth)
  const again = tries === TRIES ? ({ onDoubt: 'create' } as const) : {}
  const known = { email, assurance: 'verified', onDuplicate: 'reuse', ...again } as const
  return api === 'engagements'
    ? { api, ...known, consent: true, channelId: env('CRASH_TEST_CHANNEL') }
    : { api, ...known, name: `Person ${nth}` }
}

/** Prints the guest of a person. Returns whether the person is done: it has a guest, or an orphaned one. */
async function issue(nth: number, tries: number): Promise<boolean> {
  try {
    const correlationId = correlationOf(api, nth, ports.random.uuid())
    const { guestId, generation } = await guests.issue(requestOf(nth, tries), { correlationId })
    print({ api, nth, guestId, generation })
    return true
  } catch (thrown) {
    const error = asGuestpassError(thrown)
    print({ code: error.code, ...(error.code === 'internal' ? { message: error.message } : {}) })
    await ports.clock.sleep(200)
    return error.code === 'guest_orphaned'
  }
}

for (let nth = Number(from); !ending.signal.aborted; nth += 1) {
  let tries = 1
  while (!ending.signal.aborted && tries <= TRIES && !(await issue(nth, tries))) tries += 1
}
process.exit(0)
