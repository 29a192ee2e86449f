import { resolve } from 'node:path'
import { GuestpassError } from '@guestpass/core'
import type { Config } from './config/config.ts'

/**
 * The absolute path of the embedded database of a configuration. Throws `config_invalid` if the database is
 * not a file.
 */
export function databasePath({ settings: { databaseUrl }, origins }: Config, cwd: string): string {
  if (databaseUrl.kind === 'file') return resolve(cwd, databaseUrl.path)
  const field = origins.databaseUrl?.name ?? '--database'
  const message =
    databaseUrl.kind === 'memory'
      ? 'names a store in memory, which only a program can use'
      : 'names a PostgreSQL database, which this version does not support yet'
  throw new GuestpassError('config_invalid', `The database cannot be used: ${field} ${message}.`, {
    fields: [{ field, message, remedy: 'Give the path of a file, or leave it unset.' }],
  })
}
