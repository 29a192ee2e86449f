/**
 * P7: a million live sessions on the embedded store, kept renewed by one process: its memory as sessions grow, the time from
 * its start to ready, how many renewals a second it stores, and how many come late when 500 fall due every second.
 */
import { join } from 'node:path'
import { nodePorts } from '@guestpass/core/node'
import { SECOND } from '@guestpass/core/store-kit'
import { embeddedStore, encryptionKey, passingFolder } from './embedded-store.ts'
import { fill } from './filled-store.ts'
import { checkOnce, kept, type SessionDatabase, timers } from './kept-sessions.ts'
import { isQuick, measure } from './measure.ts'
import { refreshUpstream } from './refresh-upstream.ts'
import { PER_SECOND, type Size, sizesSheet, sustainedSheet } from './session-sheets.ts'

const SIZES = isQuick ? [1_000, 10_000, 50_000] : [1_000, 100_000, 1_000_000]
const SUSTAINED_SECONDS = isQuick ? 10 : 30
/** Sessions that are due when the keeper starts, to see how fast it can go. */
const BACKLOG = isQuick ? 2_000 : 10_000
/** From which moment sessions fall due that are to be left alone: after everything that is measured. */
const UNDISTURBED = 3_600 * SECOND
/** Writing them takes a while, as does the start of the keeper: nothing falls due before. */
const START_IN = isQuick ? 10 * SECOND : 30 * SECOND
const PLACE = 'embedded store'

const ports = nodePorts()
const file = { path: join(passingFolder(), 'sessions.db'), key: encryptionKey() }
const database: SessionDatabase = {
  place: file.path,
  key: file.key,
  open: () => embeddedStore(ports, file),
}
let stored = 0

/** Adds sessions that are not due now, up to so many in all. */
async function growTo(size: number): Promise<void> {
  const from = Date.now() + UNDISTURBED
  const count = Math.max(0, size - stored)
  await fill(file, count, (at) => from + (at * SECOND) / PER_SECOND)
  stored += count
}

await measure(async () => {
  await (await database.open()).close()
  const upstream = await refreshUpstream()
  const sizes: Size[] = []
  for (const sessions of SIZES) {
    const backlog = Math.min(BACKLOG, sessions)
    await growTo(sessions - backlog)
    const ours = await kept(database, upstream, (now) => Array.from({ length: backlog }, () => now))
    stored += backlog
    sizes.push({ sessions, ours, theirs: await timers(sessions) })
  }
  const due = PER_SECOND * SUSTAINED_SECONDS
  const sustained = await kept(database, upstream, (now) =>
    Array.from({ length: due }, (_, nth) => now + START_IN + (nth * SECOND) / PER_SECOND),
  )
  checkOnce(upstream.asked())
  upstream.close()
  const of = { sessions: stored + due, forSeconds: SUSTAINED_SECONDS, place: PLACE }
  return [sizesSheet(sizes, PLACE), sustainedSheet(of, sustained)]
})
