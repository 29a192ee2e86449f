import { type Checkpoint, verifyExport } from '@guestpass/core'
import type { ExportVerdict } from '@guestpass/core/runtime-kit'
import * as z from 'zod'
import { withRuntime } from '@guestpass/runtime'
import { type Cli, defineCommand } from './runner/command.ts'
import { checkpointsIn, linesGiven } from './audit-files.ts'

export const auditVerifyCommand = defineCommand({
  example: 'guestpass audit verify --checkpoint checkpoint.json',
  options: [['--checkpoint <file>', 'checkpoint or export that was kept elsewhere, to compare with the log']],
  input: z.object({ file: z.string().optional(), checkpoint: z.string().optional() }),
  async run({ file, checkpoint }, cli) {
    const kept = checkpoint === undefined ? [] : await checkpointsIn(checkpoint, cli)
    const verdict =
      file === undefined ? await storeVerdict(kept, cli) : await verifyExport(linesGiven(file, 'file', cli), kept)
    cli.answer(verdict, () => linesFor(verdict, kept.length > 0))
    return verdict.valid ? 0 : 4
  },
})

async function storeVerdict(kept: readonly Checkpoint[], cli: Cli): Promise<ExportVerdict> {
  const config = await cli.config()
  return withRuntime(config, cli.runtimeHost, ({ auditLog }) => auditLog.verify(kept))
}

function linesFor(verdict: ExportVerdict, compared: boolean): readonly string[] {
  if (!verdict.valid)
    return [
      `Not valid: ${verdict.reason}${verdict.line === undefined ? '' : `, line ${verdict.line}`}`,
      `  ${verdict.message}`,
    ]
  const { count, anchored, keyId } = verdict
  return [
    `Valid: ${count} records, ${anchored} of them under signed checkpoints.`,
    ...(keyId === undefined ? [] : [`  Signed with key ${keyId}.`]),
    ...(compared
      ? []
      : ['  Whether the end was cut off and all signed anew, only a checkpoint kept elsewhere shows (--checkpoint).']),
  ]
}
