import { auditExport, ocsfExport } from '@guestpass/core'
import * as z from 'zod'
import { verb } from '../frame/verb.ts'
import { atWork } from '../workplace.ts'
import { writtenTo } from './audit-files.ts'

const formats = ['ndjson', 'ocsf'] as const

export const auditExportVerb = verb({
  name: 'audit export',
  summary: 'Write the audit log: ndjson proves itself (audit verify), ocsf is for security systems; one JSON line each',
  example: 'guestpass audit export --format ndjson --output audit.ndjson',
  options: [
    ['--format <name>', `${formats.join(' or ')} (default: ndjson)`],
    ['--output <file>', 'file to write (default: standard output)'],
  ],
  input: z.object({
    format: z.enum(formats, 'is not a format of exports').optional(),
    output: z.string().optional(),
  }),
  async run({ format = 'ndjson', output }, cli) {
    const config = await cli.config()
    await atWork(config, cli, async ({ auditLog }) => {
      const { connection } = config
      const lines =
        format === 'ocsf' ? ocsfExport(connection, auditLog, cli.world.version) : auditExport(connection, auditLog)
      if (output !== undefined) {
        const written = await writtenTo(output, lines, cli)
        cli.answer({ file: output, format, lines: written }, () => [`${written} lines in ${output}`])
      } else if (cli.json) {
        const all: unknown[] = []
        for await (const line of lines) all.push(line)
        cli.answer({ format, lines: all }, () => [])
      } else {
        for await (const line of lines) cli.world.stdout.write(`${JSON.stringify(line)}\n`)
      }
    })
  },
})
