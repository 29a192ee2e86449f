import { join } from 'node:path'
import { type Bill, billOf } from '../bill.ts'
import type { Cell } from '../cell.ts'
import type { Project } from '../project.ts'
import type { Manifest } from '../workspace.ts'

async function faultOf(manifest: Manifest, packages: readonly Manifest[], artifacts: string, { folder, env }: Project) {
  const text = await billOf(manifest, packages, artifacts, join(folder, '..'), env)
  const { metadata, components } = JSON.parse(text) as Bill
  const { name, version } = metadata.component
  if (name !== manifest.name || version !== manifest.version) return `its root component is ${name}@${version}`
  const missing = Object.entries(manifest.dependencies ?? {}).filter(
    ([each, pinned]) => !components.some((one) => one.name === each && one.version === pinned),
  )
  return missing.length === 0 ? undefined : `it lacks ${missing.map(([each]) => each).join(', ')}`
}

/** The bill of materials of what everything else is a part of. */
export const sbomCells = (packages: readonly Manifest[], artifacts: string, project: Project): readonly Cell[] =>
  packages
    .filter(({ name }) => name === 'guestpass' || name === '@guestpass/core')
    .map((manifest) => ({
      name: `the SBOM of ${manifest.name} is of that package and names what it depends on`,
      run: () => faultOf(manifest, packages, artifacts, project),
    }))
