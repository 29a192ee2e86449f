import * as z from 'zod'
import { examineFolder } from '../next-steps/examine-folder.ts'
import { folderLines, nextSteps } from '../next-steps/next-steps.ts'
import { defineCommand } from './runner/command.ts'

/** What `guestpass` alone does. */
export const nextStepsCommand = defineCommand({
  example: 'guestpass',
  input: z.object({}),
  async run(_input, cli) {
    const folder = await examineFolder(cli)
    const steps = nextSteps(folder).map(({ command, purpose }) => ({ command: `guestpass ${command}`.trim(), purpose }))
    const widest = Math.max(...steps.map(({ command }) => command.length))
    cli.answer({ ...folder, next: steps }, () => [
      ...folderLines(folder),
      '',
      [{ text: 'Next', style: 'heading' }],
      ...steps.map(({ command, purpose }) => `  ${command.padEnd(widest)}  ${purpose}`),
      '',
      'All commands: guestpass --help',
    ])
  },
})
