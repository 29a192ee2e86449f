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
  readonly optionalDependencies?: Readonly<Record<string, string>>
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

/** What programs import: `@guestpass/core`, `@guestpass/core/node` and so on. */
export const entriesOf = ({ name, exports = {} }: Manifest): readonly string[] =>
  Object.keys(exports).map((path) => name + path.slice(1))

/** Where the joined modules of a package are in its `dist`, if the separate ones are there too. */
export const JOINED = 'joined'

/** Whether pages use the package. A bundler leaves out the modules that a page does not need, if they are separate. */
export const isForPages = ({ exports = {} }: Pick<Manifest, 'exports'>): boolean => './web' in exports

/** An entry that is named after a framework, which is a peer dependency: `guestpass/nest` after `@nestjs/common`. */
export interface Framework {
  readonly entry: string
  readonly name: string
  readonly peer: string
}

export const frameworksOf = (manifest: Manifest): readonly Framework[] =>
  entriesOf(manifest).flatMap((entry) => {
    const name = entry.split('/').at(-1) ?? ''
    const peer = Object.keys(manifest.peerDependencies ?? {}).find((one) => one.includes(name))
    return entry === manifest.name || peer === undefined ? [] : [{ entry, name, peer }]
  })

/** What is imported with nothing but the packages installed. */
export function plainEntriesOf(manifest: Manifest): readonly string[] {
  const others = new Set(frameworksOf(manifest).map(({ entry }) => entry))
  return entriesOf(manifest).filter((entry) => !others.has(entry))
}

/** The peer dependencies of packages, with their types, each as the checkout has it: `express@5.3.0`. */
export function peersOf(root: string, packages: readonly Manifest[]): readonly string[] {
  const { devDependencies = {} } = manifestIn(root)
  const peers = packages.flatMap(({ peerDependencies = {} }) => Object.keys(peerDependencies))
  return [...peers, ...peers.map((peer) => `@types/${peer}`)]
    .filter((name) => name in devDependencies)
    .map((name) => `${name}@${devDependencies[name]}`)
}
