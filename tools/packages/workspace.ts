import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The members of a package.json that packing reads. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly bin?: Readonly<Record<string, string>>
  readonly exports?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

/** A package of the workspace: its folder, and its package.json. */
export interface Package {
  readonly folder: string
  readonly manifest: Manifest
}

/** The manifest in a folder. */
export const manifestIn = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest

/** The packages that are published, in the order of the root's `workspaces`. */
export function packagesOf(root: string): readonly Package[] {
  const { workspaces } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    workspaces: readonly string[]
  }
  return workspaces
    .map((path) => ({ folder: join(root, path), manifest: manifestIn(join(root, path)) }))
    .filter(({ manifest }) => !manifest.private)
}
