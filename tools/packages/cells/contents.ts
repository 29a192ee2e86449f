import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import type { Cell } from '../cell.ts'
import type { Project } from '../project.ts'

const EXPECTED = /^(LICENSE|README\.md|package\.json|bin\/[\w-]+\.js|dist\/.+\.(js|js\.map|d\.ts))$/

interface SourceMap {
  readonly sources: readonly string[]
  readonly sourcesContent?: readonly (string | null)[]
}

/** A debugger shows the sources from the map alone: they are in it, and no path of the machine that built it is. */
function mapFaults(folder: string, file: string): readonly string[] {
  const { sources, sourcesContent = [] } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as SourceMap
  return sources.flatMap((source, at) => {
    const leaves = relative(folder, resolve(folder, dirname(file), source)).startsWith('..')
    if (leaves) return [`${file}: names ${source}, outside the package`]
    return typeof sourcesContent[at] === 'string' ? [] : [`${file}: ${source} is not in it`]
  })
}

function declarationFaults(folder: string, file: string): readonly string[] {
  const names = readFileSync(join(folder, file), 'utf8').matchAll(/(?:\bfrom |\bimport\()['"](\.[^'"]*\.ts)['"]/g)
  return [...names].map(([, name]) => `${file}: imports ${name}`)
}

function faultsOf(folder: string): readonly string[] {
  const files = globSync('**', { cwd: folder, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((file) => !file.startsWith('node_modules'))
  return [
    ...files.filter((file) => !EXPECTED.test(file)).map((file) => `${file} should not be packed`),
    ...['LICENSE', 'README.md'].filter((file) => !files.includes(file)).map((file) => `${file} is missing`),
    ...files.filter((file) => file.endsWith('.map')).flatMap((file) => mapFaults(folder, file)),
    ...files.filter((file) => file.endsWith('.d.ts')).flatMap((file) => declarationFaults(folder, file)),
  ]
}

/** What is in a package: what was built, with its maps whole, and nothing else. */
export const contentsCell = ({ folder }: Project, name: string): Cell => ({
  name: `${name} holds what was built and nothing else`,
  run: async () => faultsOf(join(folder, 'node_modules', name)).join('\n') || undefined,
})
