import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { type Connection, GuestpassError, guestScopes } from '@guestpass/core'
import {
  connect,
  databaseFile,
  type ReachableConfig,
  type Runtime,
  settingName,
  warnOnFailure,
  withRuntime,
} from '@guestpass/runtime'
import { callContext } from '../call-context.ts'
import type { Cli } from '../commands/runner/command.ts'
import { type LimitingFactor, limitingFactor } from './limiting-factor.ts'
import { type PhaseFigures, runPhase } from './load-phase.ts'
import { createMeasuredHttp, type MeasuredHttp, type UpstreamFigures } from './measured-http.ts'

export interface LoadOptions {
  readonly guests: number
  /** Calls a second. */
  readonly rate: number
  /** Whether a load on the public platform is confirmed. */
  readonly yes: boolean
}

/** One kind of call under load. */
export interface LoadPhase extends PhaseFigures {
  readonly call: 'issue' | 'refresh'
  readonly ratePerSecond: number
  readonly upstream: UpstreamFigures
  readonly busyPercent: number
  readonly limitedBy: LimitingFactor
}

/** The lifetime of the guest tokens, in seconds. They end by themselves: the upstream has no call that ends them. */
const LIFETIME_SECONDS = 3_600
const PATIENCE_SECONDS = 60

/**
 * Issues guests at a fixed rate, then refreshes each of them once, in a store of its own that is removed
 * afterwards. Rejects with `config_invalid` for a connection that cannot get access tokens of its own, and with
 * `invalid_input` for the public platform without confirmation.
 */
export async function runLoad(options: LoadOptions, config: ReachableConfig, cli: Cli): Promise<readonly LoadPhase[]> {
  refuse(options, config)
  const { cwd } = cli.hostProcess
  const file = databaseFile(config, cwd)
  const beside = file === undefined ? cwd : dirname(file)
  // On the disk of the store, because its speed is a part of the result.
  const folder = await mkdtemp(join(existsSync(beside) ? beside : cwd, 'guestpass-load-'))
  try {
    const own = separateConfig(config, join(folder, 'load.db'))
    const host = { ...cli.runtimeHost, note: () => {} }
    return await withRuntime(own, host, (runtime) => phasesOn(runtime, own, options, cli), { staysUp: true })
  } finally {
    await warnOnFailure(() => rm(folder, { recursive: true, force: true }), cli.runtimeHost)
  }
}

function refuse({ yes }: LoadOptions, { connection, hosts, settings }: ReachableConfig): void {
  if (hosts.platformApi && !yes) {
    const message = `${hosts.api} is the public platform, which others use too`
    throw new GuestpassError('invalid_input', `The load was not started: ${message}.`, {
      fields: [
        { field: '--yes', message: 'is not given', remedy: 'Agree on the load with its owner, then give --yes.' },
      ],
    })
  }
  if (settings.clientSecret !== undefined || settings.privateKey !== undefined) return
  const field = settingName('clientSecret', connection)
  const message = `${field} is not set, and a load gets its access tokens by client credentials`
  throw new GuestpassError('config_invalid', `${message}.`, {
    fields: [{ field, message, remedy: 'Set it to the secret of an OAuth client for tests.' }],
  })
}

/** The configuration with a database of its own, and without everything that sends or writes elsewhere. */
function separateConfig({ settings, ...config }: ReachableConfig, path: string): ReachableConfig {
  const {
    idpWebhookUrl: _idp,
    idmWebhookUrl: _idm,
    analyticsWebhookUrl: _analytics,
    auditFile: _audit,
    // A refresh token that rotates would be spent in a store that is removed.
    refreshToken: _refresh,
    ...kept
  } = settings
  return { ...config, settings: { ...kept, databaseUrl: { kind: 'file', path, place: path } } }
}

async function phasesOn(
  runtime: Runtime,
  config: ReachableConfig,
  { guests, rate }: LoadOptions,
  cli: Cli,
): Promise<readonly LoadPhase[]> {
  const { clock, random } = runtime.ports
  const measured = createMeasuredHttp(runtime.ports.http, clock)
  const { add, ports } = runtime
  const connection = await connect(config, { add, ports: { ...ports, http: measured.http } })
  const context = callContext(cli, { patienceSeconds: PATIENCE_SECONDS }, 'load')
  const issue = (guestId: string): Promise<unknown> =>
    connection.guests.issue({ guestId, duration: LIFETIME_SECONDS, scopes: guestScopes }, context)
  const ids = Array.from({ length: guests }, () => random.uuid())
  // Access token, keys and connections are there before anything is measured; a mistake fails here.
  await issue(random.uuid())
  const parts: PhaseRun = { connection, measured, rate, perMinute: config.settings.rateLimit, ids, clock, cli }
  const issued = await phase('issue', issue, parts)
  const refreshed = await phase('refresh', (id) => connection.guests.refresh(id, context), parts)
  return [issued, refreshed]
}

interface PhaseRun {
  readonly connection: Connection
  readonly measured: MeasuredHttp
  readonly rate: number
  readonly perMinute: number
  readonly ids: readonly string[]
  readonly clock: Runtime['ports']['clock']
  readonly cli: Cli
}

async function phase(
  call: LoadPhase['call'],
  work: (id: string) => Promise<unknown>,
  { measured, rate, perMinute, ids, clock, cli }: PhaseRun,
): Promise<LoadPhase> {
  const bar = await cli.progress(call, ids.length)
  measured.reset()
  const before = performance.eventLoopUtilization()
  const onCall = ({ achievedPerSecond, p50Ms, p99Ms }: PhaseFigures): void => {
    const rateLimited = measured.figures().rateLimited
    bar.show(`${achievedPerSecond}/s p50 ${Math.round(p50Ms)} p99 ${Math.round(p99Ms)} ms, 429s ${rateLimited}`)
    bar.add()
  }
  try {
    const figures = await runPhase(ids, work, { clock, signal: cli.signal, rate, onCall })
    const upstream = measured.figures()
    const { utilization: busy } = performance.eventLoopUtilization(before)
    const limitedBy = limitingFactor({ rate, phase: figures, upstream, perMinute, busy })
    return { call, ratePerSecond: rate, ...figures, upstream, busyPercent: Math.round(busy * 100), limitedBy }
  } finally {
    bar.stop()
  }
}
