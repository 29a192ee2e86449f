import { type Report, report as reportOf } from '@guestpass/core'
import type { JobReport, SignInReport } from '@guestpass/core/runtime-kit'
import * as z from 'zod'
import { withExistingStore, SINCE_FORMATS, sinceOption } from '@guestpass/runtime'
import { defineCommand } from './runner/command.ts'

export const reportCommand = defineCommand({
  example: 'guestpass report --since 24h',
  options: [['--since <time>', `only events since then: ${SINCE_FORMATS}`]],
  input: z.object({ since: sinceOption.optional() }),
  async run({ since: from }, cli) {
    const config = await cli.config()
    await withExistingStore(config, cli.runtimeHost, async ({ store, ports }) => {
      const document = await reportOf(store, config.connection, { since: from?.(ports.clock.wall()) })
      cli.answer(document, () => [
        `Connection ${document.connection}`,
        allLine(document),
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

const allLine = (all: Report): string =>
  `  all requests     ${all.totalRequests}, ${all.validityRatePercent} % valid, average ${all.avgLatencyMs} ms, together ${all.totalLatencyMs} ms; refreshes: ${all.successfulRefreshes} done, ${all.failedRefreshes} failed`

const signInLine = ({ completed, failed, inDoubt, lastResorts, ended, signedOut }: SignInReport): string =>
  `  sign-ins         ${completed} completed, ${failed} failed, ${signedOut} signed out; refreshes: ${inDoubt} in doubt, ${lastResorts} tried once more, ${ended} ended by upstream`

const jobLine = (name: string, job: JobReport): string =>
  `  ${name.padEnd(15)}  ${job.succeeded} of ${job.totalRequests} (${job.validityRatePercent} %), average ${job.avgLatencyMs} ms, p50 ${job.p50LatencyMs} ms, p99 ${job.p99LatencyMs} ms`
