import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** A server program that runs in a process of its own. */
export interface Launched {
  /** Where it listens. */
  readonly url: string
  /** Ends it; resolves when the process is gone. */
  kill(signal: NodeJS.Signals): Promise<void>
}

/** Starts a program that prints `listening on http://…`. Rejects with what it printed when it ends before. */
export async function launched(
  args: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<Launched> {
  const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'exit')
  let printed = ''
  const url = await new Promise<string>((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      printed += chunk.toString()
      const [, found] = /listening on (http:\S+)/.exec(printed) ?? []
      if (found) resolve(found)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    void ended.then(() => reject(new Error(`the program ended: ${printed}`)))
  })
  return {
    url,
    async kill(signal) {
      child.kill(signal)
      await ended
    },
  }
}
