/** The tables of P7, the same for every store. */
import { type Instant, SECOND } from '@guestpass/core/store-kit'
import { quantile } from './drive.ts'
import { grouped } from './grouped.ts'
import { TIME_TO_RENEW } from './live-sessions.ts'
import type { Kept } from './session-keeper.ts'
import type { Line, Sheet } from './sheet.ts'
import { atLeast, atMost, type Target } from './targets.ts'

export const PER_SECOND = 500
const MEBIBYTE = 2 ** 20

/** One run of a keeper. */
export interface Run {
  readonly kept: Kept
  readonly readyMs: number
  readonly idleRss: number
  readonly readyAt: Instant
}

const rate = ({ renewed }: Pick<Kept, 'renewed'>): number => {
  const times = renewed.map(({ at }) => at).sort((a, b) => a - b)
  return Math.round(((times.length - 1) / ((times.at(-1) as number) - (times[0] as number))) * SECOND)
}

const mebibytes = (bytes: number): number => Math.round(bytes / MEBIBYTE)
const seconds = (ms: number): number => Number((ms / SECOND).toFixed(2))

/** What was measured with so many sessions. */
export interface Size {
  readonly sessions: number
  readonly ours: Run
  readonly theirs: { readonly readyMs: number; readonly rss: number }
}

/** `place`: the store, as "embedded store". */
export function sizesSheet(sizes: readonly Size[], place: string): Sheet {
  const title = `P7 live sessions, ${place}, one process`
  const line = (ours: boolean, values: Line['values']): Line => ({
    name: ours ? 'Guestpass' : 'timers in the process',
    does: ours ? `\`keeper(…).run(…)\`, ${place}` : 'one `setTimeout` a session, tokens in memory',
    ours,
    values,
  })
  const lines = sizes.flatMap(({ sessions, ours, theirs }) => [
    line(true, [
      sessions,
      mebibytes(ours.idleRss),
      mebibytes(ours.kept.peakRss),
      seconds(ours.readyMs),
      rate(ours.kept),
    ]),
    line(false, [sessions, mebibytes(theirs.rss), '–', seconds(theirs.readyMs), '–']),
  ])
  const [least, middle, most] = sizes as [Size, Size, Size]
  const shown = ({ values: [, ready = '', , readyTime = '', renewals = ''] }: Line): string =>
    [ready, readyTime, renewals].map((value) => (typeof value === 'number' ? grouped(value) : value)).join(', ')
  const [ourLast, theirLast] = lines.slice(-2) as [Line, Line]
  const growth = (from: number, to: number): number => Number((to / from).toFixed(2))
  return {
    title,
    headings: ['sessions', 'MiB when ready', 'MiB at most', 'seconds to ready', 'renewals/s, all due at once'],
    lines,
    targets: [
      atMost(
        `${title}: times the memory when ready with ${grouped(most.sessions)} as with ${grouped(least.sessions)}`,
        growth(least.ours.idleRss, most.ours.idleRss),
        1.1,
      ),
      atMost(
        `${title}: times the memory at most with ${grouped(most.sessions)} as with ${grouped(middle.sessions)}`,
        growth(middle.ours.kept.peakRss, most.ours.kept.peakRss),
        1.1,
      ),
      atMost(`${title}: seconds to ready with ${grouped(most.sessions)}`, seconds(most.ours.readyMs), 2),
      atLeast(`${title}: renewals/s with ${grouped(most.sessions)}, all due at once`, rate(most.ours.kept), PER_SECOND),
    ],
    summary: [
      {
        measure: `P7 ${grouped(most.sessions)} live sessions, ${place}: MiB when ready, seconds to ready, renewals/s`,
        ours: shown(ourLast),
        best: `${shown(theirLast)} (a timer a session)`,
      },
    ],
  }
}

export function sustainedSheet(
  { sessions, forSeconds, place }: { readonly sessions: number; readonly forSeconds: number; readonly place: string },
  { kept: { renewed, cpuMs, peakRss }, readyAt }: Run,
): Sheet {
  const firstDue = Math.min(...renewed.map(({ dueAt }) => dueAt))
  if (readyAt > firstDue)
    throw new Error('sessions fell due before the keeper was ready: the machine is too slow for START_IN')
  const title = `P7 ${grouped(sessions)} live sessions, ${place}, ${PER_SECOND} falling due per second for ${forSeconds} s`
  const delays = renewed.map(({ at, dueAt }) => at - dueAt)
  const lastDue = Math.max(...renewed.map(({ dueAt }) => dueAt))
  const done = renewed.filter(({ at }) => at <= lastDue + SECOND).length
  const share = Number((done / renewed.length).toFixed(3))
  const late = delays.filter((delay) => delay > TIME_TO_RENEW).length
  const targets: Target[] = [
    atMost(`${title}: renewals late`, late, 0),
    atLeast(`${title}: share renewed one second after the last fell due`, share, 1),
  ]
  return {
    title,
    headings: [
      'renewals',
      'renewals/s',
      'due to stored: p50 s',
      'p99 s',
      'most s',
      'late',
      'CPU ms each',
      'MiB at most',
    ],
    lines: [
      {
        name: 'Guestpass',
        does: `\`keeper(…).run(…)\`, ${place}`,
        ours: true,
        values: [
          renewed.length,
          rate({ renewed }),
          seconds(quantile(delays, 0.5)),
          seconds(quantile(delays, 0.99)),
          seconds(quantile(delays, 1)),
          late,
          Number((cpuMs / renewed.length).toFixed(2)),
          mebibytes(peakRss),
        ],
      },
    ],
    targets,
  }
}
