/** `npm run pack` builds, then makes a tarball of every package in `artifacts`; `npm run pack -- FOLDER` makes them there. */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { stagedManifest } from './packages/staged.ts'
import { type Package, packagesOf } from './packages/workspace.ts'

const root = join(import.meta.dirname, '..')
const artifacts = resolve(process.argv[2] ?? join(root, 'artifacts'))

function copied(from: string, to: string): void {
  if (!existsSync(from)) throw new Error(`${relative(root, from)} is not there: run npm run build first`)
  cpSync(from, to, { recursive: true })
}

/** Modes as of a umask of 022, whatever it is here: npm packs them as they are. */
function setModes(folder: string): void {
  for (const path of globSync('**', { cwd: folder }).map((name) => join(folder, name))) {
    const isProgram = relative(folder, path).startsWith('bin') || statSync(path).isDirectory()
    chmodSync(path, isProgram ? 0o755 : 0o644)
  }
}

/** Lays out what is published of a package. */
function stage({ folder, manifest }: Package, to: string): string {
  for (const name of ['dist', 'README.md', ...(manifest.bin ? ['bin'] : [])]) copied(join(folder, name), join(to, name))
  copied(join(root, 'LICENSE'), join(to, 'LICENSE'))
  writeFileSync(join(to, 'package.json'), `${JSON.stringify(stagedManifest(manifest), undefined, 2)}\n`)
  setModes(to)
  return to
}

const scratch = mkdtempSync(join(tmpdir(), 'guestpass-pack-'))
try {
  const staged = packagesOf(root).map((each) => stage(each, join(scratch, each.manifest.name.replace('/', '-'))))
  mkdirSync(artifacts, { recursive: true })
  for (const old of globSync('*.tgz', { cwd: artifacts })) rmSync(join(artifacts, old))
  const { status } = spawnSync('npm', ['pack', ...staged, '--pack-destination', artifacts, '--loglevel', 'error'], {
    cwd: scratch,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  })
  process.exitCode = status ?? 1
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
