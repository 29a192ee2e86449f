import { existsSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { auditLog, connection, type Connection, keeper, report, resolveHosts, Secret } from '@guestpass/core'
import { retention, rollUps, type Worker } from '@guestpass/core/runtime-kit'
import { nodePorts } from '@guestpass/core/node'
import { DAY, HOUR, type Instant, type Millis, MINUTE, SECOND } from '@guestpass/core/store-kit'
import { fakeClock, type FakeClock, seededRandom } from '@guestpass/core/testing'
import { localKeyRing, type SealedStore, sqliteStore } from '@guestpass/store/sqlite'
import { type GuestTokensUpstream, guestTokensUpstream } from './guest-tokens-upstream.ts'
import { createSinglePass, type SinglePass } from './single-pass.ts'

/** What is simulated. */
export interface GrowthOptions {
  /** The folder of the database. */
  readonly folder: string
  readonly days: number
  /** Guests that are in use at any time. Each has a token of 24 hours. */
  readonly sessions: number
  /** The share of guests that leave in a day. As many new ones join. 0 to 1. */
  readonly leaving: number
  /** How long audit records are kept, and guests after their last token. */
  readonly recordDays: number
  readonly endedGuestDays: number
  /** Hours between the passes of all workers besides renewal, and between the changes of guests: 1, 2, 3, 4 or 6. */
  readonly stepHours: number
  readonly seed: number
}

/** What the store holds at a moment. */
export interface Size {
  readonly day: number
  readonly guests: number
  readonly events: number
  readonly documents: number
  /** The size of the database file. */
  readonly bytes: number
}

/** What is wrong after a simulation; each 0 or false in a right one. */
export interface GrowthReport {
  readonly sizes: readonly Size[]
  readonly refreshes: number
  /** Refreshes and issued tokens that the upstream counted and the report did not, or the other way round. */
  readonly wronglyCounted: number
  /** Guests in use whose token was not valid at the end. */
  readonly withoutToken: number
  /** The fault of the audit chain; absent if it verifies. */
  readonly chainFault?: string
}

const LIFE_SECONDS = DAY / SECOND
/** Renewals that are due within this time are one pass. Tokens are due 5 minutes before their end. */
const BATCH: Millis = 2 * MINUTE
/** A site asks for the token of each guest that often. */
const ASKED_EVERY: Millis = 12 * HOUR
const AT_ONCE = 100
const SCOPES = ['webmessaging:guest:send']

/** A folder in memory, if the system has one. A year has a million commits, and a disk is flushed for each. */
export const fastFolder = (): string => (existsSync('/dev/shm') ? '/dev/shm' : tmpdir())

interface Parts {
  readonly options: GrowthOptions
  readonly clock: FakeClock
  readonly store: SealedStore
  readonly path: string
  readonly upstream: GuestTokensUpstream
  readonly connection: Connection
  readonly pass: SinglePass
  readonly renewal: Worker
  /** The other workers, in the order of their passes. */
  readonly others: readonly Worker[]
  /** The ids of the guests in use. */
  readonly inUse: string[]
  readonly random: () => number
}

async function createParts(options: GrowthOptions): Promise<Parts> {
  const { recordDays, endedGuestDays } = options
  const clock = fakeClock()
  const random = seededRandom(options.seed)
  const path = join(options.folder, 'guestpass.db')
  const key = Buffer.from(random.bytes(32)).toString('base64')
  const store = await sqliteStore({ path, keyRing: localKeyRing(key, { random }), clock, random })
  const upstream = guestTokensUpstream(clock, LIFE_SECONDS)
  const { platform } = nodePorts()
  const ports = { store, clock, random, http: upstream.http, platform }
  const opened = await connection(
    {
      hosts: resolveHosts({ baseUrl: 'https://gateway.example.com' }),
      client: { id: 'client', secret: new Secret('test-secret-client') },
      publicKey: upstream.publicKey,
      algorithms: ['ES256'],
      policy: { limit: { perMinute: 6_000_000, burst: 10_000 } },
    },
    ports,
  )
  const pass = createSinglePass(clock)
  const { name, meters, guests } = opened
  const workerPorts = { store, clock: pass.clock }
  const kept = { connection: name, renew: guests.keepRenewed, meter: meters }
  return {
    options,
    clock,
    store,
    path,
    upstream,
    connection: opened,
    pass,
    renewal: keeper(kept, workerPorts, { perMinute: 3_000 }),
    others: [
      rollUps(name, workerPorts),
      auditLog(name, workerPorts),
      retention(name, { ...workerPorts, random }, { eventsMs: recordDays * DAY, endedGuestsMs: endedGuestDays * DAY }),
    ],
    inUse: [],
    random: () => random.float(),
  }
}

async function inGroups<T>(all: readonly T[], work: (one: T) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < all.length; at += AT_ONCE) await Promise.all(all.slice(at, at + AT_ONCE).map(work))
}

