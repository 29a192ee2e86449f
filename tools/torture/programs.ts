import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { rolldown } from 'rolldown'

/** What a worker is started from. */
export interface Programs {
  /** A path. */
  readonly worker: string
  /** The module that tells of a worker's requests, and kills or stops it in one of them. */
  readonly ambush: URL
}

/**
 * Each put together in one file of the folder: a worker is then ready in a third of the time, and most kills find it at work. Paths of
 * sources from here.
 */
export async function programs(folder: string, sources: { worker: string; ambush: string }): Promise<Programs> {
  const here = import.meta.dirname
  const bundle = await rolldown({
    input: { worker: join(here, sources.worker), ambush: join(here, sources.ambush) },
    platform: 'node',
    logLevel: 'silent',
  })
  await bundle.write({ dir: folder, format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: '[name].mjs' })
  await bundle.close()
  return { worker: join(folder, 'worker.mjs'), ambush: pathToFileURL(join(folder, 'ambush.mjs')) }
}
