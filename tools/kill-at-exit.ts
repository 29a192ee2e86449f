import type { ChildProcess } from 'node:child_process'

const living = new Map<ChildProcess, NodeJS.Signals>()

/** Sends the signals to all processes that still run. */
function killAll(): void {
  for (const [child, signal] of living) child.kill(signal)
}

/** Ends a process when this one ends, also by Ctrl-C. `signal`: default SIGKILL. */
export function killAtExit(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): void {
  if (!process.listeners('exit').includes(killAll)) process.once('exit', killAll)
  living.set(child, signal)
  child.once('exit', () => living.delete(child))
}

/** Lets SIGINT and SIGTERM end this process by an exit, at which its processes are ended. */
export function exitOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
}