/** Moves the clock to a moment, and renews tokens as they fall due. */
async function passTime(parts: Parts, until: Instant): Promise<void> {
  const {
    clock,
    store,
    pass,
    renewal,
    connection: { name },
  } = parts
  for (;;) {
    await pass.run(renewal)
    const left = until - clock.wall()
    if (left <= 0) return
    const { nextInMs = left } = await store.claimDue(name, { max: 1, leaseMs: SECOND, keepForMs: DAY })
    await clock.advance(Math.min(left, nextInMs + BATCH))
  }
}

/** Some guests leave, and new ones join up to the number that is wanted. */
async function changeGuests(parts: Parts, wanted: number): Promise<void> {
  const { inUse, random, connection: opened } = parts
  const { leaving, stepHours } = parts.options
  const expected = (leaving * inUse.length * stepHours * HOUR) / DAY
  const count = Math.floor(expected) + (random() < expected % 1 ? 1 : 0)
  for (let nth = 0; nth < count; nth += 1) inUse.splice(Math.floor(random() * inUse.length), 1)
  await inGroups(Array.from({ length: wanted - inUse.length }), async () => {
    const { guestId } = await opened.guests.issue({ duration: LIFE_SECONDS, scopes: SCOPES })
    inUse.push(guestId)
  })
}

/** Simulates the hours up to the next passes. `step`: its number, from 0. */
async function simulateStep(parts: Parts, step: number): Promise<void> {
  const { options, clock, inUse, pass, others, connection: opened } = parts
  const stepMs = options.stepHours * HOUR
  await passTime(parts, clock.wall() + stepMs)
  // Guests join over the whole first day, so that later renewals are spread over the day.
  const share = Math.min(1, ((step + 1) * stepMs) / DAY)
  await changeGuests(parts, Math.ceil(options.sessions * share))
  const every = ASKED_EVERY / stepMs
  const asked = inUse.filter((_, at) => at % every === step % every)
  await inGroups(asked, (id) => opened.guests.token(id))
  for (const worker of others) await pass.run(worker)
}

async function sizeNow({ store, path, connection: { name } }: Parts, day: number): Promise<Size> {
  const { kinds } = await store.sizes(name)
  const rows = (isCounted: (kind: string) => boolean): number =>
    kinds.reduce((sum, { kind, rows: count }) => sum + (isCounted(kind) ? count : 0), 0)
  return {
    day,
    guests: rows((kind) => kind === 'guests'),
    events: rows((kind) => kind === 'events'),
    documents: rows((kind) => kind.startsWith('documents/')),
    bytes: statSync(path).size,
  }
}

async function outcome(parts: Parts, sizes: readonly Size[]): Promise<GrowthReport> {
  const {
    store,
    clock,
    upstream,
    inUse,
    connection: { name, guests },
  } = parts
  const { issued, refreshed } = upstream.counts()
  const { guestTokens, refreshes } = await report(store, name)
  const verdict = await auditLog(name, { store, clock }).verify()
  let withoutToken = 0
  await inGroups(inUse, async (id) => {
    const { expiresAt } = await guests.token(id)
    if (expiresAt <= clock.wall()) withoutToken += 1
  })
  return {
    sizes,
    refreshes: refreshed,
    wronglyCounted: Math.abs(guestTokens.succeeded - issued) + Math.abs(refreshes.succeeded - refreshed),
    withoutToken,
    ...(verdict.valid ? {} : { chainFault: verdict.message }),
  }
}

/**
 * Simulates a connection whose guests leave and join, on virtual time.
 *
 * @param every after so many days it takes the sizes, and calls `onSize` with them
 */
export async function simulateGrowth(
  options: GrowthOptions,
  every: number,
  onSize: (size: Size) => void,
): Promise<GrowthReport> {
  const parts = await createParts(options)
  const steps = DAY / HOUR / options.stepHours
  const sizes: Size[] = []
  try {
    for (let step = 0; step < options.days * steps; step += 1) {
      await simulateStep(parts, step)
      const day = (step + 1) / steps
      if (day % every !== 0) continue
      const size = await sizeNow(parts, day)
      sizes.push(size)
      onSize(size)
    }
    return await outcome(parts, sizes)
  } finally {
    await parts.store.close()
  }
}

/** The most that a file which has levelled off grows in the last third of the days. */
const MOST_GROWTH = 1.05

/** The size of the file at the end, as a share of its size after two thirds of the days. */
export function growthAtEnd(sizes: readonly Size[]): number {
  const last = sizes.at(-1)
  const before = sizes.find(({ day }) => day >= ((last?.day ?? 0) * 2) / 3)
  return last && before ? last.bytes / before.bytes : Number.POSITIVE_INFINITY
}

/** Whether the file has levelled off, each refresh was counted once, and all guests in use have a token. */
export const isRight = ({ sizes, wronglyCounted, withoutToken, chainFault }: GrowthReport): boolean =>
  growthAtEnd(sizes) <= MOST_GROWTH && wronglyCounted + withoutToken === 0 && chainFault === undefined
