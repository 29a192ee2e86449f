/**
 * P10: what the commands of an operator cost that read the store, as its audit log grows: 10,000, 100,000 and 1,000,000 records of a year.
 */
import { join } from 'node:path'
import { auditLog, guestRecords, report, type Store } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
import { DAY } from '@guestpass/core/store-kit'
import { rollUps } from '@guestpass/core/runtime-kit'
import { embeddedStore, encryptionKey, passingFolder } from './embedded-store.ts'
import { grouped } from './grouped.ts'
import { CONNECTION } from './live-sessions.ts'
import { isQuick, measure } from './measure.ts'
import { launchers } from './packages.ts'
import { median } from './race.ts'
import type { Line, Sheet } from './sheet.ts'
import { addRecords, emailOf, idOf } from './stored-records.ts'
import { atMost, type Target } from './targets.ts'
import { type Program, runInTurns } from './whole-processes.ts'

const SIZES = isQuick ? [1_000, 10_000, 100_000] : [10_000, 100_000, 1_000_000]
const ROUNDS = isQuick ? 5 : 15
const COMMAND_ROUNDS = isQuick ? 3 : 9
const MOST_TIMES = 1.2
const MOST_MS = 500
const TITLE = `P10 commands over ${SIZES.map(grouped).join(', ')} records of a year`

const { close, ...ports } = nodePorts()
const cwd = passingFolder()
const file = { path: join(cwd, '.guestpass', 'guestpass.db'), key: encryptionKey() }

/** What a command reads, and the command. */
interface Reading {
  readonly command: string
  readonly read: (store: Store) => Promise<unknown>
}

async function lastRecords(store: Store, page: { readonly after: number; readonly subject?: string }): Promise<void> {
  const { links } = await store.chain(CONNECTION, { limit: 1_000, ...page })
  if (links.length === 0) throw new Error('no records')
}

/** When the last record happened, so that each size has as many records in the last day. */
async function lastAt(store: Store): Promise<number> {
  const { links } = await store.chain(CONNECTION, { limit: 1, after: (await store.chainHead(CONNECTION)).count - 1 })
  return links[0]?.event.at ?? 0
}

/** A guest in the middle of those that are stored first. */
const NTH = Math.floor((SIZES[0] as number) / 40)

const readings: readonly Reading[] = [
  { command: 'report', read: (store) => report(store, CONNECTION) },
  {
    command: 'report --since 24h',
    read: async (store) => report(store, CONNECTION, { since: (await lastAt(store)) - DAY }),
  },
  {
    command: 'audit tail',
    read: async (store) => lastRecords(store, { after: (await store.chainHead(CONNECTION)).count - 10 }),
  },
  {
    command: `audit tail --guest ${idOf(NTH)}`,
    async read(store) {
      const { subject } = await guestRecords({ connection: CONNECTION }, { ...ports, store }).show(idOf(NTH))
      await lastRecords(store, { after: 0, subject })
    },
  },
  { command: 'guest list', read: (store) => guestRecords({ connection: CONNECTION }, { ...ports, store }).list() },
  {
    command: 'audit verify --from-last',
    async read(store) {
      const verdict = await auditLog(CONNECTION, { store, clock: ports.clock }).verify([], { fromLast: true })
      if (!verdict.valid) throw new Error(verdict.message)
    },
  },
  {
    command: `guest find --email ${emailOf(NTH)}`,
    async read(store) {
      const found = await guestRecords({ connection: CONNECTION }, { ...ports, store }).find({ email: emailOf(NTH) })
      if (found.length !== 1) throw new Error(`found ${found.length} guests`)
    },
  },
]

/** The median of so many readings, in milliseconds. */
async function msOf({ read }: Reading, store: Store): Promise<number> {
  const took: number[] = []
  for (let round = 0; round <= ROUNDS; round += 1) {
    const started = performance.now()
    await read(store)
    // The first one fills caches.
    if (round > 0) took.push(performance.now() - started)
  }
  return median(took)
}

/** Milliseconds of each reading, at each size. */
async function readingTimes(): Promise<readonly (readonly number[])[]> {
  const store = await embeddedStore(ports, file)
  const times: number[][] = readings.map(() => [])
  let stored = 0
  for (const size of SIZES) {
    await addRecords(store, { from: stored, to: size, ofYear: SIZES.at(-1) as number }, Date.now())
    stored = size
    // As the workers of `keep` have done by then.
    await rollUps(CONNECTION, { store, clock: ports.clock }).update()
    await auditLog(CONNECTION, { store, clock: ports.clock }).checkpoint()
    for (const [at, reading] of readings.entries()) times[at]?.push(await msOf(reading, store))
  }
  await store.close()
  return times
}

/** Milliseconds of each command as a whole process, at the last size. */
function commandTimes(): readonly number[] {
  const { package: built, source } = launchers()
  const env = {
    GENESYS_CLIENT_ID: 'bench',
    GENESYS_CLIENT_SECRET: 'bench',
    GENESYS_BASE_URL: 'http://127.0.0.1:9',
    GUESTPASS_ENCRYPTION_KEY: file.key,
  }
  const programs = readings.map(
    ({ command }): Program => ({
      name: `guestpass ${command}`,
      does: 'a command',
      args: [built ?? source, ...command.split(' ')],
      env,
      cwd,
      prints: /./,
    }),
  )
  return runInTurns(programs, COMMAND_ROUNDS).map(({ ms }) => median(ms))
}

await measure(async () => {
  const times = await readingTimes()
  const commands = commandTimes()
  const found = readings.map(({ command }, at) => {
    const [, before = 0, last = 0] = times[at] ?? []
    return {
      command: command.replace(/ [0-9a-f-]{36}/, ' ID').replace(/ guest-\S+/, ' E'),
      times: times[at] ?? [],
      ratio: Number((last / before).toFixed(2)),
      whole: Math.round(commands[at] ?? 0),
    }
  })
  const sheet: Sheet = {
    title: TITLE,
    headings: [
      ...SIZES.map((size) => `ms at ${grouped(size)}`),
      `times ${grouped(SIZES[1] as number)}`,
      'ms of the whole command',
    ],
    lines: found.map(
      ({ command, times: ms, ratio, whole }): Line => ({
        name: `\`${command}\``,
        does: 'what it reads',
        ours: true,
        values: [...ms.map((one) => Number(one.toFixed(1))), `${ratio} x`, whole],
      }),
    ),
    targets: found.flatMap(({ command, ratio, whole }): Target[] => [
      atMost(`P10 ${command}: times ${grouped(SIZES[1] as number)} records`, ratio, MOST_TIMES),
      atMost(`P10 ${command}: ms of the whole command at ${grouped(SIZES.at(-1) as number)} records`, whole, MOST_MS),
    ]),
    summary: [
      {
        measure: `P10 ${grouped(SIZES.at(-1) as number)} records, ms of the whole command (times ${grouped(SIZES[1] as number)} records, without its start)`,
        ours: found.map(({ command, ratio, whole }) => `${command}: ${whole} (${ratio} x)`).join('; '),
        best: '–',
      },
    ],
  }
  await close()
  return [sheet]
})
