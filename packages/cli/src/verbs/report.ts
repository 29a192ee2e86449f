import { type JobReport, report as reportOf, type SignInReport } from '@guestpass/core'
import * as z from 'zod'
import { verb } from '../frame/verb.ts'
import { atWork } from '../workplace.ts'

export const report = verb({
  name: 'report',
  summary: 'Report what a connection did, from its stored events',
  example: 'guestpass report --json',
  input: z.object({}),
  async run(_input, cli) {
    const config = await cli.config()
    await atWork(config, cli, async ({ store }) => {
      const document = await reportOf(store, config.connection)
      cli.answer(document, () => [
        `Connection ${document.connection}`,
        jobLine('access tokens', document.accessTokens),
        jobLine('guest tokens', document.guestTokens),
        jobLine('refreshes', document.refreshes),
        jobLine('authentications', document.authentications),
        `  revoked guests   ${document.revoked}`,
        signInLine(document.signIns),
      ])
    })
  },
})

const signInLine = ({ completed, failed, inDoubt, lastResorts, ended, signedOut }: SignInReport): string =>
  `  sign-ins         ${completed} completed, ${failed} failed, ${signedOut} signed out; refreshes: ${inDoubt} in doubt, ${lastResorts} tried once more, ${ended} ended by upstream`

const jobLine = (name: string, job: JobReport): string =>
  `  ${name.padEnd(15)}  ${job.succeeded} of ${job.totalRequests} (${job.validityRatePercent} %), average ${job.avgLatencyMs} ms, p50 ${job.p50LatencyMs} ms, p99 ${job.p99LatencyMs} ms`
