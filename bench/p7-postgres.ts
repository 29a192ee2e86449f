/**
 * P7-PG: live sessions on PostgreSQL, kept renewed by one process, as P7 on the embedded store. The time from the start to ready must
 * not depend on their number.
 */
import { nodePorts } from '@guestpass/core/node'
import { SECOND } from '@guestpass/core/store-kit'
import { encryptionKey } from './embedded-store.ts'
import { fillPostgres } from './filled-postgres.ts'
import { checkOnce, kept, type SessionDatabase, timers } from './kept-sessions.ts'
import { isQuick, measure } from './measure.ts'
import { benchPostgresStore, benchServer, NO_POSTGRES } from './postgres.ts'
import { refreshUpstream } from './refresh-upstream.ts'
import { PER_SECOND, type Size, sizesSheet, sustainedSheet } from './session-sheets.ts'
import type { Sheet } from './sheet.ts'
import type { PostgresServer } from '../tools/postgres/server.ts'

const SIZES = isQuick ? [1_000, 10_000, 100_000] : [1_000, 100_000, 1_000_000]
const SUSTAINED_SECONDS = isQuick ? 10 : 20
/** Sessions that are due when the keeper starts, to see how fast it can go. */
const BACKLOG = isQuick ? 1_000 : 5_000
/** From when on sessions fall due that are to be left alone: after everything that is measured. */
const UNDISTURBED = 3_600 * SECOND
/** Writing them takes a while, as does the start of the keeper: nothing falls due before. */
const START_IN = isQuick ? 20 * SECOND : 35 * SECOND
const PLACE = 'PostgreSQL'

const ports = nodePorts()

async function measured(server: PostgresServer): Promise<readonly Sheet[]> {
  const database: SessionDatabase & { readonly key: string } = {
    place: server.url(),
    key: encryptionKey(),
    open: () => benchPostgresStore(ports, { url: database.place, key: database.key }),
  }
  // It makes the tables.
  await (await database.open()).close()
  const upstream = await refreshUpstream()
  const sizes: Size[] = []
  let stored = 0
  for (const sessions of SIZES) {
    const backlog = Math.min(BACKLOG, sessions)
    const count = Math.max(0, sessions - backlog - stored)
    await fillPostgres(server, 'postgres', { count, from: Date.now() + UNDISTURBED, perSecond: PER_SECOND })
    const ours = await kept(database, upstream, (now) => Array.from({ length: backlog }, () => now))
    stored += count + backlog
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
}

await measure(async () => {
  const server = await benchServer()
  if (!server)
    return [
      {
        title: 'P7 live sessions, PostgreSQL',
        headings: [],
        lines: [],
        targets: [],
        skipped: `skipped: ${NO_POSTGRES}`,
      },
    ]
  try {
    return await measured(server)
  } finally {
    await server.stop()
    await ports.close()
  }
})
