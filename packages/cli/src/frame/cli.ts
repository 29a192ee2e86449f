import { abortable, type Secret } from '@guestpass/core'
import { readConfig, secretsOf } from '../config/config.ts'
import type { Flags } from '../config/layers.ts'
import { progress } from './progress.ts'
import type { Cli } from './verb.ts'
import type { World } from './world.ts'

/** Flags that every verb has, and those that stand for settings. */
export interface CommonFlags {
  readonly connection: string
  readonly json: boolean
  readonly reveal: boolean
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

export function surroundings(world: World, flags: CommonFlags): Surroundings {
  const known = new Set<Secret>()
  const told = new Set<string>()
  let answered = false
  const scrub = (text: string): string =>
    Array.from(known, (secret) => secret.reveal())
      .filter((value) => value.length >= 6)
      // As it stands, and as it stands in JSON.
      .flatMap((value) => [value, JSON.stringify(value).slice(1, -1)])
      .reduce((clean, value) => clean.replaceAll(value, '[secret]'), text)
  const note = (line: string): void => {
    world.stderr.write(`${scrub(line)}\n`)
  }
  const cli: Cli = {
    json: flags.json,
    signal: world.signal,
    world,
    note,
    async config(needs = []) {
      const { env, cwd } = world
      const config = await readConfig({ env, cwd, flags: flags.settings, connection: flags.connection, needs })
      for (const secret of secretsOf(config)) known.add(secret)
      for (const warning of config.warnings.filter((one) => !told.has(one))) {
        told.add(warning)
        note(`guestpass: warning: ${warning}`)
      }
      return config
    },
    answer(document, lines) {
      answered = true
      world.stdout.write(
        flags.json
          ? `${JSON.stringify(document)}\n`
          : lines()
              .map((line) => `${line}\n`)
              .join(''),
      )
    },
    token: (secret) => (flags.reveal ? secret.reveal() : secret.mask()),
    progress: (title, total) => progress(world, title, total),
    input: async () => (await abortable(world.input, world.signal)).trim(),
    stopped: () =>
      new Promise((resolve) => {
        if (world.signal.aborted) resolve()
        else world.signal.addEventListener('abort', () => resolve(), { once: true })
      }),
  }
  return { cli, answered: () => answered, connection: flags.connection, scrub }
}
