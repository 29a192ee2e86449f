import { type Claims, memoryStore } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
import { asGuestpassError, UNREACHABLE } from '@guestpass/core/store-kit'
import * as z from 'zod'
import {
  databaseFile,
  databasePlace,
  hasStore,
  openRuntime,
  type ReachableConfig,
  type Runtime,
  warnOnFailure,
} from '@guestpass/runtime'
import { counted } from '../counted.ts'
import { configurationFindings } from '../doctor/configuration.ts'
import { failure, type Finding, ok, withSettingsOf } from '../doctor/finding.ts'
import { storeFindings } from '../doctor/store.ts'
import { upstreamFindings } from '../doctor/upstream.ts'
import type { Cli } from './runner/command.ts'
import { defineCommand } from './runner/command.ts'
import type { Line, Style } from './runner/styled-line.ts'

export const doctorCommand = defineCommand({
  example: 'guestpass doctor',
  input: z.object({}),
  async run(_input, cli) {
    const config = await cli.config(['hosts', 'clientId'])
    const seen: Claims[] = []
    const found = await examined(config, cli, (claims) => seen.push(claims))
    const all = [...configurationFindings(config, seen), ...found]
    const findings = all.map((one) => withSettingsOf(config.connection, one))
    const problems = findings.filter(({ state }) => state === 'failed').length
    cli.answer({ healthy: problems === 0, findings }, () => [...findings.flatMap(linesOf), conclusion(findings)])
    return problems === 0 ? 0 : 1
  },
})

/** How many failures and warnings there are, as the last line. */
function conclusion(findings: readonly Finding[]): string {
  const count = (state: Finding['state'], noun: string): readonly string[] => {
    const { length } = findings.filter((one) => one.state === state)
    return length === 0 ? [] : [counted(length, noun)]
  }
  const [failures, warnings] = [count('failed', 'failure'), count('warning', 'warning')]
  if (failures.length + warnings.length === 0) return 'No problems found.'
  return `${[...(failures.length === 0 ? ['No failures'] : failures), ...warnings].join(', ')}.`
}

const styles = { ok: 'good', warning: 'warning', failed: 'bad' } as const satisfies Record<Finding['state'], Style>

const linesOf = ({ check, state, message, code, details = [], remedy }: Finding): readonly Line[] => [
  [{ text: state.padEnd(7), style: styles[state] }, `  ${check}: ${message}${code === undefined ? '' : ` [${code}]`}`],
  ...details.map((one) => `         ${one}`),
  ...(remedy === undefined ? [] : [`         ${remedy}`]),
]

/** Looks at the store, and asks the upstream also if the store cannot be opened. */
async function examined(
  config: ReachableConfig,
  cli: Cli,
  onVerified: (claims: Claims) => void,
): Promise<readonly Finding[]> {
  const { runtimeHost: host, signal } = cli
  // A refresh token of the configuration is spent once it is tried: its successor needs a store.
  if (!hasStore(config, host.cwd) && config.settings.refreshToken === undefined) {
    const place = databasePlace(config, host.cwd)
    const none = ok('store', `there is no store yet at ${place}; the first token or guest makes it`)
    return [...(await withoutStore(config, cli)), none]
  }
  let runtime: Runtime
  try {
    runtime = await openRuntime(config, host)
  } catch (thrown) {
    const remedy = config.settings.databaseUrl.kind === 'postgres' ? serverRemedy(thrown) : undefined
    // What the store says of its guests is not known.
    const upstream = (await withoutStore(config, cli)).filter(({ check }) => check !== 'guest tokens')
    return [failure('store', thrown, config.connection, remedy), ...upstream]
  }
  try {
    const path = databaseFile(config, host.cwd)
    const place = path ?? config.settings.databaseUrl.place
    const [upstream, store] = await Promise.all([
      upstreamFindings({ config, ports: runtime.ports, signal, ...(path === undefined ? {} : { path }), onVerified }),
      storeFindings(runtime, path, config.settings),
    ])
    return [...upstream, ok('store', `${place} can be opened and read`), ...store]
  } finally {
    await warnOnFailure(() => runtime.close(), host)
  }
}

/** The remedies by code are for a file of this machine. */
const serverRemedy = (thrown: unknown): string | undefined =>
  asGuestpassError(thrown).reason === UNREACHABLE
    ? undefined
    : 'Correct what the message names, in the address or on the server: docs/postgres.md has more.'

async function withoutStore(config: ReachableConfig, { runtimeHost: host, signal }: Cli): Promise<readonly Finding[]> {
  const { close, ...ports } = nodePorts({ proxy: host.env })
  // A refresh token of the configuration may be in the store already, spent.
  const { refreshToken: _, ...settings } = config.settings
  try {
    const store = memoryStore({ clock: ports.clock })
    return await upstreamFindings({ config: { ...config, settings }, ports: { ...ports, store }, signal })
  } finally {
    await close()
  }
}
