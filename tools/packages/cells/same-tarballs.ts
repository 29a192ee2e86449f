import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, symlinkSync, utimesSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Cell } from '../cell.ts'
import { digestOf, packed } from '../tarballs.ts'
import { packagesOf } from '../workspace.ts'

const OLD = new Date('2001-02-03T04:05:06Z')

/** The same checkout in another folder, with the same dependencies and files of another time. */
function copied(root: string, to: string): void {
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
  for (const file of files.trimEnd().split('\n')) {
    mkdirSync(dirname(join(to, file)), { recursive: true })
    cpSync(join(root, file), join(to, file))
    utimesSync(join(to, file), OLD, OLD)
  }
  linkDependencies(root, to)
}

/** Dependencies come from the first checkout, the packages of the workspace from the copy. */
function linkDependencies(root: string, to: string): void {
  const ours = new Set(packagesOf(to).map(({ manifest }) => manifest.name))
  const link = (name: string): void => symlinkSync(join(root, 'node_modules', name), join(to, 'node_modules', name))
  mkdirSync(join(to, 'node_modules/@guestpass'), { recursive: true })
  for (const name of readdirSync(join(root, 'node_modules'))) if (name !== '@guestpass' && !ours.has(name)) link(name)
  for (const { folder, manifest } of packagesOf(to)) symlinkSync(folder, join(to, 'node_modules', manifest.name))
}

/** A second build elsewhere, at another time, in another zone, language and umask, gives the same bytes. */
export const sameTarballsCell = (root: string, tarballs: readonly string[], scratch: string): Cell => ({
  name: 'a build in another folder, at another time, under another umask gives the same tarballs',
  run: async () => {
    const copy = join(scratch, 'another/much/deeper/folder')
    copied(root, copy)
    const umask = process.umask(0o077)
    const env = { ...process.env, TZ: 'Pacific/Auckland', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' }
    const again = await packed(copy, join(scratch, 'again'), { env }).finally(() => process.umask(umask))
    const digests = new Map(again.map((file) => [basename(file), digestOf(file)]))
    const others = tarballs.filter((file) => digests.get(basename(file)) !== digestOf(file))
    if (digests.size !== tarballs.length) return `${digests.size} tarballs instead of ${tarballs.length}`
    return others.length === 0 ? undefined : `differ: ${others.map((file) => basename(file)).join(', ')}`
  },
})
