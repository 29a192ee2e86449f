import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const here = import.meta.dirname

/** The peers, and the versions that package.json pins. */
export const pinned = (): Readonly<Record<string, string>> =>
  (JSON.parse(readFileSync(join(here, 'package.json'), 'utf8')) as { dependencies: Record<string, string> })
    .dependencies

function isInstalled([name, version]: [string, string]): boolean {
  const file = join(here, 'node_modules', name, 'package.json')
  return existsSync(file) && (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version === version
}

/** Installs the peers, unless they are there in those versions. */
export function installPeers(): void {
  if (Object.entries(pinned()).every(isInstalled)) return
  console.error('Installing the peers …')
  // By the lock file, as `npm ci`, which also asks for the packages of other platforms: not every registry has them.
  const args = ['install', '--no-save', '--prefix', here, '--ignore-scripts', '--no-audit', '--no-fund']
  const { status } = spawnSync('npm', args, {
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (status !== 0) throw new Error('npm install --prefix bench failed: the peers are fetched from the npm registry')
}
