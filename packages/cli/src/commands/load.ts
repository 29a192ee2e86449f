import * as z from 'zod'
import { whole } from '@guestpass/runtime'
import { tableLines } from '../lists/table.ts'
import type { LoadPhase } from '../load/run-load.ts'
import { defineCommand } from './runner/command.ts'
import type { Line } from './runner/styled-line.ts'

export const loadCommand = defineCommand({
  example: 'guestpass load --guests 500 --rate 20',
  options: [
    ['--guests <n>', 'guests to issue, and to refresh once each, from 1 to 100000 (default: 100)'],
    ['--rate <n>', 'calls that are started a second, from 1 to 10000 (default: 10)'],
    ['--yes', 'put the load on the public platform, too'],
  ],
  settings: ['rateLimit'],
  input: z.object({
    guests: whole(1, 100_000).optional(),
    rate: whole(1, 10_000).optional(),
    yes: z.literal(true).optional(),
  }),
  async run({ guests = 100, rate = 10, yes = false }, cli) {
    // Loaded here, so that the help of other commands does not wait for it.
    const { runLoad } = await import('../load/run-load.ts')
    const config = await cli.config(['hosts', 'clientId'])
    const phases = await runLoad({ guests, rate, yes }, config, cli)
    cli.answer({ connection: config.connection, api: config.hosts.api, guests, phases }, () => [
      ...phaseTable(phases),
      '',
      ...phases.map(({ call, limitedBy }) => `${call}: limited by ${limitedBy.text}.`),
      ...phases.flatMap(failureLines),
      'The store of this run is removed. Its guest tokens end by themselves within an hour.',
    ])
    return phases.some(({ done }) => done === 0) ? 1 : 0
  },
})

const phaseTable = (phases: readonly LoadPhase[]): readonly Line[] =>
  tableLines<LoadPhase>(
    [
      { title: 'call', cell: ({ call }) => call },
      { title: 'asked/s', align: 'right', cell: ({ ratePerSecond }) => String(ratePerSecond) },
      { title: 'done/s', align: 'right', cell: ({ achievedPerSecond }) => String(achievedPerSecond) },
      { title: 'done', align: 'right', cell: ({ done }) => String(done) },
      { title: 'failed', align: 'right', cell: ({ asked, done }) => String(asked - done) },
      { title: 'p50 ms', align: 'right', cell: ({ p50Ms }) => String(p50Ms) },
      { title: 'p99 ms', align: 'right', cell: ({ p99Ms }) => String(p99Ms) },
      { title: 'upstream p50', align: 'right', cell: ({ upstream }) => String(upstream.p50Ms) },
      { title: 'upstream p99', align: 'right', cell: ({ upstream }) => String(upstream.p99Ms) },
      { title: 'requests', align: 'right', cell: ({ upstream }) => String(upstream.requests) },
      { title: '429s', align: 'right', cell: ({ upstream }) => String(upstream.rateLimited) },
      { title: 'busy %', align: 'right', cell: ({ busyPercent }) => String(busyPercent) },
    ],
    phases,
  )

const failureLines = ({ call, failures }: LoadPhase): readonly string[] =>
  Object.entries(failures).map(([code, count]) => `${call}: ${count} failed with ${code}.`)
