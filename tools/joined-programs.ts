import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { type Plugin, rolldown } from 'rolldown'

// In the checkout, so that what is not joined is found.
const CACHE = join(import.meta.dirname, '../node_modules/.cache/joined')

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** A new folder of this process. Those of processes that have ended are removed: a thread cannot do so at its end. */
function newFolder(): string {
  mkdirSync(CACHE, { recursive: true })
  for (const name of readdirSync(CACHE))
    if (!isRunning(Number.parseInt(name, 10)))
      rmSync(join(CACHE, name), { recursive: true, force: true, maxRetries: 3 })
  const folder = mkdtempSync(join(CACHE, `${process.pid}-`))
  // Tests start programs of other users too.
  chmodSync(folder, 0o755)
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
  return folder
}

/**
 * Joins programs with the modules that they import, for tests that start one many times: Node takes half a second of a
 * processor to load some eight hundred modules one by one.
 * Packages are joined by `joinModules` of the build.
 *
 * @param sources the path of each program, by its name
 * @param external packages that stay imports. Default: none
 * @param plugins plugins that change the modules. Default: none
 * @returns the folder with `NAME.js` of each program
 */
export async function joinedPrograms(
  sources: Readonly<Record<string, string>>,
  external: readonly string[] = [],
  plugins: readonly Plugin[] = [],
): Promise<string> {
  const folder = newFolder()
  const bundle = await rolldown({
    input: { ...sources },
    platform: 'node',
    external: [...external],
    plugins: [...plugins],
    preserveEntrySignatures: 'strict',
  })
  await bundle.write({ dir: folder, format: 'es', sourcemap: true, entryFileNames: '[name].js' })
  await bundle.close()
  return folder
}
