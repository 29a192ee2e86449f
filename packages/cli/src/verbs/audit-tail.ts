import { auditRecord, eventsOf } from '@guestpass/core'
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
      const latest: ReturnType<typeof auditRecord>[] = []
      for await (const event of eventsOf(store, config.connection)) {
        latest.push(auditRecord(event))
        if (latest.length > lines) latest.shift()
      }
      cli.answer({ records: latest }, () => latest.map((record) => JSON.stringify(record)))
    })
  },
})
