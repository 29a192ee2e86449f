import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { compileCache } from '../../packages/cli/test/spawn-cli.ts'
import { piecesOf } from './page.ts'

const root = join(import.meta.dirname, '../..')

/** A program of a page of docs/, as a reader copies it. */
export interface PageProgram {
  /** The name that its first line gives it. */
  readonly file: string
  readonly code: string
  /** Lines that are not empty. */
  readonly lines: number
}

/** The programs of a page: its blocks of TypeScript whose first line is `// NAME`, by name. */
export function programsOf(page: string): ReadonlyMap<string, PageProgram> {
  return new Map(
    piecesOf(page, 'ts').flatMap(({ code }) => {
      const [, file] = /^\/\/ ([\w-]+\.m?ts)\b/.exec(code) ?? []
      const lines = code.split('\n').filter((line) => line.trim() !== '').length
      return file === undefined ? [] : [[file, { file, code, lines }] as const]
    }),
  )
}

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** A program that runs. */
export interface Running {
  /** Standard output, as soon as it matches. */
  until(pattern: RegExp): Promise<string>
  stop(): void
  readonly ended: Promise<Ended>
}

/** An empty folder in which packages were installed, for one program. */
export interface ProgramFolder {
  readonly cwd: string
  start(args: readonly string[], env: Readonly<Record<string, string>>): Running
  run(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ended>
  /** Which of these texts are in clear in what was printed, or in a file of the folder. */
  leaks(secrets: readonly string[]): readonly string[]
  remove(): void
}

export function programFolder({ file, code }: PageProgram, packages: readonly string[]): ProgramFolder {
  const cwd = mkdtempSync(join(tmpdir(), 'guestpass-program-'))
  const printed: string[] = []
  for (const name of packages) {
    const place = join(cwd, 'node_modules', name)
    mkdirSync(dirname(place), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), place)
  }
  writeFileSync(join(cwd, file), code)

  function start(args: readonly string[], env: Readonly<Record<string, string>>): Running {
    const child = spawn(process.execPath, [file, ...args], { cwd, env: { ...compileCache, ...env } })
    let out = ''
    let err = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
    const ended = new Promise<Ended>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (exitCode) => {
        printed.push(out, err)
        resolve({ code: exitCode, out, err })
      })
    })
    return {
      ended,
      stop: () => void child.kill(),
      until: (pattern) =>
        new Promise((resolve, reject) => {
          const look = (): void => {
            if (pattern.test(out)) resolve(out)
          }
          child.stdout.on('data', look)
          child.on('close', () => reject(new Error(`it ended without printing ${pattern}: ${out}${err}`)))
          look()
        }),
    }
  }

  return {
    cwd,
    start,
    run: (args, env) => start(args, env).ended,
    leaks(secrets) {
      const files = readdirSync(cwd, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && !entry.parentPath.startsWith(join(cwd, 'node_modules')))
        .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
      return secrets.filter((secret) => [...printed, ...files].some((place) => place.includes(secret)))
    },
    remove: () => rmSync(cwd, { recursive: true, force: true }),
  }
}
