import type { Outcome } from './torture.ts'

/** Whether all is as it must be. */
export const verdict = ({ lost, doubled, untrue, withoutToken, orphans }: Outcome): boolean =>
  lost.length + doubled.length + untrue.length + withoutToken.length + orphans === 0

const SHOWN = 10
/** From such a life on, tokens are renewed early enough for another to step in where a keeper was killed. */
const LONG_MS = 30_000

export function summary(outcome: Outcome): readonly string[] {
  const { kills, killsAt, failures, lost, doubled, untrue, withoutToken, lapses } = outcome
  const rows: readonly (readonly [string, number | string])[] = [
    ['kills', kills],
    ...Object.entries(killsAt).map(([point, count]) => [`  ${point}`, count] as const),
    ['keepers that stood still beyond their lease', outcome.stops],
    ['refreshes that took effect upstream', outcome.effects],
    ['refreshes completed in the store', outcome.completed],
    ['refreshes still open under their key', outcome.open],
    ['refreshes whose token came after its end', outcome.late],
    ['tokens acknowledged', outcome.acknowledged],
    ['acknowledged tokens lost', lost.length],
    ['guests with a refresh that took effect twice', doubled.length],
    ['generations and events that disagree', untrue.length],
    ['guests without a valid token at the end', withoutToken.length],
    ['sessions that lapsed meanwhile', lapses.length],
    [`  of those with ${LONG_MS / 1_000} s to live or more`, lapses.filter(({ lifeMs }) => lifeMs >= LONG_MS).length],
    ['  the longest, in seconds', (Math.max(0, ...lapses.map(({ gapMs }) => gapMs)) / 1_000).toFixed(1)],
    ['processes left over', outcome.orphans],
    ...Object.entries(failures).map(([code, count]) => [`workers that ended with ${code}`, count] as const),
    ['seconds', outcome.seconds.toFixed(0)],
  ]
  const wrong = [...lost, ...doubled, ...untrue, ...withoutToken]
  return [
    ...rows.map(([name, value]) => `${name.padEnd(48)} ${String(value).padStart(8)}`),
    ...wrong.slice(0, SHOWN),
    ...(wrong.length > SHOWN ? [`… and ${wrong.length - SHOWN} more`] : []),
    bound(outcome),
  ]
}

/** Rule of three: after n trials without an event, its rate is below 3/n with 95 % confidence. */
const bound = ({ kills, lost, doubled }: Outcome): string =>
  lost.length + doubled.length > 0
    ? 'FAILED: see above'
    : `at most ${(300 / Math.max(1, kills)).toPrecision(2)} % of kills lose a token or double a refresh (95 % confidence)`
