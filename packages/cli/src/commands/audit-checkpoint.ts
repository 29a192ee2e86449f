import * as z from 'zod'
import { withRuntime } from '@guestpass/runtime'
import { defineCommand } from './runner/command.ts'

export const auditCheckpointCommand = defineCommand({
  example: 'guestpass audit checkpoint >> checkpoints.ndjson',
  input: z.object({}),
  async run(_input, cli) {
    const config = await cli.config()
    await withRuntime(config, cli.runtimeHost, async ({ auditLog }) => {
      const checkpoint = await auditLog.checkpoint()
      cli.answer(checkpoint, () => [JSON.stringify(checkpoint)])
    })
  },
})
