import type { Secret } from '@guestpass/core'
import { abortable, untilAborted } from '@guestpass/core/runtime-kit'
import {
  type ConfigWith,
  type Contradiction,
  type Flags,
  type Need,
  readConfig,
  type RuntimeHost,
  secretsOf,
  settingEntries,
} from '@guestpass/runtime'
import { decodeStandardInput, standardInputError } from '../../input-text.ts'
import type { Cli } from './command.ts'
import type { HostProcess } from './host-process.ts'
import type { Output } from './output.ts'
import { createProgressBar, type ProgressBar } from './progress-bar.ts'
import type { Line } from './styled-line.ts'

/** Flags that every command has, and those that set a setting. */
export interface CommonFlags {
  readonly connection: string
  readonly json: boolean
  readonly reveal: boolean
  /** The token alone, in full. */
  readonly raw: boolean
  readonly settings: Flags
}

/** What one command is given, and what its runner must know when the command has ended. */
export interface CommandSession {
  readonly cli: Cli
  readonly hasAnswered: () => boolean
  /** The name of the connection. */
  readonly connection: string
  /** The values of the configuration that do not count, because another source has other ones. */
  readonly contradictions: readonly Contradiction[]
  /** Replaces known secrets in a text. */
  readonly redactSecrets: (text: string) => string
}

/** Standard output and standard error of a run. */
interface Outputs {
  readonly out: Output
  readonly err: Output
}

/** What the functions of a session share; the sets grow while the command runs. */
interface SessionParts extends Outputs {
  readonly hostProcess: HostProcess
  readonly flags: CommonFlags
  readonly secrets: Set<Secret>
  readonly shownWarnings: Set<string>
  /** Those of the configuration that was read last. */
  readonly contradictions: Contradiction[]
  readonly bars: Set<ProgressBar>
}

export function createCommandSession(hostProcess: HostProcess, flags: CommonFlags, outputs: Outputs): CommandSession {
  const parts: SessionParts = {
    ...outputs,
    hostProcess,
    flags,
    secrets: new Set(),
    shownWarnings: new Set(),
    contradictions: [],
    bars: new Set(),
  }
  const { signal } = hostProcess
  const runtimeHost = createRuntimeHost(parts)
  let hasAnswered = false
  const cli: Cli = {
    json: flags.json,
    runtimeHost,
    signal,
    hostProcess,
    note: (...lines) => note(parts, lines),
    config: (needs, warn) => loadConfig(parts, warn ?? runtimeHost.warn, needs ?? []),
    configOf: (connection, needs) => loadConfig(parts, runtimeHost.warn, needs ?? [], connection),
    connection: flags.connection,
    answer(document, lines) {
      hasAnswered = true
      printAnswer(parts, document, lines)
    },
    print: (line) => outputs.out.line(line),
    showToken: (secret) => (flags.reveal || flags.raw ? secret.reveal() : secret.mask()),
    progress: (title, total) => addProgressBar(parts, title, total),
    input: () => readStandardInput(hostProcess),
    untilStopped: () => untilAborted(signal),
  }
  return {
    cli,
    hasAnswered: () => hasAnswered,
    connection: flags.connection,
    contradictions: parts.contradictions,
    redactSecrets: (text) => redactSecrets(parts, text),
  }
}

/** A shorter value could occur in a text by chance. */
const SHORTEST_REDACTED = 6

function redactSecrets({ secrets }: Pick<SessionParts, 'secrets'>, text: string): string {
  return (
    Array.from(secrets, (secret) => secret.reveal())
      .filter((value) => value.length >= SHORTEST_REDACTED)
      // Plain, and as JSON escapes it.
      .flatMap((value) => [value, JSON.stringify(value).slice(1, -1)])
      .reduce((clean, value) => clean.replaceAll(value, '[secret]'), text)
  )
}

function note(parts: SessionParts, lines: readonly string[]): void {
  for (const bar of parts.bars) bar.makeRoom()
  parts.err.lines(lines.map((line) => redactSecrets(parts, line)))
}

const createRuntimeHost = (parts: SessionParts): RuntimeHost => ({
  env: parts.hostProcess.env,
  cwd: parts.hostProcess.cwd,
  signal: parts.hostProcess.signal,
  actor: 'cli',
  note: (line) => note(parts, [`guestpass: ${line}`]),
  warn: (line) => note(parts, [`guestpass: warning: ${line}`]),
})

/** The settings of the program among those of flags. */
const programSettings = (flags: Flags): Flags =>
  Object.fromEntries(
    settingEntries.flatMap(([key, { of }]) =>
      of === 'program' && flags[key] !== undefined ? [[key, flags[key]]] : [],
    ),
  )

async function loadConfig<const N extends Need>(
  {
    hostProcess: { env, cwd },
    flags: { settings, connection: own },
    secrets,
    shownWarnings,
    contradictions,
  }: SessionParts,
  warn: RuntimeHost['warn'],
  needs: readonly N[],
  connection: string = own,
): Promise<ConfigWith<N>> {
  const flags = connection === own ? settings : programSettings(settings)
  const warnOnce = (warning: string): void => {
    if (shownWarnings.has(warning)) return
    shownWarnings.add(warning)
    warn(warning)
  }
  const config = await readConfig({ env, cwd, flags, connection, needs, warn: warnOnce })
  for (const secret of secretsOf(config)) secrets.add(secret)
  contradictions.splice(0, contradictions.length, ...config.contradictions)
  config.warnings.forEach(warnOnce)
  return config
}

function printAnswer({ flags, out }: SessionParts, document: unknown, lines: () => readonly Line[]): void {
  if (flags.json) out.lines([JSON.stringify(document)])
  else out.lines(flags.raw ? lines().slice(0, 1) : lines())
}

async function addProgressBar({ hostProcess, bars }: SessionParts, title: string, total: number): Promise<ProgressBar> {
  const bar = await createProgressBar(hostProcess, title, total)
  bars.add(bar)
  const stop = (): void => {
    bars.delete(bar)
    bar.stop()
  }
  return { ...bar, stop }
}

async function readStandardInput({ input, signal }: HostProcess): Promise<string> {
  const bytes = await abortable(input, signal).catch((thrown: unknown) => {
    throw standardInputError(thrown)
  })
  return decodeStandardInput(bytes).trim()
}
