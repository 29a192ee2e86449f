/**
 * What is measured: the packages as they are published, or the sources. The programs of this folder import `@guestpass/…` and
 * `guestpass`; links in its node_modules lead to the packages, without them Node finds the sources of the workspace.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tarballOf } from '../tools/packages/tarballs.ts'
import { type Manifest, manifestIn, type Package, packagesOf } from '../tools/packages/workspace.ts'

const root = join(import.meta.dirname, '..')
// Not below this folder: there the peers' own dependencies would be found in place of the workspace's.
const unpacked = join(root, 'artifacts', 'bench')
const digestFile = join(unpacked, 'sources.sha256')
const linked = join(import.meta.dirname, 'node_modules')

/** What the packages are made of, and by. */
const INPUTS: readonly string[] = [
  'packages/*/{src,bin}/**/*.*',
  'packages/*/{package,tsconfig.build}.json',
  'tools/{build,pack}.ts',
  'tools/packages/{join-modules,staged,workspace}.ts',
  'tsconfig*.json',
  'package-lock.json',
]

function digest(): string {
  const hash = createHash('sha256')
  for (const file of globSync([...INPUTS], { cwd: root }).toSorted())
    hash.update(`${file}\0`).update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

const isFresh = (): boolean => existsSync(digestFile) && readFileSync(digestFile, 'utf8') === digest()

function run(command: string, ...args: readonly string[]): void {
  const { status } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed`)
}

/** Throws when the workspace has another version of a dependency than the package asks for. */
function checkDependencies({ name, dependencies = {} }: Manifest, own: ReadonlySet<string>): void {
  for (const [needed, version] of Object.entries(dependencies).filter(([dependency]) => !own.has(dependency))) {
    const found = manifestIn(join(root, 'node_modules', needed)).version
    if (found !== version)
      throw new Error(`${name} needs ${needed} ${version}, and the workspace has ${found}: run npm ci`)
  }
}

const folderOf = (name: string): string => join(unpacked, 'node_modules', name)

function unpack({ manifest }: Package, tarballs: string): void {
  const folder = folderOf(manifest.name)
  mkdirSync(folder, { recursive: true })
  run('tar', '-xzf', join(tarballs, tarballOf(manifest)), '-C', folder, '--strip-components=1')
}

/** Builds, packs and unpacks the packages, unless they are those of these sources. */
function makePackages(packages: readonly Package[]): void {
  if (isFresh()) return
  console.error('Building and packing the packages …')
  const made = digest()
  rmSync(unpacked, { recursive: true, force: true })
  const tarballs = join(unpacked, 'tarballs')
  run(process.execPath, 'tools/build.ts')
  run(process.execPath, 'tools/pack.ts', tarballs)
  const own = new Set(packages.map(({ manifest: { name } }) => name))
  for (const each of packages) {
    checkDependencies(each.manifest, own)
    unpack(each, tarballs)
  }
  writeFileSync(digestFile, made)
}

function unlink(): void {
  for (const name of ['@guestpass', 'guestpass']) rmSync(join(linked, name), { recursive: true, force: true })
}

/** From now on the programs of this folder measure the packages, made anew where the sources have changed. */
export function measurePackages(): void {
  const packages = packagesOf(root)
  makePackages(packages)
  unlink()
  for (const name of ['@guestpass', 'guestpass']) symlinkSync(folderOf(name), join(linked, name), 'junction')
}

/** From now on the programs of this folder measure the sources. */
export const measureSources = unlink

/** Which of the two a program of this folder measures. */
export const measured = (): 'packages' | 'sources' =>
  import.meta.resolve('@guestpass/core').includes('/dist/') ? 'packages' : 'sources'

/** Throws when the packages are not those of the sources that lie beside them. */
export function refuseStale(): void {
  if (measured() === 'packages' && !isFresh())
    throw new Error(
      'The packages were built of other sources. Run npm run bench, or measure the sources: npm run bench -- --source.',
    )
}

/** Where the launcher of the command line is: of the package, when it is linked, and of the sources. */
export const launchers = (): { readonly package?: string; readonly source: string } => {
  const built = join(folderOf('guestpass'), 'bin/guestpass.js')
  return {
    ...(measured() === 'packages' ? { package: built } : {}),
    source: join(root, 'packages/cli/bin/guestpass.js'),
  }
}
