import type { Cli } from './commands/runner/command.ts'

/** Takes how much is done, of how much. */
type OnProgress = (progress: { readonly done: number; readonly total: number }) => void

/** Runs work with a bar that begins when it is known how much there is. */
export async function withProgress<T>(
  cli: Pick<Cli, 'progress'>,
  title: string,
  work: (onProgress: OnProgress) => Promise<T>,
): Promise<T> {
  let bar: ReturnType<Cli['progress']> | undefined
  let drawn = 0
  try {
    return await work(({ done, total }) => {
      if (total === 0) return
      const more = done - drawn
      drawn = done
      bar ??= cli.progress(title, total)
      void bar.then(({ add }) => add(more))
    })
  } finally {
    const begun = await bar
    begun?.stop()
  }
}
