import { auditExport } from '@guestpass/core'
import { ocsfExport } from '@guestpass/core/runtime-kit'
import * as z from 'zod'
import { requireStore, withRuntime } from '@guestpass/runtime'
import { exportAgainIfBusy } from './audit-files.ts'
import { defineCommand } from './runner/command.ts'
import { writeJsonLines } from '../output-text.ts'

const formats = ['ndjson', 'ocsf'] as const

/** Names of standard output; to open one of them would write at the beginning of what was redirected. */
const isStandardOutput = (file: string): boolean =>
  file === '-' || /^\/(dev\/(stdout|fd\/1)|proc\/self\/fd\/1)$/.test(file)

export const auditExportCommand = defineCommand({
  example: 'guestpass audit export --format ndjson --output audit.ndjson',
  options: [
    ['--format <name>', `${formats.join(' or ')} (default: ndjson)`],
    ['--output <file>', 'file to write; it is replaced when the export is complete (default: standard output)'],
  ],
  input: z.object({
    format: z.enum(formats, 'is not a format of exports').optional(),
    output: z.string().min(1, 'is empty').optional(),
  }),
  async run({ format = 'ndjson', output }, cli) {
    const config = await cli.config()
    requireStore(config, cli.runtimeHost)
    await withRuntime(config, cli.runtimeHost, async ({ auditLog }) => {
      const { connection } = config
      const lines = () =>
        format === 'ocsf'
          ? ocsfExport(connection, auditLog, cli.hostProcess.version)
          : auditExport(connection, auditLog)
      if (output !== undefined && !isStandardOutput(output)) {
        const written = await exportAgainIfBusy(() => writeJsonLines(output, lines(), cli))
        cli.answer({ file: output, format, lines: written }, () => [`${written} lines in ${output}`])
      } else if (cli.json) {
        cli.answer({ format, lines: await exportAgainIfBusy(() => collected(lines())) }, () => [])
      } else {
        for await (const line of lines()) await cli.print(JSON.stringify(line))
      }
    })
  },
})

async function collected(lines: AsyncIterable<unknown>): Promise<readonly unknown[]> {
  const all: unknown[] = []
  for await (const line of lines) all.push(line)
  return all
}
