/**
 * P6: a guest issued by the service, from the request of a client to its answer, against the same request to the upstream made bare
 * with undici. Fastify that answers "hello" is the floor, and the commits of the store are the other limit.
 */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { nodePorts } from '@guestpass/core/node'
import type { Store } from '@guestpass/core'
import { child } from './child.ts'
import { commitRate } from './commit-rate.ts'
import { type Driver, driver, quantile, type Slice } from './drive.ts'
import { embeddedStore, encryptionKey, passingFolder } from './embedded-store.ts'
import { grouped } from './grouped.ts'
import { API_KEY, startInstance, type UpstreamProcess, upstreamProcess } from './instances.ts'
import { SCOPES } from './live-sessions.ts'
import { isQuick, measure } from './measure.ts'
import { benchPostgresStore, benchServer, NO_POSTGRES } from './postgres.ts'
import { median } from './race.ts'
import type { Line, Sheet } from './sheet.ts'
import { atLeast, atMost, type Target } from './targets.ts'

const ROUNDS = isQuick ? 3 : 9
const IN_FLIGHT = 64
/** Of each contender, in each round. */
const SLICE_MS = isQuick ? 500 : 800
/** Guests whose tokens are signed before each round: more than can be issued in one. */
const PREPARED = isQuick ? 3_000 : 5_000

/** Gives ids of guests whose tokens were signed, each once. */
function preparedIds(upstream: UpstreamProcess) {
  let ids: string[] = []
  return {
    async fill(): Promise<void> {
      const more = Array.from({ length: PREPARED - ids.length }, () => randomUUID())
      await upstream.prepare(more)
      ids = [...more, ...ids]
    },
    next(): string {
      const id = ids.pop()
      if (id === undefined) throw new Error('all prepared tokens are issued: PREPARED is too low for this machine')
      return id
    },
  }
}

interface Contender {
  readonly name: string
  readonly does: string
  readonly driver: Driver
}

interface Rounds {
  readonly alone: Slice[]
  readonly together: Slice[]
}

/** Every contender in each round, one request at a time and many in flight. Begins with another one each time. */
async function inTurns(
  contenders: readonly Contender[],
  eachRound: () => Promise<void>,
): Promise<ReadonlyMap<Contender, Rounds>> {
  const found = new Map<Contender, Rounds>(contenders.map((one) => [one, { alone: [], together: [] }]))
  for (const { driver: each } of contenders) await each.drive(IN_FLIGHT, SLICE_MS / 2)
  for (let round = 0; round < ROUNDS; round += 1) {
    await eachRound()
    for (let turn = 0; turn < contenders.length; turn += 1) {
      const one = contenders[(round + turn) % contenders.length] as Contender
      found.get(one)?.alone.push(await one.driver.drive(1, SLICE_MS / 2))
      found.get(one)?.together.push(await one.driver.drive(IN_FLIGHT, SLICE_MS))
    }
  }
  return found
}

const rounded = (value: number): number => Number(value.toPrecision(3))
const allMs = (slices: readonly Slice[]): readonly number[] => slices.flatMap(({ ms }) => ms)
const rateOf = ({ together }: Rounds): number => median(together.map(({ perSecond }) => perSecond))

function lineOf({ name, does }: Contender, { alone, together }: Rounds, ours: boolean): Line {
  const [one, many] = [allMs(alone), allMs(together)]
  return {
    name,
    does,
    ours,
    values: [
      rounded(median(one)),
      rounded(quantile(one, 0.99)),
      Math.round(median(together.map(({ perSecond }) => perSecond))),
      rounded(median(many)),
      rounded(quantile(many, 0.99)),
    ],
  }
}

/** Where the service keeps its data. */
interface Place {
  readonly name: string
  readonly database: { readonly url: string; readonly key: string }
  /** A store of the same kind for commits alone. */
  readonly store: Store
  readonly isHeldToTargets: boolean
}

interface Contenders {
  readonly ours: Contender
  readonly bare: Contender
  readonly least: Contender
}

