import { restoreDatabase, type RestoreResult } from '@guestpass/runtime'
import * as z from 'zod'
import { counted } from '../counted.ts'
import { shellWord } from '../shell-word.ts'
import { defineCommand } from './runner/command.ts'

export const restoreCommand = defineCommand({
  example: 'guestpass restore guestpass-2026-11-29.db',
  input: z.object({ file: z.string().min(1, 'is empty') }),
  async run({ file }, cli) {
    const config = await cli.config()
    const restored = await restoreDatabase(config, cli.runtimeHost, file)
    cli.answer(restored, () => [
      config.settings.databaseUrl.kind === 'postgres'
        ? `${restored.database} is prepared after its restore, with the erasures of ${file}.`
        : `${restored.database} is restored from ${file}.`,
      ...(restored.replaced === undefined ? [] : [`  The replaced database is ${restored.replaced}.`]),
      ...Object.entries(restored.connections).map(
        ([name, { records, inDoubt, erased }]) =>
          `  Connection ${name}: ${counted(records, 'audit record')}; ${counted(inDoubt, 'refresh token')} in doubt; ${counted(erased, 'guest')} erased again.`,
      ),
      '  Guests that were revoked after the backup are valid again: revoke them again.',
      ...lostRevocations(restored),
      ...erasedGuests(restored),
    ])
  },
})

/** The commands that list what was revoked after the backup, from the database that was replaced. */
const lostRevocations = ({ replaced, wasDamaged, connections }: RestoreResult): readonly string[] =>
  replaced === undefined || wasDamaged
    ? []
    : Object.entries(connections).map(
        ([name, { lastRecordAt = '1970-01-01' }]) =>
          `  To list them: \`guestpass audit tail --connection ${name} --database ${shellWord(replaced)} --event TOKEN_REVOKED --since ${lastRecordAt}\``,
      )

/** Last, because the lines before it read the replaced database. */
const erasedGuests = ({ replaced, erasedInReplaced }: RestoreResult): readonly string[] =>
  replaced === undefined || erasedInReplaced === undefined
    ? []
    : [
        `  The replaced database holds ${counted(erasedInReplaced, 'guest that was', 'guests that were')} erased: remove it (\`rm ${shellWord(replaced)}\`).`,
      ]
