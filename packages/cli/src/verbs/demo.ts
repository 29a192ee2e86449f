import * as z from 'zod'
import { verb } from '../frame/verb.ts'

export const demo = verb({
  example: 'guestpass demo --once',
  options: [['--once', 'end when the report is printed, also on a terminal']],
  input: z.object({ once: z.literal(true).optional() }),
  async run({ once }, cli) {
    // Loaded here, so that no other verb starts later because of it.
    const { runDemo } = await import('../demo/run.ts')
    return runDemo({ once }, cli)
  },
})
