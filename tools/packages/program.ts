import { type ChildProcess, execFile } from 'node:child_process'

/** How a program ended: its exit status, or -1 for one that a signal ended or that did not start. */
export interface Ended {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

export interface ProgramOptions {
  readonly cwd: string
  readonly env?: NodeJS.ProcessEnv
}

const LONGEST_MS = 120_000
const MOST_BYTES = 64 * 1024 * 1024

/** Runs a program to its end. */
export const ended = (command: string, args: readonly string[], { cwd, env }: ProgramOptions): Promise<Ended> =>
  new Promise((resolve) => {
    const child: ChildProcess = execFile(
      command,
      args,
      { cwd, env: env ?? process.env, timeout: LONGEST_MS, maxBuffer: MOST_BYTES },
      (error, stdout, stderr) =>
        resolve({ status: error ? (child.exitCode ?? -1) : 0, stdout, stderr: stderr || (error?.message ?? '') }),
    )
  })

/** What a program said, when it failed or said anything on standard error. */
export const complaint = ({ status, stdout, stderr }: Ended): string | undefined =>
  status === 0 && stderr === '' ? undefined : `exit status ${status}\n${stdout}${stderr}`.trimEnd()

/** As `complaint`, for a program that may say on standard error what it made, but not warn. */
export const failure = (end: Ended): string | undefined =>
  complaint({ ...end, stderr: end.status === 0 && !/warning/i.test(end.stderr) ? '' : end.stderr })
