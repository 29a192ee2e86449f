/**
 * P11: what a guest and a refresh cost on the embedded store: calls of the store, SQL statements, and time on the processor, beside the
 * same request made bare with undici.
 */
import { randomUUID } from 'node:crypto'
import { type Connection, connection, resolveHosts, Secret, type Store } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
import { Agent, request } from 'undici'
import { child } from './child.ts'
import { embeddedStore } from './embedded-store.ts'
import type { LocalUpstream } from './local-upstream.ts'
import { isQuick, measure } from './measure.ts'
import type { Line, Sheet } from './sheet.ts'
import { statementsRun } from './statements.ts'

const TIMES = isQuick ? 60 : 400
const SCOPES = ['webmessaging:guest:send']

/** Counts what is asked of a store. */
function counted(store: Store): { readonly store: Store; readonly calls: () => number } {
  let calls = 0
  const guarded = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(of, name) {
        const value: unknown = Reflect.get(of, name)
        if (typeof value === 'object' && value !== null) return guarded(value)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          calls += 1
          return Reflect.apply(value, of, args) as unknown
        }
      },
    })
  return { store: guarded(store), calls: () => calls }
}

/** One line: `work` done over and over, each time with another number. */
async function cost(
  name: string,
  does: string,
  calls: () => number,
  work: (nth: number) => Promise<unknown>,
): Promise<Line> {
  for (let nth = 0; nth < TIMES / 10; nth += 1) await work(nth)
  const before = { calls: calls(), statements: statementsRun(), cpu: process.cpuUsage(), at: performance.now() }
  for (let nth = 0; nth < TIMES; nth += 1) await work(TIMES + nth)
  const { user, system } = process.cpuUsage(before.cpu)
  const each = (total: number, digits = 1): number => Number((total / TIMES).toFixed(digits))
  return {
    name,
    does,
    ours: calls !== none,
    values: [
      each(calls() - before.calls),
      each(statementsRun() - before.statements),
      each(user + system, 0),
      each((performance.now() - before.at) * 1_000, 0),
    ],
  }
}

const none = (): number => 0

async function signedIn({ signIn }: Connection): Promise<void> {
  const { url } = await signIn.begin({ redirectUri: 'http://127.0.0.1:8976/callback', scopes: ['guest:read'] })
  const back = (await fetch(url, { redirect: 'manual' })).headers.get('location') ?? ''
  await signIn.complete(new URL(back).searchParams)
}

async function costs({ url, id, secret }: LocalUpstream): Promise<readonly Line[]> {
  const { close, ...ports } = nodePorts()
  const { store, calls } = counted(await embeddedStore(ports))
  const opened = (name: string): Promise<Connection> =>
    connection(
      {
        name,
        hosts: resolveHosts({ oauthBaseUrl: url, apiBaseUrl: url }),
        client: { id, secret: new Secret(secret) },
        policy: { limit: { perMinute: 6_000_000, burst: 1_000 } },
      },
      { ...ports, store },
    )
  const { guests } = await opened('default')
  const user = await opened('user')
  await signedIn(user)
  const { guestId } = await guests.issue({ scopes: SCOPES })
  const person = (nth: number) =>
    ({ api: 'engagements', email: `guest-${nth}@example.com`, consent: true, channelId: 'web-chat' }) as const
  const known = await guests.issue(person(-1))
  const lines = [
    await cost('issue a guest token', '`guests.issue(…)`', calls, () => guests.issue({ scopes: SCOPES })),
    await cost('refresh it', '`guests.refresh(id)`', calls, () => guests.refresh(guestId)),
    await cost('issue an engagement guest', '`guests.issue({ api, email, … })`', calls, (nth) =>
      guests.issue(person(nth)),
    ),
    await cost('refresh it', '`guests.refresh(id)`, rotating', calls, () => guests.refresh(known.guestId)),
    await cost('refresh an OAuth token', '`accessTokens`, refused token reported, rotating', calls, async () => {
      const { token } = await user.accessTokens.token()
      user.accessTokens.reportRejected(token)
      return user.accessTokens.token()
    }),
    await bare({ url, id, secret }),
  ]
  await close()
  await store.close()
  return lines
}

/** What the request alone costs. */
async function bare({ url, id, secret }: LocalUpstream): Promise<Line> {
  const dispatcher = new Agent()
  const scope = 'webmessaging:guest:create'
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: id, client_secret: secret, scope })
  const granted = await request(`${url}/oauth/token`, {
    dispatcher,
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
  })
  const { access_token: token } = (await granted.body.json()) as { access_token: string }
  const line = await cost('a bare request', '`undici.request` of generate-token', none, async () => {
    const { body } = await request(`${url}/api/v2/webmessaging/guests/generate-token`, {
      dispatcher,
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ guestId: randomUUID(), expirationDurationSeconds: 3_600, scopes: SCOPES }),
    })
    return body.json()
  })
  await dispatcher.close()
  return line
}

await measure(async () => {
  const upstream = child('local-upstream.ts')
  const lines = await costs(await upstream.next<LocalUpstream>())
  upstream.tell({ end: true })
  await upstream.end()
  const sheet: Sheet = {
    title: 'P11 what a guest and a refresh cost, embedded store',
    headings: ['store calls', 'SQL statements', 'µs of processor', 'µs in all'],
    lines,
    targets: [],
  }
  return [sheet]
})
