import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** A process of this program that keeps sessions renewed. */
export interface KeepProcess {
  /** Ends it in the middle of whatever it does, as `kill -9` does. */
  kill(): Promise<void>
  /** Asks it to end, and waits until it has. */
  stop(): Promise<void>
}

/** Starts `guestpass keep` with an environment of its own. */
export function startKeepProcess(program: string, env: Readonly<Record<string, string>>, cwd: string): KeepProcess {
  const child = spawn(process.execPath, [program, 'keep', '--json'], {
    env,
    cwd,
    // By the channel it notices the end of this process, also by a kill, and ends as well.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  const ended = once(child, 'exit')
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal)
    await ended
  }
  return { kill: () => end('SIGKILL'), stop: () => end('SIGTERM') }
}
