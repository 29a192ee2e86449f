import { type AuditRecord, guestRecords, type Store } from '@guestpass/core'
import { auditRecord } from '@guestpass/core/store-kit'
import * as z from 'zod'
import { whole, withRuntime } from '@guestpass/runtime'
import { callContext } from '../call-context.ts'
import { listDocument } from '../lists/list-document.ts'
import { defineCommand } from './runner/command.ts'
import { knownGuestApi, knownGuestApiOption } from '../guest-apis.ts'

export const auditTailCommand = defineCommand({
  example: 'guestpass audit tail --lines 20',
  options: [
    ['--lines <n>', 'records to print, from 1 to 10000 (default: 10)'],
    ['--guest <id>', 'only the records of this guest'],
    knownGuestApiOption,
  ],
  input: z.object({ lines: whole(1, 10_000).optional(), guest: z.string().optional(), api: knownGuestApi }),
  async run({ lines = 10, guest, api }, cli) {
    const config = await cli.config()
    await withRuntime(config, cli.runtimeHost, async ({ store, ports }) => {
      const { connection } = config
      const view =
        guest === undefined
          ? undefined
          : await guestRecords({ connection }, ports).show(guest, { ...callContext(cli), api })
      const records = view
        ? await latestOf(store, connection, lines, view.subject)
        : await latest(store, connection, lines)
      cli.answer(listDocument(records), () => records.map((record) => JSON.stringify(record)))
    })
  },
})

const PAGE = 1_000

/** The last so many records of one guest. All records of the guest are read. */
async function latestOf(
  store: Store,
  connection: string,
  lines: number,
  subject: string,
): Promise<readonly AuditRecord[]> {
  let records: readonly AuditRecord[] = []
  for (let after: number | undefined = 0; after !== undefined; ) {
    const page = await store.chain(connection, { after, limit: PAGE, subject })
    records = [...records, ...page.links.map(({ event }) => auditRecord(event))].slice(-lines)
    after = page.next
  }
  return records
}

/** The last so many records; those before them are not read. */
async function latest(store: Store, connection: string, lines: number): Promise<readonly AuditRecord[]> {
  const { count } = await store.chainHead(connection)
  const records: AuditRecord[] = []
  for (let after: number | undefined = Math.max(0, count - lines); after !== undefined; ) {
    const page = await store.chain(connection, { after, limit: PAGE })
    records.push(...page.links.map(({ event }) => auditRecord(event)))
    after = page.next
  }
  return records.slice(-lines)
}
