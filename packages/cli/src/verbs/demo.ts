import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Report, report } from '@guestpass/core'
import * as z from 'zod'
import { readConfig } from '../config/config.ts'
import { jobLines, type JobReport, succeeded } from '../demo/job-report.ts'
import { GUESTS, mintJob } from '../demo/mint-job.ts'
import { verb } from '../frame/verb.ts'
import { atWork, connect } from '../workplace.ts'

/** Above Genesys' 300, so that nobody waits for the demo; both sides know of it. */
const PER_MINUTE = 6_000

interface Outcome {
  readonly url: string
  readonly jobs: readonly JobReport[]
  readonly stored: Report
}

export const demo = verb({
  name: 'demo',
  summary: 'Run a sandbox and the jobs against it, live, then report; on a terminal it stays up until Ctrl-C',
  example: 'guestpass demo --once',
  options: [['--once', 'end when the report is printed, also on a terminal']],
  input: z.object({ once: z.literal(true).optional() }),
  async run({ once }, cli) {
    const { sandbox } = await import('@guestpass/sandbox')
    const upstream = await sandbox({ rateLimit: { perMinute: PER_MINUTE, burst: 10 } })
    const folder = await mkdtemp(join(tmpdir(), 'guestpass-demo-'))
    try {
      cli.note(`A local Genesys Cloud runs at ${upstream.url}; the store is in ${folder}.`)
      const env = {
        ...upstream.env,
        GUESTPASS_DATABASE_URL: join(folder, 'guestpass.db'),
        GENESYS_RATE_LIMIT: String(PER_MINUTE),
      }
      const config = await readConfig({ env, cwd: folder, needs: ['hosts', 'clientId'] })
      const outcome = await atWork(config, cli, async (place): Promise<Outcome> => {
        const connection = await connect(config, place, 'demo')
        const bar = cli.progress('minting guest tokens', GUESTS)
        const job = await mintJob(upstream, connection, () => bar.add()).finally(() => bar.stop())
        return { url: upstream.url, jobs: [job], stored: await report(place.store, config.connection) }
      })
      cli.answer(outcome, () => outcomeLines(outcome))
      const stays = cli.world.stdout.isTTY === true && !cli.json && !once
      if (stays) {
        cli.note('The sandbox stays up; Ctrl-C ends it.')
        await cli.stopped()
      }
      return outcome.jobs.every(succeeded) ? 0 : 1
    } finally {
      await upstream.close()
      await rm(folder, { recursive: true, force: true })
    }
  },
})

const outcomeLines = ({ jobs, stored }: Outcome): readonly string[] => [
  ...jobLines(jobs),
  '',
  `From the stored events: ${stored.guestTokens.succeeded} of ${stored.guestTokens.totalRequests} guest tokens issued (${stored.guestTokens.validityRatePercent} %), average ${stored.guestTokens.avgLatencyMs} ms.`,
  jobs.every(succeeded) ? 'Every job did what it should.' : 'A job did not do what it should; see the table.',
]
