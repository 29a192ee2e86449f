/**
 * P5: 3,000 guests asked for at once, of an upstream that allows 300 per interval: how many are lost, how many 429s are met,
 * how long it takes beside the least time in which the upstream would let it happen.
 */
import { sandbox } from '@guestpass/sandbox'
import { child } from './child.ts'
import type { Job, Outcome } from './guest-rush.ts'
import { isQuick, measure } from './measure.ts'
import type { Line, Sheet } from './sheet.ts'
import { atMost } from './targets.ts'

/** The interval, a minute at Genesys Cloud, is this many times shorter. Retry-After keeps its whole seconds. */
const SCALE = 20
const PER_INTERVAL = 300
const GUESTS = isQuick ? 900 : 3_000

const PER_MINUTE = PER_INTERVAL * SCALE
const LEAST_MS = ((GUESTS - PER_INTERVAL) / PER_MINUTE) * 60_000

const rushes: Readonly<Record<Job['rush'], string>> = {
  Guestpass: '`connection.guests.issue(…)`, limit of 270 at once, embedded store, tokens verified',
  'axios-retry': '`axiosRetry(axios, { retries: 3, retryDelay: exponentialDelay })`, 429 and POST allowed',
  'axios, 5 tries': 'a loop around `axios.post`: on 429 wait for Retry-After, at most 5 tries',
  'axios, no end': 'the same loop without an end',
  'undici RetryAgent': '`new RetryAgent(new Agent(), { methods: ["POST"] })`, else as it comes',
  bottleneck: '`new Bottleneck({ reservoir: 300, reservoirRefreshInterval: 3000, minTime: 10, … })`, one retry',
  'p-throttle': '`pThrottle({ limit: 300, interval: 3000 })`, no retry',
  'rate-limiter-flexible': '`RateLimiterQueue` over `RateLimiterMemory({ points: 300, duration: 3 })`, no retry',
}

interface Rush {
  readonly line: Line
  readonly lost: number
  readonly refusedShare: number
  readonly timesLeast: number
}

/** One contender in a process of its own, against an upstream of its own. */
async function rushed(rush: Job['rush'], does: string): Promise<Rush> {
  const upstream = await sandbox({
    rateLimit: { perMinute: PER_MINUTE, burst: PER_INTERVAL },
    accessTokenSeconds: 86_400,
    journalSize: 1_000_000,
  })
  const { GENESYS_CLIENT_ID: id = '', GENESYS_CLIENT_SECRET: secret = '' } = upstream.env
  const job: Job = { rush, url: upstream.url, id, secret, guests: GUESTS, perMinute: PER_MINUTE, burst: PER_INTERVAL }
  const process = child('guest-rush.ts')
  process.tell(job)
  const { lost, tookMs } = await process.next<Outcome>()
  await process.end()
  const answers = upstream.journal().filter(({ operation }) => operation === 'mint')
  await upstream.close()
  const refused = answers.filter(({ status }) => status === 429).length
  const refusedShare = refused / answers.length
  const timesLeast = Number((tookMs / LEAST_MS).toFixed(3))
  return {
    lost,
    refusedShare,
    timesLeast,
    line: {
      name: rush,
      does,
      ours: rush === 'Guestpass',
      values: [
        GUESTS - lost,
        lost,
        refused,
        `${(refusedShare * 100).toFixed(2)} %`,
        Number((tookMs / 1_000).toFixed(1)),
        lost === 0 ? `${timesLeast} x` : '–',
      ],
    },
  }
}

/** What was lost, the 429s, and the time where nothing was lost. */
const outcome = ({ lost, line: { values }, timesLeast }: Rush): string =>
  [lost, Number(values[2])].map((count) => count.toLocaleString('en')).join(', ') +
  (lost === 0 ? `, ${timesLeast} x` : '')

await measure(async () => {
  const found: Rush[] = []
  for (const [rush, does] of Object.entries(rushes)) found.push(await rushed(rush as Job['rush'], does))
  const title = `P5 ${GUESTS.toLocaleString('en')} guests at once, ${PER_INTERVAL} allowed per ${60 / SCALE} s`
  const ours = found.find(({ line }) => line.ours) as Rush
  const sheet: Sheet = {
    title,
    headings: ['served', 'lost', '429s', 'of all answers', 'seconds', `of the least (${LEAST_MS / 1_000} s)`],
    lines: found.map(({ line }) => line),
    targets: [
      atMost(`${title}: lost`, ours.lost, 0),
      atMost(`${title}: share of 429s`, ours.refusedShare, 0.001),
      atMost(`${title}: times the least time`, ours.timesLeast, 1.05),
    ],
    summary: [
      {
        measure: `${title}: lost, 429s, of the least time`,
        ours: outcome(ours),
        best: found
          .filter((one) => one !== ours)
          .toSorted((a, b) => a.lost - b.lost || a.refusedShare - b.refusedShare || a.timesLeast - b.timesLeast)
          .map((one) => `${outcome(one)} (${one.line.name})`)
          .slice(0, 2)
          .join('; '),
      },
    ],
  }
  return [sheet]
})
