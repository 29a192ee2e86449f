import manifest from '../package.json' with { type: 'json' }
import { briefAnswer } from './frame/asked.ts'
import { groups, verbs } from './verbs/index.ts'

/** False when it could not be written. */
const written = (text: string): Promise<boolean> =>
  new Promise((resolve) => {
    process.stdout.on('error', () => undefined)
    process.stdout.write(text, (error) => resolve(!error))
  })

const text = await briefAnswer({ groups, verbs, version: manifest.version }, process.argv.slice(2))
// Loaded here alone, so that help and version are there soon. It also says why they could not be written.
if (text === undefined || !(await written(text))) await import('./command.ts')
