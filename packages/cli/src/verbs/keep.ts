import { keepAlive, keeper, type Meters } from '@guestpass/core'
import * as z from 'zod'
import { connect, withRuntime } from '@guestpass/runtime'
import { verb } from '../frame/verb.ts'

export const keep = verb({
  name: 'keep',
  summary: 'Keep live sessions renewed before they lapse, until Ctrl-C; several may run on one store',
  example: 'guestpass keep',
  input: z.object({}),
  async run(_input, cli) {
    const config = await cli.config(['hosts', 'clientId'])
    await withRuntime(
      config,
      cli.host,
      async (runtime) => {
        const { guests, grant, meters } = await connect(config, runtime)
        const renew = (row: string) => guests.keepRenewed(row, { actor: 'keeper' })
        const parts = { connection: config.connection, renew, meter: meters }
        const delivery = runtime.deliver(cli.signal)
        cli.note(`Keeping the sessions of connection ${config.connection}; Ctrl-C ends it.`)
        const enriching = guests.enrichment.run(cli.signal)
        const signedIn = keepAlive(grant, runtime.ports).run(cli.signal)
        await keeper(parts, runtime.ports, { perMinute: config.settings.rateLimit }).run(cli.signal)
        await Promise.all([delivery, enriching, signedIn])
        const document = summary(meters)
        cli.answer(document, () => [
          `Refreshed ${document.refreshed}, minted anew ${document.minted}, failed ${document.failed}; late by ${document.latenessMs.p50} ms (p50), ${document.latenessMs.p99} ms (p99).`,
        ])
      },
      { lasts: true },
    )
  },
})

const summary = (meters: Meters) => {
  const late = meters.timed('renewal_lateness')
  return {
    refreshed: meters.counted('guest_token_refreshed'),
    minted: meters.counted('guest_token_issued'),
    failed: meters.counted('guest_refresh_failed') + meters.counted('guest_token_failed'),
    latenessMs: { p50: Math.round(late.quantile(0.5)), p99: Math.round(late.quantile(0.99)) },
  }
}
