import { dirname, join } from 'node:path'
import { moveDatabase, type MoveResult } from '@guestpass/runtime'
import * as z from 'zod'
import { counted } from '../counted.ts'
import { withProgress } from '../with-progress.ts'
import { defineCommand } from './runner/command.ts'

const database = z.string().min(1, 'is empty')

export const moveCommand = defineCommand({
  example: 'guestpass move --from .guestpass/guestpass.db --to postgres://guestpass@db.example.com/guestpass',
  options: [
    ['--from <database>', 'the store: the path of a file, or a postgres:// address; it stays as it is'],
    ['--to <database>', 'an empty database of PostgreSQL, or a new file'],
  ],
  input: z.object({ from: database, to: database }),
  async run({ from, to }, cli) {
    const config = await cli.config()
    const moved = await withProgress(cli, 'rows copied', (onProgress) =>
      moveDatabase(config, cli.runtimeHost, { from, to, onProgress }),
    )
    cli.answer(moved, () => lines(moved, config.settings.encryptionKey !== undefined))
  },
})

function lines({ from, to, tables, chains }: MoveResult, hasKey: boolean): readonly string[] {
  const rows = Object.values(tables).reduce((sum, table) => sum + table.rows, 0)
  return [
    `${counted(rows, 'row')} of ${from} are in ${to}: the digests of all tables are the same.`,
    ...Object.entries(chains).map(
      ([name, { count, hash }]) =>
        `  Connection ${name}: ${counted(count, 'audit record')}, chain ends with ${hash.slice(0, 16)}.`,
    ),
    ...(hasKey ? [] : [`  The key is in ${join(dirname(from), 'encryption.key')}: ${keyRemedy(to)}`]),
    `  Use it with --database or GUESTPASS_DATABASE_URL. Remove ${from} when you do not need it.`,
  ]
}

const keyRemedy = (to: string): string =>
  to.startsWith('postgres:')
    ? 'set GUESTPASS_ENCRYPTION_KEY to its content.'
    : `copy it to ${dirname(to)}, or set GUESTPASS_ENCRYPTION_KEY to its content.`
