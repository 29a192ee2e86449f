import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Cell } from '../cell.ts'
import type { NodeVersion } from '../nodes.ts'
import { installedProject } from '../project.ts'
import { frameworksOf, type Manifest, peersOf } from '../workspace.ts'
import { importCells } from './imports.ts'
import { sourceCells } from './types.ts'

/** A project that has one framework and no other: its middleware is imported, and a user's program compiles. */
export async function frameworkCells(
  root: string,
  manifest: Manifest,
  node: NodeVersion,
  folder: string,
  installed: readonly string[],
): Promise<readonly Cell[]> {
  const cells: Cell[] = []
  for (const { entry, name, peer } of frameworksOf(manifest)) {
    const peers = peersOf(root, [{ ...manifest, peerDependencies: { [peer]: '*' } }])
    const project = await installedProject(join(folder, name), node, [...installed, ...peers])
    const program = join(root, 'packages/cli/test/middleware/consumers', `${name}.ts`)
    cells.push(
      ...importCells(project, [entry]),
      ...sourceCells(project, `a program with ${peer} alone`, readFileSync(program, 'utf8')),
    )
  }
  return cells
}
