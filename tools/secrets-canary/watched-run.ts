import { spawn } from 'node:child_process'
import { leaksIn } from './shapes.ts'

/** Standard output and standard error of a run. */
type Printed = readonly (readonly [stream: string, text: string])[]

/** The lines that show a secret. `titles`: titles of tests, which may show the inputs of a table of cases. */
export const leaksOf = (printed: Printed, titles: readonly string[] = []): readonly string[] =>
  printed.flatMap(([stream, text]) =>
    titles
      .filter((title) => leaksIn(title).length > 0)
      .reduce((rest, title) => rest.replaceAll(title, 'a title'), text)
      .split('\n')
      .flatMap((line, at) => leaksIn(line).map(({ kind }) => `line ${at + 1} of ${stream} has ${kind}`)),
  )

/** Runs a command, passes its output on and returns it. It includes child processes that write to the same terminal. */
export async function watchedRun(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv; readonly quiet?: boolean },
): Promise<Printed> {
  const { cwd, quiet = false } = options
  // Behind a pipe, vitest would no longer colour what a terminal shows.
  const colour = process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}
  const child = spawn(command, args, {
    cwd,
    env: { ...(options.env ?? process.env), ...colour },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const texts = (['stdout', 'stderr'] as const).map((name) => {
    let text = ''
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (!quiet) process[name].write(chunk)
    })
    return () => [name === 'stdout' ? 'standard output' : 'standard error', text] as const
  })
  await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  return texts.map((read) => read())
}
