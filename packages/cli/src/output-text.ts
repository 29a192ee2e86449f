import { resolve } from 'node:path'
import type { Cli } from './commands/runner/command.ts'
import { openOutputFile } from './output-file.ts'

/** Writes one text to the file that `--output` names. It has the name when it is complete. */
export async function writeOutput(file: string, text: string, cli: Pick<Cli, 'hostProcess' | 'signal'>): Promise<void> {
  const to = await openOutputFile(resolve(cli.hostProcess.cwd, file), cli.signal)
  try {
    await to.write(text)
    await to.close()
  } catch (thrown) {
    await to.discard()
    throw thrown
  }
}
