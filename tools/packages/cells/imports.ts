import type { Cell } from '../cell.ts'
import { complaint, ended } from '../program.ts'
import type { Project } from '../project.ts'

/** How a program takes an entry. That `require` works proves that no module of the entry awaits at its top level. */
const ways: Readonly<Record<string, string>> = { import: 'await import(entry)', require: 'require(entry)' }

/** Takes each entry, and says of each that fails why. */
const program = (entries: readonly string[], way: string): string => `
  async function take() {
    for (const entry of ${JSON.stringify(entries)}) {
      try {
        const all = ${ways[way]}
        if (Object.values(all).every((one) => one === undefined)) throw new Error('it exports nothing')
      } catch (error) {
        console.error(entry, error)
      }
    }
  }
  take()`

const cell = ({ folder, node, env }: Project, entries: readonly string[], way: string): Cell => ({
  name: `Node ${node.version}: ${way} of ${entries.join(', ')}`,
  run: async () =>
    complaint(await ended(node.program, ['--input-type=commonjs', '-e', program(entries, way)], { cwd: folder, env })),
})

/** Every entry, imported and required: one process for each way, as most of the time of one is its start. */
export const importCells = (project: Project, entries: readonly string[]): readonly Cell[] =>
  Object.keys(ways).map((way) => cell(project, entries, way))
