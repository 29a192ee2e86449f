import { resolve, sep } from 'node:path'
import { type Field, GuestpassError } from '@guestpass/core'
import type { Config } from './config/config.ts'

/**
 * The absolute path of the embedded database of a configuration; undefined if the database is PostgreSQL.
 * Throws `config_invalid` if it is a store in memory, or not a file of this system.
 */
export const databaseFile = (config: Config, cwd: string): string | undefined =>
  config.settings.databaseUrl.kind === 'postgres' ? undefined : databasePath(config, cwd)

/**
 * The database of a configuration as it may be shown: the absolute path of a file, or the address of PostgreSQL
 * without a password. Throws `config_invalid` as `databaseFile` does.
 */
export const databasePlace = (config: Config, cwd: string): string =>
  databaseFile(config, cwd) ?? config.settings.databaseUrl.place

/**
 * The absolute path of the embedded database of a configuration. Throws `config_invalid` if the database is
 * not a file of this system. `separator`: that of the system's paths.
 */
export function databasePath(
  { settings: { databaseUrl }, origins }: Config,
  cwd: string,
  separator: string = sep,
): string {
  const field = origins.databaseUrl?.name ?? '--database'
  const refused = (message: string, remedy: string): GuestpassError =>
    new GuestpassError('config_invalid', `The database cannot be used: ${field} ${message}.`, {
      fields: [{ field, message, remedy }],
    })
  if (databaseUrl.kind === 'memory') throw refused('names a store in memory, which only a program can use', FILE_REMEDY)
  if (databaseUrl.kind === 'postgres')
    throw refused(
      'names a PostgreSQL database, and this works on a database file',
      'Use pg_dump and pg_restore, as docs/postgres.md describes, or give the path of a file.',
    )
  const { path } = databaseUrl
  const fault = pathFault(path, './guestpass.db', separator)
  if (fault) throw refused(fault.message, fault.remedy)
  return resolve(cwd, path)
}

const FILE_REMEDY = 'Give the path of a file, or leave it unset.'

/**
 * Why a path cannot name a file of this system, with the remedy; undefined if it can. `example`: a path for the
 * remedy. `separator`: that of the system's paths.
 */
export function pathFault(path: string, example: string, separator: string = sep): Omit<Field, 'field'> | undefined {
  // In double quotes of `.env`, `\n` is a line break: "C:\new.db" has one.
  if (/[\n\r\t]/.test(path)) {
    const remedy = 'In `.env`, write the path without double quotes, or with / for \\.'
    return { message: 'holds a line break or a tab', remedy }
  }
  return separator === '/' && /^(?:[a-z]:[\\/]|\\\\)/i.test(path)
    ? {
        message: 'is a Windows path, and this system is not Windows',
        remedy: `Write a path of this system, as ${example}.`,
      }
    : undefined
}
