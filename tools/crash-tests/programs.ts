import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { rolldown } from 'rolldown'

/** What a worker is started from. */
export interface Programs {
  /** A path. */
  readonly worker: string
  /** The module that traces a worker's requests, and kills or stops it in one of them. */
  readonly failPoints: URL
}

/**
 * Each is bundled into one file of the folder: a worker is then ready in a third of the time, and most kills find it at work. Paths of
 * sources from here.
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
