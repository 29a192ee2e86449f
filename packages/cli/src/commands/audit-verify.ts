import { type Checkpoint, verifyExport } from '@guestpass/core'
import { type ExportVerdict, iso } from '@guestpass/core/runtime-kit'
import * as z from 'zod'
import { requireStore, withRuntime, latestRecords } from '@guestpass/runtime'
import { type Cli, defineCommand } from './runner/command.ts'
import { checkpointsIn, linesGiven } from './audit-files.ts'

export const auditVerifyCommand = defineCommand({
  example: 'guestpass audit verify --checkpoint checkpoint.json',
  options: [
    ['--checkpoint <file>', 'checkpoint or export that was kept elsewhere, to compare with the log'],
    [
      '--from-last',
      'check only the records after the last checkpoint of the store, which takes the same time for any log',
    ],
  ],
  input: z
    .object({ file: z.string().optional(), checkpoint: z.string().optional(), fromLast: z.boolean().optional() })
    .refine(({ file, fromLast }) => file === undefined || !fromLast, {
      path: ['fromLast'],
      message: 'is for the log of the store, and a file is given',
      params: { remedy: 'Leave --from-last out to check the file, or leave the file out to check the log.' },
    }),
  async run({ file, checkpoint, fromLast = false }, cli) {
    const kept = checkpoint === undefined ? [] : await checkpointsIn(checkpoint, cli)
    const verdict =
      file === undefined
        ? await storeVerdict(kept, fromLast, cli)
        : await verifyExport(linesGiven(file, 'file', cli), kept)
    const restored = verdict.valid || kept.length === 0 || file !== undefined ? undefined : await lastRestore(cli)
    cli.answer({ ...verdict, ...(restored ? { restored } : {}) }, () => [
      ...linesFor(verdict, { compared: kept.length > 0, fromLast, isFile: file !== undefined }),
      ...(restored === undefined
        ? []
        : [
            `  Record ${restored.count} STORE_RESTORED says that the store was restored from a backup at ${restored.at}.`,
            '  A checkpoint from between the backup and the restore then fails.',
          ]),
    ])
    return verdict.valid ? 0 : 4
  },
})

async function storeVerdict(kept: readonly Checkpoint[], fromLast: boolean, cli: Cli): Promise<ExportVerdict> {
  const config = await cli.config()
  requireStore(config, cli.runtimeHost)
  return withRuntime(config, cli.runtimeHost, ({ auditLog }) => auditLog.verify(kept, { fromLast }))
}

/** The last record of a restore, which explains that a kept checkpoint names records that are gone. */
async function lastRestore(cli: Cli): Promise<{ readonly count: number; readonly at: string } | undefined> {
  const config = await cli.config()
  const { connection } = config
  const filter = { connection, events: ['STORE_RESTORED'] }
  return withRuntime(config, cli.runtimeHost, async ({ store }) => {
    const [last] = (await latestRecords(store, filter, { lines: 1 })).links
    return last && { count: last.count, at: iso(last.event.at) }
  })
}

const SKIPPED = 'the last checkpoint covers them'
const PRUNED = 'they were pruned, and the log begins after a signed checkpoint'

const COMPARE_FILE = '  Compare the file with another copy of it, or export the log again.'
const COMPARE_LOG = '  Keep the database as evidence, and compare the log with an export that was kept elsewhere.'

function linesFor(
  verdict: ExportVerdict,
  { compared, fromLast, isFile }: { readonly compared: boolean; readonly fromLast: boolean; readonly isFile: boolean },
): readonly string[] {
  if (!verdict.valid)
    return [
      `Not valid: ${verdict.reason}${verdict.line === undefined ? '' : `, line ${verdict.line}`} [audit_broken]`,
      `  ${verdict.message}`,
      isFile ? COMPARE_FILE : COMPARE_LOG,
    ]
  const { count, anchored, keyId, from } = verdict
  return [
    from === undefined
      ? `Valid: ${count} records, ${anchored} of them under signed checkpoints.`
      : from > count
        ? `Valid: no record after record ${count}, which a signed checkpoint confirms.`
        : `Valid: records ${from} to ${count}, those up to ${anchored} under signed checkpoints.`,
    ...(from === undefined ? [] : [`  Records 1 to ${from - 1} were not checked: ${fromLast ? SKIPPED : PRUNED}.`]),
    ...(keyId === undefined ? [] : [`  Signed with key ${keyId}.`]),
    ...(compared
      ? []
      : ['  Whether the end was cut off and all signed anew, only a checkpoint kept elsewhere shows (--checkpoint).']),
  ]
}
