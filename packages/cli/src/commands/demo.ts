import * as z from 'zod'
import { defineCommand } from './runner/command.ts'

export const demoCommand = defineCommand({
  example: 'guestpass demo --once',
  options: [['--once', 'end when the report is printed, also on a terminal']],
  input: z.object({ once: z.literal(true).optional() }),
  async run({ once }, cli) {
    // Loaded here, so that no other command starts later because of it.
    const { runDemo } = await import('../demo/run-demo.ts')
    return runDemo({ once }, cli)
  },
})
