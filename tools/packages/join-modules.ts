/**
 * Joins the modules of a package into few files. Node takes about half a millisecond to load one, and a command would load
 * several hundred.
 */
import { isAbsolute, join } from 'node:path'
import { rolldown } from 'rolldown'
import { isForPages, JOINED, type Package } from './workspace.ts'

/** The sources that are loaded from outside, by the path of what is built of each. */
function inputsOf({ exports = {}, bin }: Package['manifest']): Record<string, string> {
  const sources = [...Object.values(exports), ...(bin ? ['./src/main.ts'] : [])]
  return Object.fromEntries(sources.map((source) => [source.replace(/^\.\/src\/(.+)\.ts$/, '$1'), source]))
}

/** Writes the modules of a package to few files of JavaScript, with maps. Other packages stay imports. */
export async function joinModules({ folder, manifest }: Package): Promise<void> {
  const bundle = await rolldown({
    cwd: folder,
    input: inputsOf(manifest),
    platform: 'node',
    external: (name) => !name.startsWith('.') && !isAbsolute(name),
    transform: { target: 'es2024' },
    // A program that waits at its top level must not be what its own parts import.
    preserveEntrySignatures: 'strict',
  })
  await bundle.write({
    dir: join(folder, 'dist', isForPages(manifest) ? JOINED : ''),
    format: 'es',
    sourcemap: true,
    entryFileNames: '[name].js',
    chunkFileNames: 'parts/[name].js',
  })
  await bundle.close()
}
