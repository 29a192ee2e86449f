import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Found, foundShown } from './found.ts'
import type { Measured } from './results.ts'
import { summaryTable } from './summary.ts'
import type { Target } from './targets.ts'

const root = join(import.meta.dirname, '..')

/** The pages that hold tables of results. */
export const PAGES = ['README.md', 'docs/benchmarks.md'] as const

type Results = Readonly<Record<string, Measured>>

const numberOf = (id: string): number => Number.parseInt(id.slice(1), 10)

const inOrder = (results: Results): readonly (readonly [id: string, measured: Measured])[] =>
  Object.entries(results).toSorted(([a], [b]) => numberOf(a) - numberOf(b))

const allFound = (results: Results): readonly Found[] => inOrder(results).flatMap(([, { figures }]) => figures)

/** On which machines, and which measures on each. */
function machinesOf(results: Results): string {
  const machines = new Map<string, string[]>()
  for (const [id, { machine }] of inOrder(results)) {
    const { node, cores, processor } = machine
    const name = `Node ${node.slice(1)}, ${cores} cores (${processor.replaceAll(/\((R|TM)\)| Processor/g, '').trim()})`
    machines.set(name, [...(machines.get(name) ?? []), id])
  }
  return [...machines].map(([name, ids]) => `${ids.join(', ')}: ${name}.`).join(' ')
}

const notMet = ({ says, reached, bound, wanted }: Target): string =>
  `\nNot met: ${says}: ${reached} (wanted: ${bound} ${wanted}).`

function short(results: Results): string {
  const found = allFound(results)
  const missed = found.flatMap(({ targets }) => targets).filter(({ met }) => !met)
  return [summaryTable(found), '', machinesOf(results), ...missed.map(notMet)].join('\n')
}

const full = (results: Results): string => allFound(results).map(foundShown).join('\n').trimEnd()

/** The page with these results between its marks `<!-- bench -->` (the short table) and `<!-- figures -->` (all tables). */
export function withTables(page: string, results: Results): string {
  const between = (text: string, name: string, content: (results: Results) => string): string =>
    text.replace(
      new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(\n<!-- /${name} -->)`),
      (_, start: string, end: string) => start + content(results) + end,
    )
  return between(between(page, 'bench', short), 'figures', full)
}

/** Writes the results into the pages. */
export function writeTables(results: Results): void {
  for (const page of PAGES) {
    const file = join(root, page)
    writeFileSync(file, withTables(readFileSync(file, 'utf8'), results))
  }
}
