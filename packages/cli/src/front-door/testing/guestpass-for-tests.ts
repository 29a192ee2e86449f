import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GuestpassError } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
import { anyValue, checkOptions, object, optionsError } from '@guestpass/core/options'
import { closestName, systemClock } from '@guestpass/core/runtime-kit'
import { InvalidOptions, sandbox as startSandbox, type Sandbox, type SandboxOptions } from '@guestpass/sandbox'
import { type Guestpass, guestpassWith } from '../guestpass.ts'
import type { GuestpassOptions } from '../options.ts'
import { createMovableClock } from './movable-clock.ts'
import { moveInSteps } from './steps.ts'
import { createWorkUnderWay } from './work-under-way.ts'

/** Options of `guestpassForTests()`. */
export interface GuestpassForTestsOptions {
  /** Options of the sandbox. Default algorithm `ES256`, whose keys are made faster than those of `RS256`. */
  readonly sandbox?: Omit<SandboxOptions, 'now'> | undefined
  /**
   * Options of `guestpass()`. Default: a store in memory, the environment of the sandbox alone, and an empty
   * folder. So a test never reads the settings of the machine, which may lead to a real organisation. `env`
   * adds variables.
   */
  readonly guestpass?: GuestpassOptions | undefined
}

/** A connection and the sandbox that it calls, on one clock. */
export interface GuestpassForTests extends AsyncDisposable {
  /** The connection, as `guestpass()` gives it. */
  readonly gp: Guestpass
  /**
   * The upstream: journal, faults, limits, keys and more. Its own `advance` and `setClock` move its clock
   * alone, as that of an upstream whose clock is wrong.
   */
  readonly sandbox: Sandbox
  /**
   * Moves the clock of both ahead by milliseconds, 0 to a hundred years. Between calls it runs as the clock of
   * the machine. Waits that are over by then end: for a retry, a rate limit, a renewal. The clock moves in
   * steps of at least 5 minutes, at most about 300. Requests under way end before each step and at the end,
   * so that none of them reaches its time limit; one that takes over 2 s of real time is not waited for.
   * Rejects with `invalid_input` for any other value.
   */
  advance(ms: number): Promise<void>
  /** Closes the connection, then the sandbox. A second call waits for the first. */
  close(): Promise<void>
}

const optionsSchema = object<GuestpassForTestsOptions>({ sandbox: anyValue, guestpass: anyValue })

/** A hundred years, the largest offset of the clock of a sandbox, in milliseconds. */
const MAX_ADVANCE = 100 * 366 * 86_400_000

/**
 * Starts a sandbox and opens a connection to it, both on one clock that a test can move. Nothing of the
 * machine is read: neither environment nor files.
 *
 * Rejects with `config_invalid` for wrong or unknown options, also those of `guestpass()` and of the sandbox.
 *
 * @param options each has a default, see `GuestpassForTestsOptions`
 * @returns the connection and the sandbox, which must be closed
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { guestpassForTests } from 'guestpass/testing'
 *
 * const { gp, advance, close } = await guestpassForTests()
 * const { guestId } = await gp.guests.issue({ duration: 3600, scopes: ['webmessaging:guest:send'] })
 * await advance(3_590_000)
 * assert.equal((await gp.guests.token(guestId)).generation, 2)
 * await close()
 * ```
 */
export async function guestpassForTests(options: GuestpassForTestsOptions = {}): Promise<GuestpassForTests> {
  checkOptions('guestpassForTests', ['options', options, optionsSchema])
  const clock = createMovableClock(systemClock())
  const sandbox = await startSandbox({ algorithm: 'ES256', ...options.sandbox, now: clock.wall }).catch(
    (thrown: unknown) => {
      throw thrown instanceof InvalidOptions ? sandboxError(thrown) : thrown
    },
  )
  const cwd = await mkdtemp(join(tmpdir(), 'guestpass-test-'))
  const closeSandbox = async (): Promise<void> => {
    await sandbox.close()
    await rm(cwd, { recursive: true, force: true })
  }
  const env = { ...sandbox.env, ...options.guestpass?.env }
  const given = { store: 'memory', cwd, ...options.guestpass, env }
  const ports = nodePorts()
  const underWay = createWorkUnderWay(ports.http, clock)
  const gp = await guestpassWith(given, () => ({ ...ports, http: underWay.http, clock })).catch(
    async (thrown: unknown) => {
      await closeSandbox()
      throw thrown
    },
  )
  async function closeBoth(): Promise<void> {
    try {
      await gp.close()
    } finally {
      await closeSandbox()
    }
  }
  let closing: Promise<void> | undefined
  let moving = Promise.resolve()
  const close = (): Promise<void> => (closing ??= closeBoth())
  return {
    gp,
    sandbox,
    async advance(ms) {
      if (typeof ms !== 'number' || !(ms >= 0 && ms <= MAX_ADVANCE)) throw notAnAdvance(ms)
      moving = moving.then(() => moveInSteps(clock, underWay, ms))
      await moving
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** The error of wrong options of the sandbox, as that of all other options. */
const sandboxError = ({ faults }: InvalidOptions): GuestpassError =>
  optionsError(
    'guestpassForTests',
    ...faults.map(({ path, message, known }) => ({
      field: ['sandbox', ...path].join('.'),
      message: known ? message : `is not valid: ${message}`,
      remedy: known ? unknownRemedy(String(path.at(-1)), known) : 'Correct it, or leave it out for its default.',
    })),
  )

function unknownRemedy(name: string, known: readonly string[]): string {
  const meant = closestName(name, known)
  return meant === undefined ? `Known are ${known.join(', ')}.` : `Did you mean ${meant}?`
}

function notAnAdvance(ms: unknown): GuestpassError {
  const message = `is ${String(ms)}, and not a number of milliseconds from 0 to ${MAX_ADVANCE}`
  const fields = [{ field: 'ms', message, remedy: 'Give 3_600_000 for an hour.' }]
  return new GuestpassError('invalid_input', `advance(): ms ${message}. Give 3_600_000 for an hour.`, { fields })
}
