import { resolve } from 'node:path'
import { type Field, GuestpassError } from '@guestpass/core'
import { systemClock, systemRandom } from '@guestpass/core/runtime-kit'
import type { DatabasePlace, KeyRing, TableDigest } from '@guestpass/store/move'
import type { Config } from './config/config.ts'
import { database as databaseKind } from './config/kinds.ts'
import { settingName } from './config/settings.ts'
import { pathFault } from './database-path.ts'
import { configuredKeyRing } from './key-ring.ts'
import type { RuntimeHost } from './runtime-host.ts'

/** The databases of a move, each the path of a file or an address of PostgreSQL. */
export interface MoveRequest {
  readonly from: string
  readonly to: string
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void
}

/** A store that was moved to another database. */
export interface MoveResult {
  /** The former database, which stays as it is: an absolute path, or an address without a password. */
  readonly from: string
  readonly to: string
  /** How many rows each table has, and a digest over them, the same in both databases. */
  readonly tables: Readonly<Record<string, TableDigest>>
  /** The end of the audit chain of each connection, the same in both databases. */
  readonly chains: Readonly<Record<string, { readonly count: number; readonly hash: string }>>
}

/**
 * Copies a store to another database, and compares both. The key is `encryptionKey`, else the key file beside the
 * former database.
 *
 * @param request the two databases, from the folder of the host
 * @throws `invalid_input` for a database that cannot be used; `config_invalid` if PostgreSQL is left without a key;
 *   otherwise as `moveStore` of the store
 *
 * @example
 * ```ts
 * import { moveDatabase, openRuntime, readConfig, type RuntimeHost } from '@guestpass/runtime'
 *
 * const { signal } = new AbortController()
 * const host: RuntimeHost = { env: {}, cwd: '.', signal, actor: 'me', note: console.log, warn: console.log }
 * const config = await readConfig(host)
 * await (await openRuntime(config, host)).close()
 * const { tables } = await moveDatabase(config, host, { from: '.guestpass/guestpass.db', to: 'moved.db' })
 * console.log(tables['keys']?.rows)
 * ```
 */
export async function moveDatabase(config: Config, host: RuntimeHost, request: MoveRequest): Promise<MoveResult> {
  const { moveStore } = await import('@guestpass/store/move')
  const from = placeOf('from', request.from, host.cwd)
  const to = placeOf('to', request.to, host.cwd)
  const [clock, random] = [systemClock(), systemRandom()]
  const keyRing = await keyRingOf(config, host, from)
  const { onProgress } = request
  const moved = await moveStore({ from, to, keyRing, clock, random, ...(onProgress ? { onProgress } : {}) })
  return { from: from.shown, to: to.shown, ...moved }
}

function placeOf(field: string, written: string, cwd: string): DatabasePlace {
  const { data: parsed, error } = databaseKind.safeParse(written)
  if (parsed?.kind === 'postgres') return { url: parsed.url.reveal(), shown: parsed.place }
  if (parsed?.kind !== 'file')
    throw refused({ field, message: error?.issues[0]?.message ?? 'is not a database', remedy: REMEDY })
  const fault = pathFault(parsed.path, './guestpass.db')
  if (fault) throw refused({ field, ...fault })
  const path = resolve(cwd, parsed.path)
  return { path, shown: path }
}

const REMEDY = 'Give the path of a file, or a postgres:// address.'

const refused = (field: Field): GuestpassError =>
  new GuestpassError('invalid_input', `${field.field} ${field.message}. ${field.remedy}`, { fields: [field] })

async function keyRingOf({ connection, settings }: Config, host: RuntimeHost, from: DatabasePlace): Promise<KeyRing> {
  const random = systemRandom()
  if ('path' in from) return configuredKeyRing(settings, { path: from.path, random, host, needsKey: true })
  if (settings.encryptionKey) return configuredKeyRing(settings, { path: '', random, host })
  const remedy = 'Set it to the key of the database.'
  const fields = [
    { field: settingName('encryptionKey', connection), message: 'is not set, PostgreSQL needs it', remedy },
  ]
  throw new GuestpassError('config_invalid', 'The key of the database is missing: `encryptionKey` is not set.', {
    fields,
  })
}
