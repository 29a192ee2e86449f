import * as z from 'zod'
import { requireStore, withRuntime } from '@guestpass/runtime'
import { defineCommand } from './runner/command.ts'

export const auditCheckpointCommand = defineCommand({
  example: 'guestpass audit checkpoint >> checkpoints.ndjson',
  options: [['--public-key', 'print the key that signs checkpoints, for receivers of webhooks; signs nothing']],
  input: z.object({ publicKey: z.boolean().default(false) }),
  async run({ publicKey }, cli) {
    const config = await cli.config()
    requireStore(config, cli.runtimeHost)
    const { connection } = config
    await withRuntime(config, cli.runtimeHost, async ({ auditLog }) => {
      if (publicKey) {
        const key = await auditLog.publicKey()
        cli.answer({ connection, ...key }, () => [key.publicKey])
        return
      }
      const checkpoint = await auditLog.checkpoint()
      cli.answer(checkpoint, () => [JSON.stringify(checkpoint)])
    })
  },
})
