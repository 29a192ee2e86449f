import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { QUIET } from './npm.ts'
import { type Manifest, manifestIn } from './workspace.ts'

const here = import.meta.dirname

/** A file of a tool. `path`: below node_modules. */
export const tool = (path: string): string => join(here, 'node_modules', path)

/** Whether a tool is there in the version that package.json pins, also under another name (`npm:name@version`). */
function isInstalled([name, pinned]: [string, string]): boolean {
  const folder = tool(name)
  return existsSync(folder) && manifestIn(folder).version.replace(/^v/, '') === pinned.split('@').at(-1)
}

const pinnedIn = ({ devDependencies = {}, optionalDependencies = {} }: Manifest) => ({
  ...devDependencies,
  ...(process.platform === 'linux' && process.arch === 'x64' ? optionalDependencies : {}),
})

/** Installs what package.json pins, unless it is there. */
export function installTools(): void {
  if (Object.entries(pinnedIn(manifestIn(here))).every(isInstalled)) return
  console.error('Installing the tools …')
  const { status } = spawnSync('npm', ['ci', '--prefix', here, ...QUIET], {
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (status !== 0) throw new Error('npm ci --prefix tools/packages failed: the tools come from the npm registry')
}
