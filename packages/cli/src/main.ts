import manifest from '../package.json' with { type: 'json' }
import { quickAnswer } from './commands/runner/quick-answer.ts'
import { commandGroups, commands } from './commands/index.ts'

/** Gives false when the text could not be written. */
const print = (text: string): Promise<boolean> =>
  new Promise((resolve) => {
    process.stdout.on('error', () => undefined)
    process.stdout.write(text, (error) => resolve(!error))
  })

const text = await quickAnswer({ groups: commandGroups, commands, version: manifest.version }, process.argv.slice(2))
// Loaded only here, so that help and version come at once. It also reports why they could not be written.
if (text === undefined || !(await print(text))) await import('./cli-process.ts')
