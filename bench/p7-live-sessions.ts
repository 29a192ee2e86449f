/**
 * P7: a million live sessions on the embedded store, kept renewed by one process: its memory as sessions grow, the time from
 * its start to ready, how many renewals a second it stores, and how many come late when 500 fall due every second.
 */
import { join } from 'node:path'
import { type Instant, SECOND } from '@guestpass/core/store-kit'
import { nodePorts } from '@guestpass/core/node'
import { child } from './child.ts'
import { embeddedStore, encryptionKey, passingFolder } from './embedded-store.ts'
import { fill } from './filled-store.ts'
import { grouped } from './grouped.ts'
import { CONNECTION, session, TIME_TO_RENEW, TOKEN_LENGTH } from './live-sessions.ts'
import { isQuick, measure } from './measure.ts'
import { type RefreshUpstream, refreshUpstream } from './refresh-upstream.ts'
import type { KeeperJob, Kept, Ready } from './session-keeper.ts'
import type { Armed, TimersJob } from './session-timers.ts'
import type { Line, Sheet } from './sheet.ts'
import { atLeast, atMost, type Target } from './targets.ts'

const SIZES = isQuick ? [1_000, 10_000, 50_000] : [1_000, 100_000, 1_000_000]
const PER_SECOND = 500
const SUSTAINED_SECONDS = isQuick ? 10 : 30
/** Sessions that are due when the keeper starts, to see how fast it can go. */
const BACKLOG = isQuick ? 2_000 : 10_000
/** From which moment sessions fall due that are to be left alone: after everything that is measured. */
const UNDISTURBED = 3_600 * SECOND
/** Writing them takes a while, as does the start of the keeper: nothing falls due before. */
const START_IN = isQuick ? 10 * SECOND : 30 * SECOND
const MEBIBYTE = 2 ** 20

const ports = nodePorts()
const file = { path: join(passingFolder(), 'sessions.db'), key: encryptionKey() }
let stored = 0

/** Adds sessions that are not due now, up to so many in all. */
async function growTo(size: number): Promise<void> {
  const from = Date.now() + UNDISTURBED
  const count = Math.max(0, size - stored)
  await fill(file, count, (at) => from + (at * SECOND) / PER_SECOND)
  stored += count
}

interface Run {
  readonly kept: Kept
  readonly readyMs: number
  readonly idleRss: number
  readonly readyAt: Instant
}

/** Adds sessions that fall due at those moments, and lets a keeper of its own process renew them. */
async function kept(upstream: RefreshUpstream, dues: (now: Instant) => readonly Instant[]): Promise<Run> {
  const renewals = await addDue(upstream, dues)
  const { url, publicKey } = upstream
  const started = performance.now()
  const process = child('session-keeper.ts')
  process.tell({ ...file, url, publicKey, renewals } satisfies KeeperJob)
  const { rss } = await process.next<Ready>()
  const readyMs = performance.now() - started
  const readyAt = Date.now()
  const found = await process.next<Kept>()
  await process.end()
  if (found.failed > 0) throw new Error(`${found.failed} renewals failed`)
  return { kept: found, readyMs, idleRss: rss, readyAt }
}

/** Their tokens upstream are signed first; says how many they are. */
async function addDue(upstream: RefreshUpstream, dues: (now: Instant) => readonly Instant[]): Promise<number> {
  const ids = dues(0).map(() => ports.random.uuid())
  await upstream.prepare(ids)
  const at = dues(Date.now())
  const store = await embeddedStore(ports, file)
  const writes = ids.map((id, nth) => ({ credential: session(id, at[nth] as Instant), expect: { generation: 0 } }))
  for (let from = 0; from < writes.length; from += 1_000)
    await store.commit({ connection: CONNECTION, writes: writes.slice(from, from + 1_000) })
  await store.close()
  stored += ids.length
  return ids.length
}

const timers = async (sessions: number): Promise<{ readonly readyMs: number; readonly rss: number }> => {
  const started = performance.now()
  const process = child('session-timers.ts')
  process.tell({ sessions, tokenLength: TOKEN_LENGTH } satisfies TimersJob)
  const { rss } = await process.next<Armed>()
  const readyMs = performance.now() - started
  await process.end()
  return { readyMs, rss }
}

const rate = ({ renewed }: Pick<Kept, 'renewed'>): number => {
  const times = renewed.map(({ at }) => at).sort((a, b) => a - b)
  return Math.round(((times.length - 1) / ((times.at(-1) as number) - (times[0] as number))) * SECOND)
}

const mebibytes = (bytes: number): number => Math.round(bytes / MEBIBYTE)
const seconds = (ms: number): number => Number((ms / SECOND).toFixed(2))

interface Size {
  readonly sessions: number
  readonly ours: Run
  readonly theirs: { readonly readyMs: number; readonly rss: number }
}

