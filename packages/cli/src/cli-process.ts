import { isatty } from 'node:tty'
import { systemClock } from '@guestpass/core/runtime-kit'
import { readAllBytes } from '@guestpass/runtime'
import manifest from '../package.json' with { type: 'json' }
import { createCommandRunner } from './commands/runner/runner.ts'
import { Interruption, type OutputStream, type HostProcess } from './commands/runner/host-process.ts'
import { hardenProcess } from './process-hardening.ts'
import { isSighupIgnored } from './sighup.ts'
import { commandGroups, commands, nextSteps } from './commands/index.ts'

/** How long clean-up may take after a signal, in milliseconds, unless the command says otherwise. */
let graceMs = 5_000

/** A stream of the process, whose failures are those of single texts. */
function sinkOf(stream: NodeJS.WriteStream): OutputStream {
  // The error of the text shows it.
  stream.on('error', () => undefined)
  return {
    write: (text) =>
      new Promise<void>((resolve, reject) => stream.write(text, (error) => (error ? reject(error) : resolve()))),
    isTTY: stream.isTTY,
    get columns() {
      return stream.columns
    },
  }
}

const ending = new AbortController()
const hostProcess: HostProcess = {
  argv: process.argv.slice(2),
  env: process.env,
  cwd: process.cwd(),
  pid: process.pid,
  program: process.argv[1] ?? '',
  stdout: sinkOf(process.stdout),
  stderr: sinkOf(process.stderr),
  input: () => readAllBytes(process.stdin),
  signal: ending.signal,
  version: manifest.version,
  setGrace: (ms) => void (graceMs = ms),
  harden: hardenProcess,
}
const program = createCommandRunner(commands, commandGroups, hostProcess, nextSteps)

function end(by: string, exit: number, signal: NodeJS.Signals): void {
  // A second signal asks not to wait for the clean-up.
  if (ending.signal.aborted) return endAtOnce(signal)
  ending.abort(new Interruption(by, exit))
  void systemClock({ unref: true })
    .sleep(graceMs)
    .then(() => endAtOnce(signal))
}

/**
 * By the signal itself: `process.exit` waits for calls of the system that hang, as the opening of a pipe
 * without a reader.
 */
function endAtOnce(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
}

process.on('SIGINT', () => end('SIGINT', 130, 'SIGINT'))
process.on('SIGTERM', () => end('SIGTERM', 143, 'SIGTERM'))
const terminals = [0, 1, 2].map((descriptor) => isatty(descriptor))
if (isSighupIgnored({ env: process.env, terminals })) process.on('SIGHUP', () => {})
else process.on('SIGHUP', () => end('SIGHUP', 129, 'SIGHUP'))
// A parent that made a channel to this process, and is gone, however it ended.
process.once('disconnect', () => end('the end of its parent', 143, 'SIGTERM'))

for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (thrown) => leave(program.fail(thrown)))
}

/** Ends the process when all that was written has left it. */
function leave(code: number): void {
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)))
}

leave(await program.run())
