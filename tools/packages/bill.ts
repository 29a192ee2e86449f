import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { QUIET } from './npm.ts'
import { complaint, ended } from './program.ts'
import { tarballOf } from './tarballs.ts'
import type { Manifest } from './workspace.ts'

/** What this reads of a bill of materials in CycloneDX. */
export interface Bill {
  readonly metadata: { readonly component: { readonly name: string; readonly version: string } }
  readonly components: readonly { readonly name: string; readonly version: string }[]
}

/** What a package brings by itself: frameworks are brought by those who use them. */
const BROUGHT = ['--omit=dev', '--omit=peer']

async function said(command: string, args: readonly string[], cwd: string, env?: NodeJS.ProcessEnv): Promise<string> {
  const end = await ended(command, args, { cwd, ...(env ? { env } : {}) })
  const fault = complaint(end)
  if (fault) throw new Error(`${command} ${args.join(' ')}: ${fault}`)
  return end.stdout
}

/** The packages of the workspace that a package needs, and those that they need. */
function below({ dependencies = {} }: Manifest, packages: readonly Manifest[]): readonly Manifest[] {
  const direct = packages.filter(({ name }) => name in dependencies)
  return [...new Set([...direct, ...direct.flatMap((each) => below(each, packages))])]
}

/**
 * The bill of materials of a packed package, as CycloneDX. The package is unpacked as the root of a scratch project, so that the root component is
 * the package itself; the others of the workspace are installed from their tarballs. `artifacts`: the folder of the tarballs.
 */
export async function billOf(
  manifest: Manifest,
  packages: readonly Manifest[],
  artifacts: string,
  scratch: string,
  env?: NodeJS.ProcessEnv,
): Promise<string> {
  const folder = join(scratch, manifest.name)
  mkdirSync(folder, { recursive: true })
  const archive = join(artifacts, tarballOf(manifest))
  await said('tar', ['xzf', archive, '--strip-components=1', '-C', folder], scratch, env)
  const others = below(manifest, packages).map((each) => join(artifacts, tarballOf(each)))
  await said('npm', ['install', '--no-save', '--no-package-lock', ...BROUGHT, ...QUIET, ...others], folder, env)
  // Frameworks were not installed. Here, npm would also omit what is a peer of one package and brought by another.
  return said('npm', ['sbom', '--sbom-format=cyclonedx', '--sbom-type=library', '--omit=dev'], folder, env)
}

/** Writes the bill of materials of each package into a folder. */
export async function writeBills(
  packages: readonly Manifest[],
  artifacts: string,
  to: string,
  scratch: string,
): Promise<void> {
  mkdirSync(to, { recursive: true })
  for (const manifest of packages) {
    const file = join(to, tarballOf(manifest).replace(/tgz$/, 'cdx.json'))
    writeFileSync(file, await billOf(manifest, packages, artifacts, scratch))
    console.log(file)
  }
}
