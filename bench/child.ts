import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** A process of its own, and the messages that it sends. */
export interface Child {
  readonly pid: number
  /** The next message; rejects when the process ends without one. */
  next<Message>(): Promise<Message>
  tell(message: object): void
  /** Lets it go; resolves when it has ended well. */
  end(): Promise<void>
  /** Resolves when it has ended well by itself. */
  ended(): Promise<void>
}

/** Runs a program of this folder in a process of its own. `env`: what it has besides the environment of this one. */
export function child(file: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Child {
  const running = fork(join(import.meta.dirname, file), args, {
    execArgv: ['--expose-gc', '--disable-warning=ExperimentalWarning'],
    env: { ...process.env, ...env },
  })
  const received: unknown[] = []
  let wake = (): void => {}
  running.on('message', (message) => {
    received.push(message)
    wake()
  })
  const ended = new Promise<void>((resolve, reject) => {
    running.once('error', reject)
    running.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${file} ended with ${code}`))))
  })
  // Messages are read before `disconnect`, and may be read after `exit`.
  const silent = once(running, 'disconnect')
    .then(() => ended)
    .then(() => Promise.reject(new Error(`${file} ended without a word`)))
  silent.catch(() => {})
  return {
    pid: running.pid ?? 0,
    async next<Message>() {
      const message = new Promise<void>((resolve) => {
        wake = resolve
      })
      if (received.length === 0) await Promise.race([message, silent])
      return received.shift() as Message
    },
    ended: () => ended,
    tell: (message) => void running.send(message),
    async end() {
      if (running.connected) running.disconnect()
      await ended
    },
  }
}
