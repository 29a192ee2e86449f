import { iso, retentionCatchUp } from '@guestpass/core/runtime-kit'
import { commandFor, type Config, type Runtime } from '@guestpass/runtime'
import { counted } from '../counted.ts'
import { databaseServer } from './database-server.ts'
import { failover } from './failover.ts'
import { byteText, freeBytes, LOW_DISK_SPACE } from '../disk-space.ts'
import { shellWord } from '../shell-word.ts'
import { examine, type Finding, ok, warning } from './finding.ts'
import { rateLimit } from './rate-limit.ts'
import { recentFailures } from './recent-failures.ts'
import { backlog, retention, sizes } from './sizes.ts'

/** What the store and its disk look like now. `path`: the database file; absent for a server, which has its own disk. */
export const storeFindings = (
  runtime: Runtime,
  path: string | undefined,
  settings: Pick<Config['settings'], 'retentionDays' | 'endedGuestDays' | 'rateLimit'>,
): Promise<readonly Finding[]> => {
  const check = (name: string, work: () => Promise<Finding>): Promise<Finding> =>
    examine(name, runtime.connection, work)
  const measured = runtime.store.sizes(runtime.connection)
  const server = runtime.store.server?.()
  return Promise.all([
    ...(path === undefined ? [] : [check('disk', () => disk(runtime, path))]),
    ...(server === undefined
      ? []
      : [
          check('database server', async () => databaseServer(await server, runtime.ports.clock.wall())),
          check('failover', async () => failover(await server)),
        ]),
    check('erasure', () => erasure(runtime, path)),
    check('webhooks', () => webhooks(runtime)),
    check('sizes', async () => sizes(await measured)),
    check('retention', async () => {
      const { connection, store } = runtime
      const now = runtime.ports.clock.wall()
      const reached = await retentionCatchUp(connection, store, now)
      return retention(settings, await measured, { now, connection, reached })
    }),
    check('recent requests', () => recentFailures(runtime)),
    check('rate limit', () => rateLimit(runtime, settings.rateLimit)),
    check('backlog', async () => backlog(runtime, await measured)),
  ])
}

/** The disk of the store takes a write now, and has room for more. */
async function disk({ ports: { random } }: Runtime, path: string): Promise<Finding> {
  const { tryWrite } = await import('@guestpass/store/sqlite')
  await tryWrite(path, random)
  const free = await freeBytes(path)
  if (free !== undefined && free < LOW_DISK_SPACE)
    return warning('disk', `${byteText(free)} are left on the disk of ${path}`, 'Make room before the disk is full.')
  return ok('disk', `${path} can be written${free === undefined ? '' : `, ${byteText(free)} are left`}`)
}

/** Nothing of an erased guest is left in the files of the store, and no former database is beside them. */
async function erasure({ store }: Runtime, path: string | undefined): Promise<Finding> {
  if (path === undefined)
    return ok(
      'erasure',
      'keys of erased guests are destroyed; log, replicas and backups of the server keep sealed bytes',
    )
  const { replacedDatabases } = await import('@guestpass/store/sqlite')
  const replaced = await replacedDatabases(path)
  if (replaced.length > 0)
    return warning(
      'erasure',
      `${replaced.join(', ')}: a restore replaced ${replaced.length === 1 ? 'it' : 'them'}, and guests that are erased since are still in there`,
      `Remove what you do not need (\`rm ${replaced.map(shellWord).join(' ')}\`).`,
    )
  const since = await store.tracesSince?.()
  return since === undefined
    ? ok('erasure', 'nothing of erased guests or retired keys is left in the files of the store')
    : warning(
        'erasure',
        `traces of what was erased since ${iso(since)} are left in the log of the store`,
        'End what reads the database for long, as a backup or an open sqlite3, then run any command.',
      )
}

async function webhooks({ connection, webhooks: { endpoints, counts } }: Runtime): Promise<Finding> {
  const all = await endpoints.all()
  const faults: { readonly message: string; readonly remedy: string }[] = []
  for (const { id, disabled } of all) {
    const { deadLetters } = await counts(id)
    if (disabled)
      faults.push({
        message: `${id} is disabled (${disabled.why})`,
        remedy: `Enable it with \`${commandFor(connection, `webhooks enable ${id}`)}\`.`,
      })
    else if (deadLetters > 0)
      faults.push({
        message: `${id} did not take ${counted(deadLetters, 'event')}`,
        remedy: `See ${deadLetters === 1 ? 'it' : 'them'} with \`${commandFor(connection, `webhooks dead ${id}`)}\`.`,
      })
  }
  if (faults.length === 0) return ok('webhooks', `${counted(all.length, 'endpoint')}, no dead letters`)
  const joined = (member: 'message' | 'remedy', by: string): string => faults.map((one) => one[member]).join(by)
  return warning('webhooks', joined('message', '; '), joined('remedy', ' '))
}
