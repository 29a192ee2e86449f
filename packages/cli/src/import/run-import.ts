import { realpath, stat } from 'node:fs/promises'
import { extname, resolve } from 'node:path'
import { GuestpassError } from '@guestpass/core'
import { errorCatalogue, stopwatch } from '@guestpass/core/runtime-kit'
import { connect, type ReachableConfig, type Runtime, withRuntime, withWorkers } from '@guestpass/runtime'
import { callContext } from '../call-context.ts'
import type { Cli } from '../commands/runner/command.ts'
import { importRows, type ImportOutcome } from './import-rows.ts'
import { csvRows } from './csv-rows.ts'
import { createFailureFile } from './failure-file.ts'
import { markIssuedRows } from './issued-rows.ts'
import { digestOf, openJournal, journalPath } from './journal.ts'
import { importLock } from './import-lock.ts'
import { ndjsonRows } from './ndjson-rows.ts'
import type { Row } from './row.ts'
import type { RowDefaults } from './row-request.ts'
import { type ImportOptions, importOptions } from './import-options.ts'
import { typedFields } from '../request-options.ts'

const readers = { csv: csvRows, ndjson: ndjsonRows }

/** Issues a guest for each row of a file. */
export async function runImport({ file, ...typed }: ImportOptions, cli: Cli): Promise<number> {
  const config = await cli.config(['hosts', 'clientId'])
  const typedPath = resolve(cli.hostProcess.cwd, file)
  // A file has one journal, by whatever link it is named.
  const path = await realpath(typedPath).catch(() => typedPath)
  const format = formatOf(file)
  const total = await counted(path, file, format)
  const lock = await importLock(path)
  try {
    const work: Work = { path, file, format, total, defaults: defaultsOf(typed) }
    return await withRuntime(config, cli.runtimeHost, (runtime) => imported(work, config, runtime, cli), {
      staysUp: true,
    })
  } finally {
    lock.release()
  }
}

/** What is imported, and as what. */
interface Work {
  readonly path: string
  /** The path as it was typed. */
  readonly file: string
  readonly format: 'csv' | 'ndjson'
  readonly total: number
  readonly defaults: RowDefaults
}

async function imported(work: Work, config: ReachableConfig, runtime: Runtime, cli: Cli): Promise<number> {
  const { path, file, format, total, defaults } = work
  const { connection: name, settings, origins } = config
  const connection = await connect(config, runtime)
  const elapsed = stopwatch(runtime.ports.clock)
  const head = { file: await digestOf(path), api: defaults.api, connection: name }
  const kept = await openJournal(journalPath(path), head)
  await markIssuedRows(kept, runtime.store, name)
  const failed = createFailureFile(path, format, name)
  const bar = await cli.progress('importing', total)
  try {
    const context = callContext(cli, settings)
    const issued = () =>
      importRows(readers[format](path), {
        guests: connection.guests,
        format,
        defaults,
        journal: kept,
        failures: failed,
        context,
        ...(origins.patienceSeconds ? { patienceMs: context.patienceMs } : {}),
        position: async () => (await runtime.store.chainHead(name)).count,
        onRow: () => bar.add(),
        ...runtime.ports,
        signal: cli.signal,
      })
    const outcome = await withWorkers(runtime, [{ connection }], issued, { without: ['renewal', 'sign-in'] })
    cli.signal.throwIfAborted()
    const seconds = Math.round(elapsed() / 100) / 10
    return answerWith(outcome, { file, api: defaults.api, seconds, failures: failed.path }, cli)
  } finally {
    bar.stop()
    kept.close()
    failed.close()
  }
}

/** What holds for rows that do not say otherwise, as it was typed. */
const defaultsOf = ({ api, ...typed }: Omit<ImportOptions, 'file'>): RowDefaults => ({
  ...typedFields(importOptions, typed),
  api,
})

function answerWith(
  { worst, ...counts }: ImportOutcome,
  facts: {
    readonly file: string
    readonly api: string
    readonly seconds: number
    readonly failures: string | undefined
  },
  cli: Cli,
): number {
  cli.answer({ ...facts, ...counts }, () => [
    `${counts.total} rows: ${counts.done} done, ${counts.skipped} done before, ${counts.failed} failed, in ${facts.seconds} s.`,
    ...(facts.failures === undefined
      ? []
      : [`  Failed rows, and why they failed, are in ${facts.failures}. Correct that file and import it.`]),
  ])
  return worst ? errorCatalogue[worst.code].exit : 0
}

function formatOf(file: string): 'csv' | 'ndjson' {
  const format = { '.csv': 'csv', '.ndjson': 'ndjson', '.jsonl': 'ndjson' }[extname(file).toLowerCase()]
  if (format === 'csv' || format === 'ndjson') return format
  const message = 'is neither .csv nor .ndjson'
  throw new GuestpassError('invalid_input', `${file} ${message}.`, {
    fields: [{ field: '<file>', message, remedy: 'Name a file that ends in .csv or .ndjson.' }],
  })
}

/** Counts the rows before anything is sent, and thereby checks that the columns are distinct. */
async function counted(path: string, file: string, format: 'csv' | 'ndjson'): Promise<number> {
  const found = await stat(path).catch((thrown: NodeJS.ErrnoException) => thrown)
  if (found instanceof Error || !found.isFile()) {
    const message = found instanceof Error ? `cannot be read (${found.code})` : 'is not a file'
    throw new GuestpassError('invalid_input', `${file} ${message}.`, {
      fields: [{ field: '<file>', message, remedy: 'Check the path and its permissions.' }],
    })
  }
  let rows = 0
  for await (const _row of readers[format](path) as AsyncIterable<Row>) rows += 1
  return rows
}
