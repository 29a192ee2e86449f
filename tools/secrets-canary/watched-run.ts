import { spawn } from 'node:child_process'
import { leaksIn } from './shapes.ts'

/**
 * Runs a command, passes its output on, and gives a description of each line of it that shows a secret. The output of
 * its child processes counts where it reaches the same terminal.
 */
export async function watchedRun(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv; readonly quiet?: boolean },
): Promise<readonly string[]> {
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
    return [name === 'stdout' ? 'standard output' : 'standard error', () => text] as const
  })
  await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  return texts.flatMap(([name, text]) =>
    text()
      .split('\n')
      .flatMap((line, at) => leaksIn(line).map(({ kind }) => `line ${at + 1} of ${name} has ${kind}`)),
  )
}
