import { execFileSync } from 'node:child_process'

/** The command that installs Debian packages. */
export const installCommand = (packages: readonly string[]): string =>
  `apt-get install -y --no-install-recommends ${packages.join(' ')}`

/** Whether programs may install what they lack: in CI. */
export const isCi = (): boolean => process.env['CI'] !== undefined

/** Installs Debian packages if the user is root. Otherwise, and if it fails, nothing happens: look for the programs. */
export function installPackages(packages: readonly string[]): void {
  if (process.getuid?.() !== 0) return
  const run = (args: readonly string[]): unknown =>
    execFileSync('apt-get', args, { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
  try {
    run(['update'])
    run(installCommand(packages).split(' ').slice(1))
  } catch {
    // The caller looks for the programs.
  }
}
