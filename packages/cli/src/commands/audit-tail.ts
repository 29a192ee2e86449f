import { type AuditRecord, guestRecords, type Store } from '@guestpass/core'
import { eventTypes, systemClock } from '@guestpass/core/runtime-kit'
import { auditRecord, type Link } from '@guestpass/core/store-kit'
import * as z from 'zod'
import {
  type Config,
  databasePlace,
  hasStore,
  missingStoreText,
  type Runtime,
  settingName,
  settingNamesIn,
  whole,
  withExistingStore,
  withRuntime,
  SINCE_FORMATS,
  sinceOption,
  followedRecords,
  latestRecords,
  type RecordFilter,
  listDocument,
} from '@guestpass/runtime'
import { createOwnerNames, recordLine } from '../audit/record-line.ts'
import { callContext } from '../call-context.ts'
import { knownGuestApi, knownGuestApiOption } from '../guest-apis.ts'
import { utcInput } from '../lists/times.ts'
import { type Cli, defineCommand } from './runner/command.ts'
import type { Line } from './runner/styled-line.ts'

const MOST_LINES = 10_000
const LINES = 10
/** How often the log is read for new records, in milliseconds. */
const FOLLOW_MS = 500

export const auditTailCommand = defineCommand({
  example: 'guestpass audit tail -f --event REFRESH_FAILED TOKEN_FAILED',
  options: [
    [
      '-f, --follow',
      'print records as they are appended, by any process, until Ctrl-C; with --json one document a line',
    ],
    ['--lines <n>', `records to print, from 1 to ${MOST_LINES} (default: ${LINES}; with --since ${MOST_LINES})`],
    ['--since <time>', `the time of the oldest record: ${SINCE_FORMATS}`],
    ['--event <type...>', `types of the records: ${eventTypes.join(', ')}`],
    ['--guest <id>', 'only the records of this guest'],
    knownGuestApiOption,
    ['--utc', 'times are ISO 8601 in UTC with this option and without it'],
    ['--before <cursor>', 'only older records: the cursor that the previous page printed with --json'],
  ],
  input: z
    .object({
      follow: z.literal(true).optional(),
      lines: whole(1, MOST_LINES).optional(),
      since: sinceOption.optional(),
      event: z.array(z.enum(eventTypes, { error: 'is not a type of event' })).optional(),
      guest: z.string().optional(),
      api: knownGuestApi,
      utc: utcInput,
      before: whole(1, Number.MAX_SAFE_INTEGER).optional(),
    })
    .refine(({ follow, before }) => !follow || before === undefined, {
      path: ['before'],
      message: 'is for a page of older records, and --follow goes on to new ones',
      params: { remedy: 'Leave one of the two out.' },
    }),
  async run({ follow, lines, since, event, guest, api, before }, cli) {
    const config = await cli.config()
    const { connection } = config
    const print = async (runtime: Runtime): Promise<void> => {
      const subject = guest === undefined ? undefined : await subjectOf({ connection, guest, api }, runtime, cli)
      const from = since?.(runtime.ports.clock.wall())
      const filter: RecordFilter = { connection, subject, events: event, since: from }
      const latest = { lines: lines ?? (from === undefined ? LINES : MOST_LINES), before }
      if (follow) return followLog(runtime, filter, latest, cli)
      const isPart = [since, event, guest, before].some((one) => one !== undefined)
      const empty = isPart
        ? 'No such records.'
        : `No audit records yet in ${databasePlace(config, cli.hostProcess.cwd)}.`
      return answerLatest(runtime, filter, latest, { cli, empty })
    }
    if (!follow) return withExistingStore(config, cli.runtimeHost, print)
    await untilStored(config, cli)
    if (!cli.signal.aborted) await withRuntime(config, cli.runtimeHost, print, { staysUp: true })
  },
})

type Latest = Parameters<typeof latestRecords>[2]

async function subjectOf(
  {
    connection,
    guest,
    api,
  }: { readonly connection: string; readonly guest: string } & Parameters<ReturnType<typeof guestRecords>['show']>[1],
  { ports }: Runtime,
  cli: Cli,
): Promise<string> {
  return (await guestRecords({ connection }, ports).show(guest, { ...callContext(cli), api })).subject
}

/** Waits until a process makes the store, or this one is asked to end. */
async function untilStored(config: Config, cli: Cli): Promise<void> {
  const { cwd, signal } = cli.runtimeHost
  if (hasStore(config, cwd)) return
  cli.runtimeHost.note(`waiting: ${missingStoreText(config, cli.runtimeHost)}`)
  const clock = systemClock()
  while (!hasStore(config, cwd) && !signal.aborted) await clock.sleep(FOLLOW_MS, signal).catch(() => {})
}

/** `empty`: the line in place of no records. */
async function answerLatest(
  { store }: Runtime,
  filter: RecordFilter,
  latest: Latest,
  { cli, empty }: { readonly cli: Cli; readonly empty: string },
): Promise<void> {
  const { links, hasMore } = await latestRecords(store, filter, latest)
  const document = listDocument(recordsOf(links), hasMore ? String(links[0]?.count) : undefined)
  const lines = cli.json ? [] : await linesOf(store, filter.connection, document.data)
  cli.answer(document, () => (lines.length === 0 ? [empty] : lines))
}

const recordsOf = (links: readonly Link[]): readonly AuditRecord[] => links.map(({ event }) => auditRecord(event))

/** A record as a line, with settings as a user of the command line names them. */
const lineOf = (record: AuditRecord, owner: string): Line =>
  recordLine(record, owner, (text) => settingNamesIn(text, (key) => settingName(key, record.connection)))

async function linesOf(store: Store, connection: string, records: readonly AuditRecord[]): Promise<readonly Line[]> {
  const ownerOf = createOwnerNames(store, connection)
  const lines: Line[] = []
  for (const record of records) lines.push(lineOf(record, await ownerOf(record)))
  return lines
}

/** Prints the newest records, then each new one, until the process is asked to end. */
async function followLog({ store, ports }: Runtime, filter: RecordFilter, latest: Latest, cli: Cli): Promise<void> {
  const { signal } = cli
  const ownerOf = createOwnerNames(store, filter.connection)
  const print = async ({ event }: Link): Promise<void> => {
    const record = auditRecord(event)
    await cli.print(cli.json ? JSON.stringify(record) : lineOf(record, await ownerOf(record)))
  }
  try {
    const { links, end } = await latestRecords(store, filter, latest)
    for (const link of links) await print(link)
    const wait = (): Promise<void> => ports.clock.sleep(FOLLOW_MS, signal)
    for await (const link of followedRecords(store, filter, end, wait)) {
      signal.throwIfAborted()
      await print(link)
    }
  } catch (thrown) {
    // To be asked to end is the end of a command that stays up.
    if (!signal.aborted) throw thrown
  }
}
