import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Cell } from '../cell.ts'
import type { NodeVersion } from '../nodes.ts'
import { complaint, type Ended, ended, failure } from '../program.ts'
import type { Project } from '../project.ts'

const commandOf = ({ folder }: Project): string => join(folder, 'node_modules/.bin/guestpass')

const guestpass = (project: Project, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> =>
  ended(commandOf(project), args, { cwd: project.folder, env: { ...project.env, ...env } })

/** A running `guestpass sandbox`, and the variables for programs that use it. */
export interface RunningSandbox {
  readonly env: Readonly<Record<string, string>>
  stop(): Promise<void>
}

async function stopped(child: ChildProcess): Promise<void> {
  const end = once(child, 'exit')
  child.kill('SIGTERM')
  await end
}

export async function runningSandbox(project: Project): Promise<RunningSandbox> {
  const child = spawn(commandOf(project), ['sandbox', '--auto-consent', '--json'], {
    cwd: project.folder,
    env: project.env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for await (const line of createInterface({ input: child.stdout })) {
    const { env } = JSON.parse(line) as { readonly env: Readonly<Record<string, string>> }
    return { env, stop: () => stopped(child) }
  }
  throw new Error('guestpass sandbox printed nothing')
}

/** A guest issued by one process and found by the next one. */
async function issuedAndFound(project: Project): Promise<string | undefined> {
  const sandbox = await runningSandbox(project)
  try {
    const issued = await guestpass(
      project,
      ['guest', 'issue', '--api', 'guest-tokens', '--scope', 'webmessaging:guest:send', '--json'],
      sandbox.env,
    )
    // The first use makes a key, and says so.
    if (failure(issued)) return failure(issued)
    const { guestId, verified } = JSON.parse(issued.stdout) as { readonly guestId: string; readonly verified: boolean }
    if (!verified) return `not verified: ${issued.stdout}`
    const list = await guestpass(project, ['guest', 'list', '--json'], sandbox.env)
    return complaint(list) ?? (list.stdout.includes(guestId) ? undefined : `not in the list: ${list.stdout}`)
  } finally {
    await sandbox.stop()
  }
}

async function answers(
  project: Project,
  flag: string,
  isRight: (text: string) => boolean,
): Promise<string | undefined> {
  const end = await guestpass(project, [flag])
  return complaint(end) ?? (isRight(end.stdout) ? undefined : `unexpected: ${end.stdout}`)
}

/** Prints each file of our packages that is loaded. */
const LOADS = `
  import { registerHooks } from 'node:module'
  registerHooks({
    load(url, context, next) {
      if (/node_modules\\/(@guestpass|guestpass)\\//.test(url)) console.error('loads ' + url)
      return next(url, context)
    },
  })`

/** Far above what is loaded when modules are joined, and far below how many modules there are. */
const MOST_FILES = 80

/** Node takes about half a millisecond for each file. */
async function loadsFewFiles(project: Project): Promise<string | undefined> {
  const hook = join(project.folder, 'loads.mjs')
  writeFileSync(hook, LOADS)
  const { status, stderr } = await guestpass(project, ['report'], { NODE_OPTIONS: `--import=${hook}` })
  const files = new Set(stderr.match(/^loads .+$/gm))
  return status === 0 && files.size > 0 && files.size <= MOST_FILES ? undefined : `${files.size} files\n${stderr}`
}

/** The command, as `npx guestpass` runs it. */
export const commandCells = (project: Project, version: string): readonly Cell[] => [
  {
    name: `Node ${project.node.version}: guestpass --version`,
    run: () => answers(project, '--version', (text) => text === `${version}\n`),
  },
  {
    name: `Node ${project.node.version}: guestpass --help`,
    run: () => answers(project, '--help', (text) => /^ +guest /m.test(text)),
  },
  {
    name: `Node ${project.node.version}: guestpass sandbox, guest issue, guest list`,
    run: () => issuedAndFound(project),
  },
  {
    name: `Node ${project.node.version}: guestpass report loads at most ${MOST_FILES} files of ours`,
    run: () => loadsFewFiles(project),
  },
]

/** A Node that is too old gets one line, and no stack. */
export const oldNodeCell = (project: Project, node: NodeVersion): Cell => ({
  name: `Node ${node.version}: guestpass says in one line that this Node is too old`,
  run: async () => {
    const end = await ended(node.program, [commandOf(project), '--version'], { cwd: project.folder, env: project.env })
    const isRight =
      end.status === 2 && /^guestpass needs Node\.js 22\.19 or newer[^\n]*\n$/.test(end.stderr) && end.stdout === ''
    return isRight ? undefined : `exit status ${end.status}\n${end.stdout}${end.stderr}`
  },
})
