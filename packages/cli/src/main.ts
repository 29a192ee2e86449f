import { text } from 'node:stream/consumers'
import { systemClock } from '@guestpass/core'
import manifest from '../package.json' with { type: 'json' }
import { frame } from './frame/run.ts'
import { Interruption, type World } from './frame/world.ts'
import { groups, verbs } from './verbs/index.ts'

/** How long clean-up may take after a signal, in milliseconds. */
const GRACE_MS = 5_000

const ending = new AbortController()
const world: World = {
  argv: process.argv.slice(2),
  env: process.env,
  cwd: process.cwd(),
  pid: process.pid,
  program: process.argv[1] ?? '',
  stdout: process.stdout,
  stderr: process.stderr,
  input: () => text(process.stdin),
  signal: ending.signal,
  version: manifest.version,
}
const program = frame(verbs, groups, world)

for (const [signal, exit] of [
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.on(signal, () => {
    // Whoever asks twice does not want to wait for the clean-up.
    if (ending.signal.aborted) process.exit(exit)
    ending.abort(new Interruption(signal, exit))
    void systemClock({ unref: true })
      .sleep(GRACE_MS)
      .then(() => process.exit(exit))
  })
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // The reader has seen enough, as `head` has.
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})
process.stderr.on('error', () => undefined)
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (thrown) => leave(program.fail(thrown)))
}

/** Ends the process when all that was written has left it. */
function leave(code: number): void {
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)))
}

leave(await program.run())
