import { execFile } from 'node:child_process'

/**
 * Keeps secrets in the memory of this process: no diagnostic report is written, the signal that starts the inspector
 * does nothing, and on Linux no core is dumped, if `prlimit` is there.
 */
export function hardenProcess(): void {
  const { report, pid, platform } = process
  if (report) {
    report.reportOnFatalError = false
    report.reportOnSignal = false
    report.reportOnUncaughtException = false
  }
  process.on('SIGUSR1', () => {})
  if (platform === 'linux') execFile('prlimit', ['--pid', String(pid), '--core=0:0'], () => {}).unref()
}
