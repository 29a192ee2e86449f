import { resolve } from 'node:path'
import { GuestpassError } from '@guestpass/core'
import type { Config } from './config/config.ts'

/** Where the embedded database of a configuration is. Throws `config_invalid` where it is no file. */
export function databasePath({ settings: { databaseUrl }, origins }: Config, cwd: string): string {
  if (databaseUrl.kind === 'file') return resolve(cwd, databaseUrl.path)
  const field = origins.databaseUrl?.name ?? '--database'
  const message =
    databaseUrl.kind === 'memory'
      ? 'names a store in memory, which only a program can have'
      : 'names a PostgreSQL database, which this version does not have yet'
  throw new GuestpassError('config_invalid', `The database cannot be used: ${field} ${message}.`, {
    fields: [{ field, message, remedy: 'Give the path of a file, or leave it unset.' }],
  })
}
