import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cell } from '../packages/cell.ts'
import { commandCells } from '../packages/cells/command.ts'
import { contentsCell } from '../packages/cells/contents.ts'
import { importCells } from '../packages/cells/imports.ts'
import { type Compiler, plainTypeCells } from '../packages/cells/types.ts'
import { thisNode } from '../packages/nodes.ts'
import { installedProject, type Project } from '../packages/project.ts'
import { packed } from '../packages/tarballs.ts'
import { manifestIn, packagesOf, plainEntriesOf } from '../packages/workspace.ts'

const root = join(import.meta.dirname, '../..')
const packages = packagesOf(root).map(({ manifest }) => manifest)
const entries = packages.flatMap(plainEntriesOf)
const typesOfNode = manifestIn(root).devDependencies?.['@types/node'] ?? ''
const compiler: Compiler = { name: 'TypeScript of the checkout', tsc: join(root, 'node_modules/typescript/bin/tsc') }

const faults = async (cells: readonly Cell[]): Promise<readonly string[]> => {
  const found: string[] = []
  for (const { name, run } of cells) {
    const fault = await run()
    if (fault !== undefined) found.push(`${name}: ${fault}`)
  }
  return found
}

/** The short form of `npm run packages`: one Node, one compiler, nothing that is not installed here already. */
describe('the packages, packed and installed in an empty folder', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'guestpass-packed-'))
  let project: Project
  beforeAll(async () => {
    // `npm test` checks the types of all sources before.
    const tarballs = await packed(root, join(scratch, 'tarballs'), { flags: ['--no-check'] })
    project = await installedProject(join(scratch, 'project'), thisNode, [...tarballs, `@types/node@${typesOfNode}`])
  }, 120_000)
  afterAll(() => rmSync(scratch, { recursive: true, force: true }))

  it('hold what was built and nothing else', async () => {
    expect(await faults(packages.map(({ name }) => contentsCell(project, name)))).toEqual([])
  })

  it('can be imported and required', async () => {
    expect(await faults(importCells(project, entries))).toEqual([])
  })

  it('bring the command', async () => {
    const { version } = packages.find(({ name }) => name === 'guestpass') ?? { version: '' }
    expect(await faults(commandCells(project, version))).toEqual([])
  })

  it('pass a compiler that looks into declarations too', async () => {
    expect(await faults(plainTypeCells(project, entries, [compiler]))).toEqual([])
  })
})
