import { grouped } from './grouped.ts'
import { type Rated, ratio } from './race.ts'
import { atLeast, type Target, verdict } from './targets.ts'

/** One race as it is written down. */
export interface Figures {
  readonly title: string
  readonly rows: readonly Row[]
  readonly targets: readonly Target[]
}

interface Row {
  readonly name: string
  readonly calls: string
  readonly role: Rated['role']
  readonly perSecond: number
  /** How many times as fast Guestpass is. */
  readonly ratio: number
}

/** A bar that Guestpass is measured by: so many times the rate of the best peer, or of the limit. */
interface Bar {
  readonly than: 'best peer' | 'limit'
  readonly wanted: number
}

/** Ranks the rated and holds ours against the bars. */
export function figures(title: string, rated: readonly Rated[], bars: readonly Bar[]): Figures {
  const ours = rated.find(({ role }) => role === 'ours')
  if (!ours) throw new Error('a race without us')
  const rows = rated
    .map((one) => ({
      name: one.name,
      calls: one.calls,
      role: one.role,
      perSecond: Math.round(one.perSecond),
      ratio: rounded(ratio(ours, one)),
    }))
    .sort((a, b) => b.perSecond - a.perSecond)
  const targets = bars.map(({ than, wanted }) => {
    const rival = nearest(rated, ours, than === 'limit' ? 'limit' : 'peer')
    return atLeast(`${title}: times the ${than} (${rival.name})`, rounded(ratio(ours, rival)), wanted)
  })
  return { title, rows, targets }
}

/** Who of a role comes nearest to us, or is furthest ahead. */
function nearest(rated: readonly Rated[], ours: Rated, role: Rated['role']): Rated {
  const [first] = rated.filter((one) => one.role === role).sort((a, b) => ratio(ours, a) - ratio(ours, b))
  if (!first) throw new Error(`a race without ${role}`)
  return first
}

const rounded = (value: number): number => Number(value.toPrecision(3))

/** The figures as a Markdown table, and a line for each target. */
export function shown({ title, rows, targets }: Figures): string {
  const lines = rows.map(({ name, calls, role, perSecond, ratio: times }) => {
    const who = role === 'ours' ? `**${name}**` : name
    const note = role === 'limit' ? ' (the limit)' : role === 'aside' ? ' (not ranked)' : ''
    return `| ${who}${note} | ${calls} | ${grouped(perSecond)} | ${role === 'ours' ? '' : `${times} x`} |`
  })
  return [
    `### ${title}`,
    '',
    '| | what is called | per second | Guestpass is |',
    '|---|---|--:|--:|',
    ...lines,
    '',
    ...targets.map(verdict),
    '',
  ].join('\n')
}
