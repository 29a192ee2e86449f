import * as z from 'zod'
import { withRuntime } from '@guestpass/runtime'
import { verb } from '../frame/verb.ts'

export const auditCheckpoint = verb({
  example: 'guestpass audit checkpoint >> checkpoints.ndjson',
  input: z.object({}),
  async run(_input, cli) {
    const config = await cli.config()
    await withRuntime(config, cli.host, async ({ auditLog }) => {
      const checkpoint = await auditLog.checkpoint()
      cli.answer(checkpoint, () => [JSON.stringify(checkpoint)])
    })
  },
})
