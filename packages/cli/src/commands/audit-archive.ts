import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { auditExport, type AuditLog, type Checkpoint, GuestpassError, verifyExport } from '@guestpass/core'
import { iso, prunableCheckpoint, type PruneParts, pruneTo, rollUps } from '@guestpass/core/runtime-kit'
import type { Instant } from '@guestpass/core/store-kit'
import * as z from 'zod'
import { commandFor, requireStore, SINCE_FORMATS, sinceOption, withRuntime } from '@guestpass/runtime'
import { counted } from '../counted.ts'
import { writeJsonLines } from '../output-text.ts'
import { exportAgainIfBusy, linesGiven } from './audit-files.ts'
import { type Cli, defineCommand } from './runner/command.ts'

export const auditArchiveCommand = defineCommand({
  example: 'guestpass audit archive --before 365d --output audit-2026.ndjson',
  options: [
    ['--before <time>', `records before this: ${SINCE_FORMATS}`],
    ['--output <file>', 'file to write; it must not exist'],
    ['--prune', 'remove the records from the store when the file is on the disk and was checked'],
  ],
  input: z.object({ before: sinceOption, output: z.string().min(1, 'is empty'), prune: z.boolean().optional() }),
  async run({ before, output, prune = false }, cli) {
    const config = await cli.config()
    requireStore(config, cli.runtimeHost)
    const { connection } = config
    const file = newFile(output, cli)
    await withRuntime(config, cli.runtimeHost, async ({ auditLog, store, ports: { clock, random } }) => {
      const parts: PruneParts = { connection, store, clock, random, actor: cli.runtimeHost.actor }
      const until = await lastCheckpoint(parts, auditLog, before(clock.wall()))
      if (until === undefined) {
        const text = `Nothing to archive: no record is from before ${iso(before(clock.wall()))}.`
        cli.answer({ records: 0, pruned: 0 }, () => [text])
        return
      }
      const from = ((await auditLog.base())?.count ?? 0) + 1
      await writeArchive(file, { auditLog, connection, until }, cli)
      // The totals of reports keep what is removed.
      if (prune) await rollUps(connection, { store, clock }).update(cli.signal)
      const pruned = prune ? await pruneTo(parts, until, cli.signal) : 0
      cli.answer({ file: output, from, to: until.count, until: until.at, pruned }, () => [
        `Records ${from} to ${until.count} are in ${output}, up to the signed checkpoint of ${until.at}.`,
        pruned > 0
          ? `  ${counted(pruned, 'record was', 'records were')} removed from the store.`
          : '  The store keeps them. To remove them, archive to another file with --prune.',
      ])
    })
  },
})

const refused = (field: string, message: string, remedy: string): GuestpassError =>
  new GuestpassError('invalid_input', `${field}: ${message}.`, { fields: [{ field, message, remedy }] })

/** The path of a file that does not exist: an archive may be the only copy of its records. */
function newFile(output: string, cli: Cli): string {
  const path = resolve(cli.hostProcess.cwd, output)
  if (existsSync(path)) throw refused('output', `the file ${output} exists`, 'Give the name of a new file.')
  return path
}

/** The newest checkpoint that covers only records before a time. Undefined: there are no such records. */
async function lastCheckpoint(parts: PruneParts, auditLog: AuditLog, before: Instant): Promise<Checkpoint | undefined> {
  // If all records are old enough, it is the end of the log.
  await auditLog.checkpoint()
  const found = await prunableCheckpoint(parts, before)
  if (found) return found
  const { links } = await parts.store.chain(parts.connection, { after: (await auditLog.base())?.count ?? 0, limit: 1 })
  const [oldest] = links
  if (oldest === undefined || oldest.event.at >= before) return undefined
  throw refused(
    'before',
    `no signed checkpoint covers only records before ${iso(before)}`,
    `Give a later time. \`${commandFor(parts.connection, 'keep')}\` signs a checkpoint every 10 minutes in which there are new records.`,
  )
}

/** Writes the archive and reads it again. A file that does not verify is removed. */
async function writeArchive(
  file: string,
  {
    auditLog,
    connection,
    until,
  }: { readonly auditLog: AuditLog; readonly connection: string; readonly until: Checkpoint },
  cli: Cli,
): Promise<void> {
  await exportAgainIfBusy(() => writeJsonLines(file, auditExport(connection, auditLog, until), cli))
  // Loaded here, as the store is: help starts without it.
  const { syncFolder } = await import('@guestpass/store/sqlite')
  await syncFolder(dirname(file))
  const verdict = await verifyExport(linesGiven(file, 'output', cli), [until])
  if (verdict.valid && verdict.count === until.count) return
  await rm(file, { force: true })
  const why = verdict.valid ? 'it lacks records' : verdict.message
  throw new GuestpassError('audit_broken', `The archive was written, and does not verify: ${why} It was removed again.`)
}
