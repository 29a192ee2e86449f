import { execFile } from 'node:child_process'
import { join } from 'node:path'

/** The output and exit status of a suite that ran as a process. */
export interface SuiteRun {
  readonly exit: number
  /** Standard output, then standard error. */
  readonly output: string
  /** The number in a line of the summary; NaN if there is no such line, as after a crash. */
  figure(name: string): number
}

/** Makes the figures of an output readable by name. */
export const readFigures = (exit: number, output: string): SuiteRun => ({
  exit,
  output,
  figure: (name) => Number(new RegExp(`^${name} +(\\d+)$`, 'm').exec(output)?.[1] ?? Number.NaN),
})

/** Runs a program to its end. `program`: a path from tools/. */
export const runSuite = (program: string, ...args: readonly string[]): Promise<SuiteRun> =>
  new Promise((resolve, reject) => {
    const file = join(import.meta.dirname, '..', program)
    execFile(process.execPath, [file, ...args], (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') reject(error)
      else resolve(readFigures(typeof error?.code === 'number' ? error.code : 0, stdout + stderr))
    })
  })
