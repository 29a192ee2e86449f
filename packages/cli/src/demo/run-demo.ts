import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Connection, type Report, report } from '@guestpass/core'
import type { Sandbox } from '@guestpass/sandbox'
import {
  warnOnFailure,
  connect,
  readConfig,
  type Runtime,
  type RunningWorkers,
  withRuntime,
  withWorkers,
} from '@guestpass/runtime'
import { authenticateJob } from './authenticate-job.ts'
import { identityJob } from './identity-job.ts'
import { jobLines, type JobReport, succeeded } from './job-report.ts'
import { mintJob } from './mint-job.ts'
import { oauthJob } from './oauth-job.ts'
import { renewJob } from './renew-job.ts'
import type { DemoEnvironment } from './demo-environment.ts'
import { startKeepProcess } from './keep-process.ts'
import type { Cli } from '../commands/runner/command.ts'

/**
 * Requests a minute. Above the 300 of Genesys Cloud, so that the demo is short. Both sides have this limit.
 */
const PER_MINUTE = 6_000
const GUESTS = 50
/** Short, so that renewals become due during the demo. They are due in the last third. */
const LIFE_SECONDS = 24
/** As many guests as the upstream takes in two seconds, all at once. */
const BURST = 200
const APPLICANTS = 30
const ROUNDS = 20
const CUSTOMERS = 20

interface Outcome {
  readonly url: string
  readonly jobs: readonly JobReport[]
  readonly stored: Report
}

/** Runs the jobs against a sandbox of their own. The exit code is 0 if each did what it should. */
export async function runDemo({ once }: { readonly once?: true | undefined }, cli: Cli): Promise<number> {
  const { sandbox } = await import('@guestpass/sandbox')
  const upstream = await sandbox({
    rateLimit: { perMinute: PER_MINUTE, burst: 20 },
    autoConsent: true,
    refreshProfile: 'grace',
  })
  const folder = await mkdtemp(join(tmpdir(), 'guestpass-demo-'))
  try {
    cli.note(
      `A local Genesys Cloud runs at ${upstream.url}; the store is in ${folder}. This takes about half a minute.`,
    )
    const outcome = await runOnSandbox(upstream, folder, cli)
    cli.answer(outcome, () => outcomeLines(outcome))
    if (cli.hostProcess.stdout.isTTY === true && !cli.json && !once) {
      cli.note('The sandbox stays up; Ctrl-C ends it.')
      await cli.untilStopped()
    }
    return outcome.jobs.every(succeeded) ? 0 : 1
  } finally {
    await warnOnFailure(() => upstream.close(), cli.runtimeHost)
    await warnOnFailure(() => rm(folder, { recursive: true, force: true }), cli.runtimeHost)
  }
}

/** Runs the jobs on a store in the folder. */
async function runOnSandbox(upstream: Sandbox, folder: string, cli: Cli): Promise<Outcome> {
  const limits = { GUESTPASS_DATABASE_URL: join(folder, 'guestpass.db'), GENESYS_RATE_LIMIT: String(PER_MINUTE) }
  const env = { ...upstream.env, ...limits }
  const config = await readConfig({ env, cwd: folder, needs: ['hosts', 'clientId'] })
  /** Sessions are renewed by processes of their own, which a job kills. */
  const runWithWorkers = (runtime: Runtime): Promise<Outcome> => {
    const run = async (workers: RunningWorkers): Promise<Outcome> => {
      const connected = async (of: typeof config): Promise<Connection> => {
        const connection = await connect(of, runtime)
        workers.add({ connection })
        return connection
      }
      return runJobs({
        upstream,
        connection: await connected(config),
        connect: (name, scopes) => {
          const settings = { ...config.settings, refreshProfile: 'grace' as const, ...(scopes ? { scopes } : {}) }
          return connected({ ...config, connection: name, settings })
        },
        store: runtime.store,
        clock: runtime.ports.clock,
        note: cli.note,
        progress: cli.progress,
        worker: () => startKeepProcess(cli.hostProcess.program, env, folder),
        signal: cli.signal,
      })
    }
    return withWorkers(runtime, [], run, { without: ['renewal', 'sign-in'] })
  }
  return withRuntime(config, cli.runtimeHost, runWithWorkers, { staysUp: true })
}

/** Runs the jobs, one after the other. */
async function runJobs(environment: DemoEnvironment): Promise<Outcome> {
  const ids = (count: number): readonly string[] => Array.from({ length: count }, () => randomUUID())
  const live = ids(GUESTS)
  const mint = await mintJob(environment, { job: 'mint guest tokens', ids: live, duration: LIFE_SECONDS })
  const burst = await mintJob(environment, { job: 'a burst over the limit', ids: ids(BURST), duration: 86_400 })
  const renew = await renewJob(environment, live)
  const authenticate = await authenticateJob(environment, APPLICANTS)
  const oauth = await oauthJob(environment, ROUNDS)
  const identity = await identityJob(environment, CUSTOMERS)
  const stored = await report(environment.store, environment.connection.name)
  return {
    url: environment.upstream.url,
    jobs: [renew, mint.report, burst.report, authenticate, oauth, identity],
    stored,
  }
}

const outcomeLines = ({ jobs, stored }: Outcome): readonly string[] => [
  ...jobLines(jobs),
  '',
  `Stored events: ${stored.totalRequests} requests, ${stored.validityRatePercent} % valid, average ${stored.avgLatencyMs} ms; ${stored.successfulRefreshes} refreshes, ${stored.failedRefreshes} tries that failed.`,
  jobs.every(succeeded) ? 'Every job did what it should.' : 'A job did not do what it should; see the table.',
]
