import type { Cell } from '../cell.ts'
import { complaint, ended } from '../program.ts'
import type { Project } from '../project.ts'

const SHOWN = 'console.log(Object.keys(all).filter((name) => all[name] !== undefined).length)'

/** How a program takes an entry. That `require` works proves that no module of the entry awaits at its top level. */
const ways: Readonly<Record<string, (entry: string) => readonly string[]>> = {
  import: (entry) => ['--input-type=module', '-e', `import * as all from '${entry}'\n${SHOWN}`],
  require: (entry) => ['--input-type=commonjs', '-e', `const all = require('${entry}')\n${SHOWN}`],
}

const cell = ({ folder, node, env }: Project, entry: string, way: string): Cell => ({
  name: `Node ${node.version}: ${way} of ${entry}`,
  run: async () => {
    const end = await ended(node.program, ways[way]?.(entry) ?? [], { cwd: folder, env })
    return complaint(end) ?? (Number(end.stdout) > 0 ? undefined : 'it exports nothing')
  },
})

/** Every entry, imported and required. */
export const importCells = (project: Project, entries: readonly string[]): readonly Cell[] =>
  entries.flatMap((entry) => Object.keys(ways).map((way) => cell(project, entry, way)))
