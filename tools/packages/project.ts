import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { environmentOf, type NodeVersion } from './nodes.ts'
import { QUIET } from './npm.ts'
import { complaint, ended } from './program.ts'

/** A user's project: a folder with packages installed, and the Node and environment that its programs get. */
export interface Project {
  readonly folder: string
  readonly node: NodeVersion
  readonly env: NodeJS.ProcessEnv
}

/** What `npm init -y` and `npm install` make of an empty folder. Every package must allow this Node. */
export async function installedProject(
  folder: string,
  node: NodeVersion,
  packages: readonly string[],
): Promise<Project> {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "name": "consumer", "version": "1.0.0", "private": true }\n')
  const env = environmentOf(node)
  const fault = complaint(
    await ended('npm', ['install', '--engine-strict', ...QUIET, ...packages], { cwd: folder, env }),
  )
  if (fault) throw new Error(`npm install on Node ${node.version}: ${fault}`)
  return { folder, node, env }
}
