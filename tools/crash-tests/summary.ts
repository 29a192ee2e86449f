import type { CrashTestResult } from './crash-test.ts'

/** Whether the run has found no violation. */
export const verdict = ({
  lostTokens,
  doubledRefreshes,
  inconsistencies,
  withoutToken,
  orphans,
  creates,
}: CrashTestResult): boolean =>
  lostTokens.length +
    doubledRefreshes.length +
    inconsistencies.length +
    withoutToken.length +
    orphans +
    wrongCreates(creates).length ===
  0

const wrongCreates = ({ doubled, undeclared, silent, lost }: CrashTestResult['creates']): readonly string[] => [
  ...doubled,
  ...undeclared,
  ...silent,
  ...lost,
]

const SHOWN = 10
/**
 * Tokens that live this long, in milliseconds, are due early enough for another keeper to renew them after a
 * kill.
 */
const LONG_MS = 30_000

export function summary(result: CrashTestResult): readonly string[] {
  const { counts, killsAt, failures, creates, lostTokens, doubledRefreshes, inconsistencies, withoutToken, lapses } =
    result
  const rows: readonly (readonly [string, number | string])[] = [
    ['events', eventsOf(result)],
    ...Object.entries(counts).filter(([, count]) => count > 0),
    ...Object.entries(killsAt).map(([point, count]) => [`  ${point}`, count] as const),
    ['refreshes that took effect upstream', result.effects],
    ['refreshes completed in the store', result.completed],
    ['refreshes still open under their key', result.open],
    ['refreshes whose token came after its end', result.late],
    ['tokens acknowledged', result.acknowledged],
    ['acknowledged tokens lost', lostTokens.length],
    ['guests with a refresh that took effect twice', doubledRefreshes.length],
    ['guests that upstream made', creates.made],
    ['guests given to workers', result.guestsGiven],
    ['creates recorded as in doubt', creates.inDoubt],
    ['guests recorded as orphaned', creates.orphaned],
    ['persons with a guest too many', creates.doubled.length],
    ['creates that were not written down', creates.undeclared.length],
    ['guests made and lost silently', creates.silent.length],
    ['guests given and lost', creates.lost.length],
    ['generations and events that disagree', inconsistencies.length],
    ['guests without a valid token at the end', withoutToken.length],
    // Times that a wrong clock has recorded cannot be compared.
    ...(counts.clock > 0 ? [] : lapseRows(lapses)),
    ['processes left over', result.orphans],
    ...Object.entries(failures).map(([code, count]) => [`workers that ended with ${code}`, count] as const),
    ['seconds', result.seconds.toFixed(0)],
  ]
  const wrong = [...lostTokens, ...doubledRefreshes, ...inconsistencies, ...withoutToken, ...wrongCreates(creates)]
  return [
    ...rows.map(([name, value]) => `${name.padEnd(48)} ${String(value).padStart(8)}`),
    ...wrong.slice(0, SHOWN),
    ...(wrong.length > SHOWN ? [`… and ${wrong.length - SHOWN} more`] : []),
    bound(result),
  ]
}

const lapseRows = (lapses: CrashTestResult['lapses']): readonly (readonly [string, number | string])[] => [
  ['sessions that lapsed meanwhile', lapses.length],
  [`  of those with ${LONG_MS / 1_000} s to live or more`, lapses.filter(({ lifeMs }) => lifeMs >= LONG_MS).length],
  ['  the longest, in seconds', (Math.max(0, ...lapses.map(({ gapMs }) => gapMs)) / 1_000).toFixed(1)],
]

const eventsOf = ({ counts }: CrashTestResult): number => Object.values(counts).reduce((sum, one) => sum + one, 0)

/** Rule of three: after n trials without an event, its rate is below 3/n with 95 % confidence. */
const bound = (result: CrashTestResult): string =>
  verdict(result)
    ? `0 lost, 0 undeclared, 0 silent, 0 doubled: at most ${(300 / Math.max(1, eventsOf(result))).toPrecision(2)} % of events do (95 % confidence)`
    : 'FAILED: see above'
