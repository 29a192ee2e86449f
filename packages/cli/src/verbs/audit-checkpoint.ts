import * as z from 'zod'
import { verb } from '../frame/verb.ts'
import { atWork } from '../workplace.ts'

export const auditCheckpoint = verb({
  name: 'audit checkpoint',
  summary:
    'Sign how the audit log ends now, as one JSON line; kept elsewhere, it shows later whether the log was cut off',
  example: 'guestpass audit checkpoint >> checkpoints.ndjson',
  input: z.object({}),
  async run(_input, cli) {
    const config = await cli.config()
    await atWork(config, cli, async ({ auditLog }) => {
      const checkpoint = await auditLog.checkpoint()
      cli.answer(checkpoint, () => [JSON.stringify(checkpoint)])
    })
  },
})
