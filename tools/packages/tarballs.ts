import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { complaint, ended } from './program.ts'
import type { Manifest } from './workspace.ts'

/** Builds and packs the packages of a checkout into a folder. `flags`: those of the build. Default none. */
export async function packed(
  root: string,
  folder: string,
  { env = process.env, flags = [] }: { readonly env?: NodeJS.ProcessEnv; readonly flags?: readonly string[] } = {},
): Promise<readonly string[]> {
  for (const args of [
    ['tools/build.ts', ...flags],
    ['tools/pack.ts', folder],
  ]) {
    const fault = complaint(await ended(process.execPath, args, { cwd: root, env }))
    if (fault) throw new Error(`${args.join(' ')}: ${fault}`)
  }
  return tarballsIn(folder)
}

export const tarballsIn = (folder: string): readonly string[] =>
  globSync('*.tgz', { cwd: folder })
    .toSorted()
    .map((name) => join(folder, name))

export const digestOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex')

/** The name that npm gives the tarball of a package. */
export const tarballOf = ({ name, version }: Manifest): string =>
  `${name.replace('@', '').replace('/', '-')}-${version}.tgz`
