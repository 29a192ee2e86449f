import { resolve } from 'node:path'
import { escapeForTerminal } from '@guestpass/runtime'
import type { Cli } from './commands/runner/command.ts'
import { openOutputFile } from './output-file.ts'

type OutputCli = Pick<Cli, 'hostProcess' | 'signal'>
type Texts = AsyncIterable<string> | Iterable<string>

/**
 * Writes texts to a file, which has its name when all are written. Says how many a reader took. `field`: the
 * option that names the file.
 */
export async function writeTexts(file: string, texts: Texts, cli: OutputCli, field = 'output'): Promise<number> {
  const to = await openOutputFile(resolve(cli.hostProcess.cwd, file), cli.signal, field)
  try {
    let written = 0
    for await (const text of texts) {
      if (!(await to.write(text))) break
      written += 1
    }
    await to.close()
    return written
  } catch (thrown) {
    await to.discard()
    throw thrown
  }
}

/** Writes values as lines of JSON to the file that `--output` names. Says how many. */
export const writeJsonLines = (
  file: string,
  values: AsyncIterable<unknown> | Iterable<unknown>,
  cli: OutputCli,
): Promise<number> => writeTexts(file, jsonLines(values), cli)

async function* jsonLines(values: AsyncIterable<unknown> | Iterable<unknown>): AsyncGenerator<string> {
  for await (const value of values) yield `${escapeForTerminal(JSON.stringify(value))}\n`
}
