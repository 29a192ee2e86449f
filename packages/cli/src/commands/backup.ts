import { backupDatabase } from '@guestpass/runtime'
import * as z from 'zod'
import { byteText } from '../disk-space.ts'
import { defineCommand } from './runner/command.ts'

export const backupCommand = defineCommand({
  example: 'guestpass backup guestpass-2026-11-29.db',
  input: z.object({ file: z.string().min(1, 'is empty') }),
  async run({ file }, cli) {
    const backup = await backupDatabase(await cli.config(), cli.runtimeHost, file)
    cli.answer(backup, () => [
      `${file}: ${byteText(backup.bytes)}, checked`,
      '  It does not hold the encryption key. Keep a copy of the key elsewhere.',
    ])
  },
})
