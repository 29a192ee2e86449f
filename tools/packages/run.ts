/** `npm run packages`: builds and packs the packages, installs them into empty projects, and tries them there. A line for each cell. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Cell, tried } from './cell.ts'
import { browserCells } from './cells/browser.ts'
import { commandCells, oldNodeCell } from './cells/command.ts'
import { contentsCell } from './cells/contents.ts'
import { frameworkCells } from './cells/frameworks.ts'
import { frontDoorCell } from './cells/front-door.ts'
import { importCells } from './cells/imports.ts'
import { linterCells } from './cells/linters.ts'
import { readmeCell } from './cells/readme.ts'
import { sameTarballsCell } from './cells/same-tarballs.ts'
import { sbomCells } from './cells/sbom.ts'
import { runnerCells } from './cells/test-runners.ts'
import { pageTypeCells, plainTypeCells, typeCells, wrongCells } from './cells/types.ts'
import { nodeOf, type NodeVersion, thisNode } from './nodes.ts'
import { installedProject, type Project } from './project.ts'
import { packed, tarballOf } from './tarballs.ts'
import { installTools } from './tools.ts'
import { entriesOf, packagesOf, peersOf, plainEntriesOf } from './workspace.ts'

const root = join(import.meta.dirname, '../..')
const artifacts = join(root, 'artifacts')
/** The versions of Node, each with the types of Node that its users have. */
const nodes: Readonly<Record<number, string>> = { 22: '22.20.7', 24: '24.19.4', 26: '26.6.7' }

const packages = packagesOf(root).map(({ manifest }) => manifest)
const entries = packages.flatMap(entriesOf)
const plainEntries = packages.flatMap(plainEntriesOf)
const version = packages.find(({ name }) => name === 'guestpass')?.version ?? ''

const projectCells = (project: Project, types: string, at: number): readonly Cell[] => [
  ...importCells(project, entries),
  ...commandCells(project, version),
  frontDoorCell(project),
  readmeCell(
    project,
    packages.map(({ name }) => name),
  ),
  ...runnerCells(project),
  ...typeCells(project, types, entries, at),
]

/** What is tried in the same way on each version of Node, with every framework there. */
async function cellsOfNode(major: number, at: number, folder: string, tarballs: readonly string[]) {
  const node = nodeOf(major)
  if (node === undefined) {
    console.log(`skipped: Node ${major} is not there for ${process.platform} on ${process.arch}`)
    return []
  }
  const types = nodes[major] ?? ''
  const installed = [...tarballs, `@types/node@${types}`, ...peersOf(root, packages)]
  return projectCells(await installedProject(folder, node, installed), types, at)
}

/** What is tried once, with nothing but the packages installed. */
function plainCells(project: Project, old: NodeVersion | undefined): readonly Cell[] {
  return [
    ...packages.flatMap((manifest) => [
      contentsCell(project, manifest.name),
      ...linterCells(manifest.name, join(artifacts, tarballOf(manifest)), entriesOf(manifest).length > 0),
    ]),
    ...importCells(project, plainEntries),
    ...(old ? [oldNodeCell(project, old)] : []),
    ...plainTypeCells(project, plainEntries),
    ...wrongCells(project),
    ...pageTypeCells(project),
    ...browserCells(project),
    ...sbomCells(packages, artifacts, project),
  ]
}

async function cells(scratch: string): Promise<readonly Cell[]> {
  const tarballs = await packed(root, artifacts)
  const alone = [...tarballs, `@types/node@${nodes[22]}`]
  const plain = await installedProject(join(scratch, 'plain'), thisNode, alone)
  const others = await Promise.all([
    ...packages.map((manifest) => frameworkCells(root, manifest, thisNode, scratch, alone)),
    ...Object.keys(nodes).map((major, at) => cellsOfNode(Number(major), at, join(scratch, `node-${major}`), tarballs)),
  ])
  return [sameTarballsCell(root, tarballs, scratch), ...plainCells(plain, nodeOf(20)), ...others.flat()]
}

installTools()
const scratch = mkdtempSync(join(tmpdir(), 'guestpass-packages-'))
try {
  const { passed, failed } = await tried(await cells(scratch), 2)
  console.log(`${passed} passed, ${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
