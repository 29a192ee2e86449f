import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { rolldown } from 'rolldown'

/** The bundled files that workers are started from. */
export interface Programs {
  /** The path of the worker program. */
  readonly worker: string
  /** The module that traces a worker's requests, and kills or stops it in one of them. */
  readonly failPoints: URL
}

/**
 * Bundles each source into one file of the folder. A worker then starts in a third of the time, so that most
 * kills hit it at work. The paths of the sources are relative to this folder.
 */
export async function programs(folder: string, sources: { worker: string; failPoints: string }): Promise<Programs> {
  const here = import.meta.dirname
  const bundle = await rolldown({
    input: { worker: join(here, sources.worker), failPoints: join(here, sources.failPoints) },
    platform: 'node',
    logLevel: 'silent',
  })
  await bundle.write({ dir: folder, format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: '[name].mjs' })
  await bundle.close()
  return { worker: join(folder, 'worker.mjs'), failPoints: pathToFileURL(join(folder, 'failPoints.mjs')) }
}
