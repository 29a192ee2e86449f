/**
 * P11: what a guest and a refresh cost on the embedded store and on PostgreSQL: calls of the store, SQL statements, and time on
 * the processor, beside the same request made bare with undici.
 */
import { randomUUID } from 'node:crypto'
import { type Connection, connection, resolveHosts, Secret, type Store } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
import { Agent, request } from 'undici'
import { child } from './child.ts'
import { embeddedStore, encryptionKey } from './embedded-store.ts'
import type { LocalUpstream } from './local-upstream.ts'
import { isQuick, measure } from './measure.ts'
import { benchPostgresStore, benchServer, NO_POSTGRES, serverCpu } from './postgres.ts'
import type { PostgresServer } from '../tools/postgres/server.ts'
import type { Line, Sheet } from './sheet.ts'
import { messagesSent, statementsRun } from './statements.ts'

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

/** What is measured: a store, what was asked of it so far, and its server if it has one. */
interface Subject {
  readonly name: string
  readonly calls: () => number
  /** The time on the processor of its server so far, in microseconds. Absent: it has none. */
  readonly serverCpu?: () => number
}

/** One line: `work` done over and over, each time with another number. */
async function cost(
  { name, calls, serverCpu: cpuOfServer }: Subject,
  does: string,
  work: (nth: number) => Promise<unknown>,
): Promise<Line> {
  for (let nth = 0; nth < TIMES / 10; nth += 1) await work(nth)
  const before = { calls: calls(), statements: statementsRun(), messages: messagesSent(), server: cpuOfServer?.() ?? 0 }
  const started = { cpu: process.cpuUsage(), at: performance.now() }
  for (let nth = 0; nth < TIMES; nth += 1) await work(TIMES + nth)
  const inAll = (performance.now() - started.at) * 1_000
  const { user, system } = process.cpuUsage(started.cpu)
  const each = (total: number, digits = 1): number => Number((total / TIMES).toFixed(digits))
  return {
    name,
    does,
    ours: calls !== none,
    values: [
      each(calls() - before.calls),
      each(statementsRun() - before.statements),
      cpuOfServer ? each(messagesSent() - before.messages) : '–',
      each(user + system, 0),
      cpuOfServer ? each(cpuOfServer() - before.server, 0) : '–',
      each(inAll, 0),
    ],
  }
}

const none = (): number => 0

async function signedIn({ signIn }: Connection): Promise<void> {
  const { url } = await signIn.begin({ redirectUri: 'http://127.0.0.1:8976/callback', scopes: ['guest:read'] })
  const back = (await fetch(url, { redirect: 'manual' })).headers.get('location') ?? ''
  await signIn.complete(new URL(back).searchParams)
}

type MakeStore = (ports: Pick<ReturnType<typeof nodePorts>, 'clock' | 'random'>) => Promise<Store>

async function costs(
  { url, id, secret }: LocalUpstream,
  where: Omit<Subject, 'calls' | 'name'> & { readonly place: string },
  makeStore: MakeStore,
): Promise<readonly Line[]> {
  const { close, ...ports } = nodePorts()
  const { store, calls } = counted(await makeStore(ports))
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
  const { place, ...more } = where
  const on = (what: string): Subject => ({ name: `${what}, ${place}`, calls, ...more })
  const lines = [
    await cost(on('issue a guest token'), '`guests.issue(…)`', () => guests.issue({ scopes: SCOPES })),
    await cost(on('refresh it'), '`guests.refresh(id)`', () => guests.refresh(guestId)),
    await cost(on('issue an engagement guest'), '`guests.issue({ api, email, … })`', (nth) =>
      guests.issue(person(nth)),
    ),
    await cost(on('refresh it'), '`guests.refresh(id)`, rotating', () => guests.refresh(known.guestId)),
    await cost(on('refresh an OAuth token'), '`accessTokens`, refused token reported, rotating', async () => {
      const { token } = await user.accessTokens.token()
      user.accessTokens.reportRejected(token)
      return user.accessTokens.token()
    }),
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
  const line = await cost({ name: 'a bare request', calls: none }, '`undici.request` of generate-token', async () => {
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

/** An upstream of its own for each store: it knows the guests of one store. */
async function withUpstream<T>(work: (upstream: LocalUpstream) => Promise<T>): Promise<T> {
  const upstream = child('local-upstream.ts')
  const result = await work(await upstream.next<LocalUpstream>())
  upstream.tell({ end: true })
  await upstream.end()
  return result
}

async function costsOnPostgres(server: PostgresServer): Promise<readonly Line[]> {
  const where = { place: 'PostgreSQL', serverCpu: () => serverCpu(server) }
  const at = { url: server.url(), key: encryptionKey() }
  return withUpstream((upstream) => costs(upstream, where, (ports) => benchPostgresStore(ports, at)))
}

await measure(async () => {
  const embedded = await withUpstream((upstream) => costs(upstream, { place: 'embedded store' }, embeddedStore))
  const server = await benchServer()
  const onServer = server ? await costsOnPostgres(server) : []
  await server?.stop()
  const sheet: Sheet = {
    title: 'P11 what a guest and a refresh cost',
    headings: [
      'store calls',
      'SQL statements',
      'messages to the server',
      'µs of processor',
      'µs of its server',
      'µs in all',
    ],
    lines: [...embedded, ...onServer, await withUpstream(bare)],
    targets: [],
    ...(server ? {} : { skipped: `PostgreSQL: skipped, because ${NO_POSTGRES}` }),
  }
  return [sheet]
})
