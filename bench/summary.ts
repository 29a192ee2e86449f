import type { Figures } from './figures.ts'
import { type Found, isRace } from './found.ts'
import { grouped } from './grouped.ts'
import type { SummaryRow } from './sheet.ts'

function raceRow({ title, rows, targets }: Figures): SummaryRow {
  const ours = rows.find(({ role }) => role === 'ours')
  const [best] = rows.filter(({ role }) => role === 'peer').sort((a, b) => a.ratio - b.ratio)
  const against = (than: string): string => {
    const target = targets.find(({ says }) => says.includes(`times the ${than}`))
    return target ? `${target.reached} x` : ''
  }
  return {
    measure: `${title}, per second`,
    ours: grouped(ours?.perSecond ?? 0),
    best: `${grouped(best?.perSecond ?? 0)} (${best?.name})`,
    timesPeer: against('best peer'),
    timesLimit: against('limit'),
  }
}

/** The short form for a README: a line for each race, and those that other measures give. */
export function summaryTable(found: readonly Found[]): string {
  const rows = found.flatMap((one) => (isRace(one) ? [raceRow(one)] : (one.summary ?? [])))
  return [
    '| measure | Guestpass | best peer | times the peer | times the limit |',
    '|---|--:|--:|--:|--:|',
    ...rows.map(
      ({ measure, ours, best, timesPeer = '', timesLimit = '' }) =>
        `| ${measure} | ${ours} | ${best} | ${timesPeer} | ${timesLimit} |`,
    ),
  ].join('\n')
}
