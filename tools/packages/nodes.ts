import { existsSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { tool } from './tools.ts'
import { manifestIn } from './workspace.ts'

/** A version of Node and its program. */
export interface NodeVersion {
  readonly version: string
  readonly program: string
}

const installed = (major: number): string => tool(`node-${major}`)

/** The Node of a major version, as package.json pins it. There is none where the packages of Node are not for this platform. */
export function nodeOf(major: number): NodeVersion | undefined {
  const program = join(installed(major), 'bin', 'node')
  return existsSync(program) ? { version: manifestIn(installed(major)).version.replace('v', ''), program } : undefined
}

/** The Node that runs this. */
export const thisNode: NodeVersion = { version: process.versions.node, program: process.execPath }

/** What would make a program behave otherwise than in a user's shell. */
const OURS = /^(npm_(?!config_)|npm_config_local_prefix$|NODE_(OPTIONS|PATH|ENV)$|VITEST|GENESYS_|GUESTPASS_)/

/** The environment of a user's program: this Node comes first in the PATH, and nothing is left of the checkout's npm and test runner. */
export function environmentOf({ program }: NodeVersion): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !OURS.test(name))
  return { ...Object.fromEntries(kept), PATH: [dirname(program), process.env['PATH']].join(delimiter) }
}
