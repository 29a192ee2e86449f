import { type AuditRecord, auditRecord, type Store } from '@guestpass/core'
import * as z from 'zod'
import { whole } from '../config/kinds.ts'
import { verb } from '../frame/verb.ts'
import { atWork } from '../workplace.ts'

export const auditTail = verb({
  name: 'audit tail',
  summary: 'Print the latest audit records, one JSON line each (one document with --json)',
  example: 'guestpass audit tail --lines 20',
  options: [['--lines <n>', 'records to print, from 1 to 10000 (default: 10)']],
  input: z.object({ lines: whole(1, 10_000).optional() }),
  async run({ lines = 10 }, cli) {
    const config = await cli.config()
    await atWork(config, cli, async ({ store }) => {
      const records = await latest(store, config.connection, lines)
      cli.answer({ records }, () => records.map((record) => JSON.stringify(record)))
    })
  },
})

const PAGE = 1_000

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
