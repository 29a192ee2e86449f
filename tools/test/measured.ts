import { execFile } from 'node:child_process'
import { join } from 'node:path'

/** What a suite printed, and how it ended. */
export interface Measured {
  readonly exit: number
  readonly said: string
  /** The number behind a line of the summary. */
  figure(name: string): number
}

/** Runs a program of tools/crash-tests to its end. */
export const measured = (program: string, ...args: readonly string[]): Promise<Measured> =>
  new Promise((resolve, reject) => {
    const file = join(import.meta.dirname, '../crash-tests', program)
    execFile(process.execPath, [file, ...args], (error, said, complaint) => {
      const figure = (name: string): number =>
        Number(new RegExp(`^${name} +(\\d+)$`, 'm').exec(said)?.[1] ?? Number.NaN)
      if (error && typeof error.code !== 'number') reject(error)
      else resolve({ exit: typeof error?.code === 'number' ? error.code : 0, said: said + complaint, figure })
    })
  })
