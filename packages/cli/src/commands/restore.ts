import { restoreDatabase } from '@guestpass/runtime'
import * as z from 'zod'
import { defineCommand } from './runner/command.ts'

export const restoreCommand = defineCommand({
  example: 'guestpass restore guestpass-2026-11-29.db',
  input: z.object({ file: z.string().min(1, 'is empty') }),
  async run({ file }, cli) {
    const restored = await restoreDatabase(await cli.config(), cli.runtimeHost, file)
    cli.answer(restored, () => [
      `${restored.database} is restored from ${file}.`,
      ...(restored.replaced === undefined ? [] : [`  The replaced database is ${restored.replaced}.`]),
      ...Object.entries(restored.connections).map(
        ([name, { records, inDoubt, erased }]) =>
          `  Connection ${name}: ${records} audit records; ${inDoubt} refresh tokens in doubt; ${erased} guests erased again.`,
      ),
      '  Guests that were revoked after the backup are valid again: revoke them again.',
    ])
  },
})
