import { resolve } from 'node:path'
import { errorCatalogue, systemClock } from '@guestpass/core/runtime-kit'
import { asGuestpassError } from '@guestpass/core/store-kit'
import * as z from 'zod'
import { databaseFile, type RuntimeHost, withRuntime } from '@guestpass/runtime'
import { createKeepLog, type KeepLog } from '../keep/keep-log.ts'
import { failedEntry, keepSessions, type KeepSummary, summaryLines } from '../keep/keep-sessions.ts'
import { statusHead, writeFailedStatus } from '../keep/status-file.ts'
import { defineCommand } from './runner/command.ts'
import { withRemedy } from './runner/remedies.ts'

export const keepCommand = defineCommand({
  example: 'guestpass keep --log json --status keep.json',
  options: [
    ['--log <format>', 'how lines on standard error are written: text (default) or json, one object each'],
    ['--status <file>', 'file that shows how each worker does, as JSON, written anew every 5 seconds'],
  ],
  input: z.object({
    log: z.enum(['text', 'json'], 'is neither text nor json').default('text'),
    status: z.string().min(1, 'is empty').optional(),
  }),
  async run({ log: format, status }, cli) {
    const { hostProcess, signal, runtimeHost } = cli
    const clock = systemClock({ unref: true })
    const log = createKeepLog({ format, connection: cli.connection, clock, print: cli.note })
    const host = format === 'json' ? loggingHost(runtimeHost, log) : runtimeHost
    const onSummary = cli.json ? (one: KeepSummary) => void cli.print(JSON.stringify(one)).catch(() => {}) : undefined
    const { cwd, pid, version } = hostProcess
    const startedAt = clock.wall()
    const statusFile = status === undefined ? undefined : resolve(cwd, status)
    try {
      const config = await cli.config(['hosts', 'clientId'], host.warn)
      const path = databaseFile(config, cwd)
      const last = await withRuntime(
        config,
        host,
        (runtime) =>
          keepSessions(
            {
              config,
              runtime,
              log,
              ...(path === undefined ? {} : { path }),
              ...(statusFile === undefined ? {} : { statusFile }),
              pid,
              version,
              ...(onSummary ? { onSummary } : {}),
            },
            signal,
          ),
        { staysUp: true },
      )
      cli.answer(last, () => summaryLines(last))
      return 0
    } catch (thrown) {
      if (signal.aborted) throw thrown
      const error = withRemedy(asGuestpassError(thrown), cli.connection)
      if (statusFile !== undefined) {
        const head = statusHead({ version, pid, connection: cli.connection, startedAt, now: clock.wall() })
        await writeFailedStatus(statusFile, { ...head, state: 'failed', workers: [], code: error.code }, pid)
      }
      if (format === 'text') throw thrown
      log(failedEntry(error))
      if (cli.json) throw thrown
      return errorCatalogue[error.code].exit
    }
  },
})

/** A host whose notes are entries, too. */
const loggingHost = (host: RuntimeHost, log: KeepLog): RuntimeHost => ({
  ...host,
  note: (message) => log({ event: 'note', message }),
  warn: (message) => log({ event: 'warning', level: 'warning', message }),
})
