import { resolve } from 'node:path'
import { auditExport } from '@guestpass/core'
import { ocsfExport } from '@guestpass/core/runtime-kit'
import * as z from 'zod'
import { escapeForTerminal, withRuntime } from '@guestpass/runtime'
import { type Cli, defineCommand } from './runner/command.ts'
import { openOutputFile } from '../output-file.ts'

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
    await withRuntime(config, cli.runtimeHost, async ({ auditLog }) => {
      const { connection } = config
      const lines =
        format === 'ocsf'
          ? ocsfExport(connection, auditLog, cli.hostProcess.version)
          : auditExport(connection, auditLog)
      if (output !== undefined && !isStandardOutput(output)) {
        const written = await writtenTo(output, lines, cli)
        cli.answer({ file: output, format, lines: written }, () => [`${written} lines in ${output}`])
      } else if (cli.json) {
        const all: unknown[] = []
        for await (const line of lines) all.push(line)
        cli.answer({ format, lines: all }, () => [])
      } else {
        for await (const line of lines) await cli.print(JSON.stringify(line))
      }
    })
  },
})

/** Writes values as lines of JSON to a file; says how many. */
export async function writtenTo(file: string, values: AsyncIterable<unknown>, cli: Cli): Promise<number> {
  const to = await openOutputFile(resolve(cli.hostProcess.cwd, file), cli.signal)
  try {
    let lines = 0
    for await (const value of values) {
      if (!(await to.write(`${escapeForTerminal(JSON.stringify(value))}\n`))) break
      lines += 1
    }
    await to.close()
    return lines
  } catch (thrown) {
    await to.discard()
    throw thrown
  }
}