/** The three, to processes that run. */
function contendersOf(
  {
    name,
    ids,
    upstream,
  }: { readonly name: string; readonly ids: ReturnType<typeof preparedIds>; readonly upstream: UpstreamProcess },
  at: { readonly service: string; readonly floor: string },
): Contenders {
  const known = ids.next()
  return {
    bare: {
      name: 'the upstream, bare',
      does: '`undici` to `generate-token`',
      driver: driver({
        origin: upstream.url,
        path: '/api/v2/webmessaging/guests/generate-token',
        headers: { authorization: 'Bearer bench' },
        body: () => JSON.stringify({ guestId: known, expirationDurationSeconds: 3_600, scopes: SCOPES }),
        status: 200,
      }),
    },
    least: {
      name: 'Fastify, hello',
      does: 'the floor',
      driver: driver({ origin: at.floor, path: '/hello', body: () => '{}', status: 200 }),
    },
    ours: {
      name: 'Guestpass',
      does: `\`POST /v1/guests\`, ${name}`,
      driver: driver({
        origin: at.service,
        path: '/v1/guests',
        headers: { authorization: `Bearer ${API_KEY}` },
        body: () => JSON.stringify({ guestId: ids.next(), scopes: SCOPES }),
        status: 201,
      }),
    },
  }
}

async function onPlace(place: Place, upstream: UpstreamProcess): Promise<Sheet> {
  const { name, database, store } = place
  const ids = preparedIds(upstream)
  await ids.fill()
  const service = await startInstance(upstream, database)
  const hello = child('hello.ts')
  const { url: floor } = await hello.next<{ readonly url: string }>()
  const contenders = contendersOf({ name, ids, upstream }, { service: service.url, floor })
  const commits: number[] = []
  const rounds = await inTurns(Object.values(contenders), async () => {
    await ids.fill()
    commits.push(await commitRate(store, IN_FLIGHT, SLICE_MS))
  })
  for (const { driver: each } of rounds.keys()) await each.close()
  await Promise.all([service.stop(), hello.end()])
  return sheetOf(place, contenders, rounds, Math.round(median(commits)))
}

function sheetOf(
  { name, isHeldToTargets }: Place,
  { ours, bare, least }: Contenders,
  rounds: ReadonlyMap<Contender, Rounds>,
  commits: number,
): Sheet {
  const found = (one: Contender): Rounds => rounds.get(one) as Rounds
  const title = `P6 a guest issued by the service, ${name}`
  const added = rounded(median(allMs(found(ours).alone)) - median(allMs(found(bare).alone)))
  const share = rounded(rateOf(found(ours)) / Math.min(rateOf(found(bare)), commits))
  const targets: Target[] = [
    atMost(`${title}: ms added at the median, one at a time`, added, 1),
    atLeast(`${title}: times the lower of bare upstream and the store's commits`, share, 0.5),
  ]
  const ourLine = lineOf(ours, found(ours), true)
  const together = `${IN_FLIGHT} in flight`
  return {
    title,
    headings: ['p50 ms, one at a time', 'p99 ms', `per second, ${together}`, `p50 ms, ${together}`, 'p99 ms'],
    lines: [
      ourLine,
      lineOf(bare, found(bare), false),
      lineOf(least, found(least), false),
      { name: 'the store alone', does: 'commits of a guest', ours: false, values: ['–', '–', commits, '–', '–'] },
    ],
    targets: isHeldToTargets ? targets : [],
    summary: [
      {
        measure: `${title}: per second; ms added at the median; p99 ms`,
        ours: `${grouped(Number(ourLine.values[2]))}; ${added}; ${ourLine.values[1]}`,
        best: `${grouped(Math.round(rateOf(found(bare))))} (bare upstream), ${grouped(commits)} (commits)`,
        timesLimit: `${share} x`,
      },
    ],
  }
}

const ports = nodePorts()

async function onEmbedded(upstream: UpstreamProcess): Promise<Sheet> {
  const folder = passingFolder()
  const [service, alone] = ['service.db', 'alone.db'].map((file) => ({
    path: join(folder, file),
    key: encryptionKey(),
  }))
  if (!service || !alone) throw new Error('no place for the store')
  const store = await embeddedStore(ports, alone)
  const database = { url: service.path, key: service.key }
  const sheet = await onPlace({ name: 'embedded store', database, store, isHeldToTargets: true }, upstream)
  await store.close()
  return sheet
}

async function onPostgres(upstream: UpstreamProcess): Promise<Sheet> {
  const title = 'P6 a guest issued by the service, PostgreSQL'
  const server = await benchServer()
  if (!server) return { title, headings: [], lines: [], targets: [], skipped: `skipped: ${NO_POSTGRES}` }
  await server.run('create database alone')
  const key = encryptionKey()
  const store = await benchPostgresStore(ports, { url: server.url('alone'), key })
  const database = { url: server.url(), key }
  const sheet = await onPlace({ name: 'PostgreSQL', database, store, isHeldToTargets: false }, upstream)
  await store.close()
  await server.stop()
  return sheet
}

await measure(async () => {
  const upstream = await upstreamProcess()
  const sheets = [await onEmbedded(upstream), await onPostgres(upstream)]
  await upstream.end()
  await ports.close()
  return sheets
})
