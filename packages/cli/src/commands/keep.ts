import type { Meters } from '@guestpass/core/runtime-kit'
import * as z from 'zod'
import { connect, startWorkers, type WorkerHealth, type WorkerName, withRuntime } from '@guestpass/runtime'
import { defineCommand } from './runner/command.ts'

export const keepCommand = defineCommand({
  example: 'guestpass keep',
  input: z.object({}),
  async run(_input, cli) {
    const config = await cli.config(['hosts', 'clientId'])
    await withRuntime(
      config,
      cli.runtimeHost,
      async (runtime) => {
        const connection = await connect(config, runtime)
        const kept = { connection, perMinute: config.settings.rateLimit }
        const workers = startWorkers(runtime, [kept], cli.signal)
        cli.note(`Keeping the sessions of connection ${config.connection}; Ctrl-C ends it.`)
        await workers.stopped
        await runtime.drain()
        const document = summary(connection.meters, await workers.health())
        const { refreshed, minted, failed, latenessMs, sessionsDue, deliveriesWaiting } = document
        cli.answer(document, () => [
          `Refreshed ${refreshed}, minted anew ${minted}, failed ${failed}; late by ${latenessMs.p50} ms (p50), ${latenessMs.p99} ms (p99).`,
          `Left in the store: ${sessionsDue} sessions that are due, ${deliveriesWaiting} deliveries that wait.`,
        ])
      },
      { staysUp: true },
    )
  },
})

const summary = (meters: Meters, health: readonly WorkerHealth[]) => {
  const late = meters.timed('renewal_lateness')
  return {
    refreshed: meters.counted('guest_token_refreshed'),
    minted: meters.counted('guest_token_issued'),
    failed: meters.counted('guest_refresh_failed') + meters.counted('guest_token_failed'),
    latenessMs: { p50: Math.round(late.quantile(0.5)), p99: Math.round(late.quantile(0.99)) },
    sessionsDue: backlogOf(health, 'renewal'),
    deliveriesWaiting: backlogOf(health, 'webhooks', 'audit-file'),
  }
}

const backlogOf = (health: readonly WorkerHealth[], ...names: readonly WorkerName[]): number =>
  health.filter(({ name }) => names.includes(name)).reduce((sum, { backlog = 0 }) => sum + backlog, 0)
