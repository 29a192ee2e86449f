import type { Secret } from '@guestpass/core'
import { abortable } from '@guestpass/core/runtime-kit'
import { type Flags, readConfig, type RuntimeHost, secretsOf } from '@guestpass/runtime'
import { inputError, inputText } from '../input-text.ts'
import type { Output } from './output.ts'
import { type Progress, progress } from './progress.ts'
import type { Cli } from './verb.ts'
import type { World } from './world.ts'

/** Flags that every verb has, and those that stand for settings. */
export interface CommonFlags {
  readonly connection: string
  readonly json: boolean
  readonly reveal: boolean
  /** The token alone, in full. */
  readonly raw: boolean
  readonly settings: Flags
}

/** A verb's surroundings, and what the frame must know of them when the verb has ended. */
export interface Surroundings {
  readonly cli: Cli
  readonly answered: () => boolean
  /** The name of the connection. */
  readonly connection: string
  /** Takes known secrets out of a text. */
  readonly scrub: (text: string) => string
}

/** Where a run prints. */
export interface Streams {
  readonly out: Output
  readonly err: Output
}

export function surroundings(world: World, flags: CommonFlags, { out, err }: Streams): Surroundings {
  const known = new Set<Secret>()
  const told = new Set<string>()
  let answered = false
  const scrub = (text: string): string =>
    Array.from(known, (secret) => secret.reveal())
      .filter((value) => value.length >= 6)
      // As it stands, and as it stands in JSON.
      .flatMap((value) => [value, JSON.stringify(value).slice(1, -1)])
      .reduce((clean, value) => clean.replaceAll(value, '[secret]'), text)
  const bars = new Set<Progress>()
  const note = (...lines: readonly string[]): void => {
    for (const bar of bars) bar.makeRoom()
    err.lines(lines.map(scrub))
  }
  const host: RuntimeHost = {
    env: world.env,
    cwd: world.cwd,
    signal: world.signal,
    actor: 'cli',
    note: (line) => note(`guestpass: ${line}`),
    warn: (line) => note(`guestpass: warning: ${line}`),
  }
  const cli: Cli = {
    json: flags.json,
    host,
    signal: world.signal,
    world,
    note,
    async config(needs = []) {
      const { env, cwd } = world
      const config = await readConfig({ env, cwd, flags: flags.settings, connection: flags.connection, needs })
      for (const secret of secretsOf(config)) known.add(secret)
      for (const warning of config.warnings.filter((one) => !told.has(one))) {
        told.add(warning)
        host.warn(warning)
      }
      return config
    },
    answer(document, lines) {
      answered = true
      if (flags.json) out.lines([JSON.stringify(document)])
      else out.lines(flags.raw ? lines().slice(0, 1) : lines())
    },
    print: (line) => out.line(line),
    token: (secret) => (flags.reveal || flags.raw ? secret.reveal() : secret.mask()),
    progress(title, total) {
      const bar = progress(world, title, total)
      bars.add(bar)
      const stop = (): void => {
        bars.delete(bar)
        bar.stop()
      }
      return { ...bar, stop }
    },
    async input() {
      const bytes = await abortable(world.input, world.signal).catch((thrown: unknown) => {
        throw inputError(thrown)
      })
      return inputText(bytes).trim()
    },
    stopped: () =>
      new Promise((resolve) => {
        if (world.signal.aborted) resolve()
        else world.signal.addEventListener('abort', () => resolve(), { once: true })
      }),
  }
  return { cli, answered: () => answered, connection: flags.connection, scrub }
}
