import { relative, join } from 'node:path'
import { entriesOf, packagesOf } from '../packages/workspace.ts'

/** An entry of a package: what programs import. */
export interface Entry {
  /** As programs name it: `@guestpass/core/node`. */
  readonly name: string
  /** The package that it is of. */
  readonly package: string
  /** Its source, from the root of the checkout. */
  readonly file: string
}

/** Every entry that the manifests of the packages name, in their order. */
export const entriesIn = (root: string): readonly Entry[] =>
  packagesOf(root).flatMap(({ folder, manifest }) => {
    const files = Object.values(manifest.exports ?? {})
    return entriesOf(manifest).map((name, at) => ({
      name,
      package: manifest.name,
      file: relative(root, join(folder, files[at] ?? '')),
    }))
  })
