import { execFile, execFileSync } from 'node:child_process'
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { compileCache } from '../../packages/cli/test/spawn-cli.ts'

const root = join(import.meta.dirname, '../..')

export interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** A copy of the repository's packages, to which files can be added. */
export interface Checkout {
  readonly path: string
  write(file: string, text: string): void
  append(file: string, text: string): void
  /** Runs a program of Node in it, with these variables alone. `args[0]`: its path in the copy. */
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended>
  remove(): void
}

/** Whose packages are those of the copy. */
const workspaces: Readonly<Record<string, string>> = {
  '@guestpass/client': 'client',
  '@guestpass/core': 'core',
  '@guestpass/runtime': 'runtime',
  '@guestpass/sandbox': 'sandbox',
  '@guestpass/server': 'server',
  '@guestpass/store': 'store',
  guestpass: 'cli',
}

/** Copies the files of these folders that Git lists, and links the installed packages. */
export function checkout(...folders: readonly string[]): Checkout {
  const path = mkdtempSync(join(tmpdir(), 'guestpass-checkout-'))
  const list = ['ls-files', '-co', '--exclude-standard', '--', ...folders]
  const files = execFileSync('git', list, { cwd: root, encoding: 'utf8' }).split('\n').filter(Boolean)
  for (const file of files) {
    mkdirSync(dirname(join(path, file)), { recursive: true })
    cpSync(join(root, file), join(path, file))
  }
  linkPackages(path)
  return {
    path,
    write(file, text) {
      mkdirSync(dirname(join(path, file)), { recursive: true })
      writeFileSync(join(path, file), text)
    },
    append: (file, text) => appendFileSync(join(path, file), text),
    run: (args, env = {}) =>
      new Promise((resolve) => {
        const options = {
          cwd: path,
          env: { PATH: process.env['PATH'] ?? '', ...compileCache, ...env },
          maxBuffer: 16_777_216,
        }
        const child = execFile(process.execPath, args, options, (_error, out, err) =>
          resolve({ code: child.exitCode ?? -1, out, err }),
        )
        child.stdin?.end()
      }),
    remove: () => rmSync(path, { recursive: true }),
  }
}

function linkPackages(path: string): void {
  const installed = join(root, 'node_modules')
  mkdirSync(join(path, 'node_modules/@guestpass'), { recursive: true })
  for (const name of readdirSync(installed))
    if (!name.startsWith('.') && name !== '@guestpass' && name !== 'guestpass')
      symlinkSync(join(installed, name), join(path, 'node_modules', name))
  for (const [name, folder] of Object.entries(workspaces))
    symlinkSync(join(path, 'packages', folder), join(path, 'node_modules', name))
}