function sizesSheet(sizes: readonly Size[]): Sheet {
  const title = 'P7 live sessions, one process'
  const line = (ours: boolean, values: Line['values']): Line => ({
    name: ours ? 'Guestpass' : 'timers in the process',
    does: ours ? '`keeper(…).run(…)` on the embedded store' : 'one `setTimeout` a session, tokens in memory',
    ours,
    values,
  })
  const lines = sizes.flatMap(({ sessions, ours, theirs }) => [
    line(true, [
      sessions,
      mebibytes(ours.idleRss),
      mebibytes(ours.kept.peakRss),
      seconds(ours.readyMs),
      rate(ours.kept),
    ]),
    line(false, [sessions, mebibytes(theirs.rss), '–', seconds(theirs.readyMs), '–']),
  ])
  const [least, middle, most] = sizes as [Size, Size, Size]
  const shown = ({ values: [, ready = '', , readyTime = '', renewals = ''] }: Line): string =>
    [ready, readyTime, renewals].map((value) => (typeof value === 'number' ? grouped(value) : value)).join(', ')
  const [ourLast, theirLast] = lines.slice(-2) as [Line, Line]
  const growth = (from: number, to: number): number => Number((to / from).toFixed(2))
  return {
    title,
    headings: ['sessions', 'MiB when ready', 'MiB at most', 'seconds to ready', 'renewals/s, all due at once'],
    lines,
    targets: [
      atMost(
        `${title}: times the memory when ready with ${grouped(most.sessions)} as with ${grouped(least.sessions)}`,
        growth(least.ours.idleRss, most.ours.idleRss),
        1.1,
      ),
      atMost(
        `${title}: times the memory at most with ${grouped(most.sessions)} as with ${grouped(middle.sessions)}`,
        growth(middle.ours.kept.peakRss, most.ours.kept.peakRss),
        1.1,
      ),
      atMost(`${title}: seconds to ready with ${grouped(most.sessions)}`, seconds(most.ours.readyMs), 2),
      atLeast(`${title}: renewals/s with ${grouped(most.sessions)}, all due at once`, rate(most.ours.kept), PER_SECOND),
    ],
    summary: [
      {
        measure: `P7 ${grouped(most.sessions)} live sessions: MiB when ready, seconds to ready, renewals/s`,
        ours: shown(ourLast),
        best: `${shown(theirLast)} (a timer a session)`,
      },
    ],
  }
}

function sustainedSheet(sessions: number, { kept: { renewed, cpuMs, peakRss }, readyAt }: Run): Sheet {
  const firstDue = Math.min(...renewed.map(({ dueAt }) => dueAt))
  if (readyAt > firstDue)
    throw new Error('sessions fell due before the keeper was ready: the machine is too slow for START_IN')
  const title = `P7 ${grouped(sessions)} live sessions, ${PER_SECOND} falling due per second for ${SUSTAINED_SECONDS} s`
  const delays = renewed.map(({ at, dueAt }) => at - dueAt).sort((a, b) => a - b)
  const quantile = (share: number): number => seconds(delays[Math.ceil(share * delays.length) - 1] as number)
  const lastDue = Math.max(...renewed.map(({ dueAt }) => dueAt))
  const done = renewed.filter(({ at }) => at <= lastDue + SECOND).length
  const share = Number((done / renewed.length).toFixed(3))
  const late = delays.filter((delay) => delay > TIME_TO_RENEW).length
  const targets: Target[] = [
    atMost(`${title}: renewals late`, late, 0),
    atLeast(`${title}: share renewed one second after the last fell due`, share, 1),
  ]
  return {
    title,
    headings: [
      'renewals',
      'renewals/s',
      'due to stored: p50 s',
      'p99 s',
      'most s',
      'late',
      'CPU ms each',
      'MiB at most',
    ],
    lines: [
      {
        name: 'Guestpass',
        does: '`keeper(…).run(…)` on the embedded store',
        ours: true,
        values: [
          renewed.length,
          rate({ renewed }),
          quantile(0.5),
          quantile(0.99),
          quantile(1),
          late,
          Number((cpuMs / renewed.length).toFixed(2)),
          mebibytes(peakRss),
        ],
      },
    ],
    targets,
  }
}

await measure(async () => {
  await (await embeddedStore(ports, file)).close()
  const upstream = await refreshUpstream()
  const sizes: Size[] = []
  for (const sessions of SIZES) {
    const backlog = Math.min(BACKLOG, sessions)
    await growTo(sessions - backlog)
    const ours = await kept(upstream, (now) => Array.from({ length: backlog }, () => now))
    sizes.push({ sessions, ours, theirs: await timers(sessions) })
  }
  const sustained = await kept(upstream, (now) =>
    Array.from({ length: PER_SECOND * SUSTAINED_SECONDS }, (_, nth) => now + START_IN + (nth * SECOND) / PER_SECOND),
  )
  const { refreshes, guests } = upstream.asked()
  if (refreshes !== guests) throw new Error(`upstream was asked ${refreshes} times for ${guests} renewals`)
  upstream.close()
  return [sizesSheet(sizes), sustainedSheet(stored, sustained)]
})
