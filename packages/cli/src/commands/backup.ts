import { backupDatabase } from '@guestpass/runtime'
import * as z from 'zod'
import { defineCommand } from './runner/command.ts'

/** The size of a file, for people. */
const sizeText = (bytes: number): string =>
  bytes < 1_000_000 ? `${Math.ceil(bytes / 1_000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`

export const backupCommand = defineCommand({
  example: 'guestpass backup guestpass-2026-11-29.db',
  input: z.object({ file: z.string().min(1, 'is empty') }),
  async run({ file }, cli) {
    const backup = await backupDatabase(await cli.config(), cli.runtimeHost, file)
    cli.answer(backup, () => [
      `${file}: ${sizeText(backup.bytes)}, checked`,
      '  It does not hold the encryption key. Keep a copy of the key elsewhere.',
    ])
  },
})
