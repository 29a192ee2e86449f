import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Cell } from '../cell.ts'
import type { Project } from '../project.ts'

interface Chunk {
  readonly code: string
  readonly fileName: string
  readonly isEntry: boolean
  readonly imports: readonly string[]
}

/** Only what this reads of rolldown, which is installed beside this by `npm run packages` alone. */
interface Rolldown {
  rolldown(options: object): Promise<{
    generate(options: object): Promise<{ readonly output: readonly Chunk[] }>
    close(): Promise<void>
  }>
}

async function bundled(project: Project, names: readonly string[]): Promise<readonly Chunk[]> {
  const file = join(import.meta.dirname, '../node_modules/rolldown/dist/index.mjs')
  const { rolldown } = (await import(file)) as Rolldown
  const input = join(project.folder, `page-${names.join('-')}.mjs`)
  writeFileSync(input, `export { ${names.join(', ')} } from '@guestpass/core'\n`)
  const built = await rolldown({ input, cwd: project.folder, platform: 'browser' })
  const { output } = await built.generate({ format: 'es', minify: true })
  await built.close()
  return output
}

/** What a page loads at first: the entry and all that it imports; what is imported later by a call is not. */
function loadedAtFirst(chunks: readonly Chunk[]): readonly Chunk[] {
  const loaded = new Set(chunks.filter(({ isEntry }) => isEntry))
  for (const { imports } of loaded) for (const chunk of chunks) if (imports.includes(chunk.fileName)) loaded.add(chunk)
  return [...loaded]
}

const bundleCell = (project: Project, what: string, names: readonly string[], mostKib: number): Cell => ({
  name: `a page loads at most ${mostKib} KiB for ${what}, minified and with gzip`,
  run: async () => {
    const chunks = await bundled(project, names)
    if (chunks.some(({ code }) => /['"]node:|\brequire\(/.test(code))) return 'it names modules of Node'
    const bytes = loadedAtFirst(chunks).reduce((sum, { code }) => sum + gzipSync(code, { level: 9 }).length, 0)
    return bytes <= mostKib * 1_024 ? undefined : `it loads ${(bytes / 1_024).toFixed(1)} KiB`
  },
})

/** What a page gets of `@guestpass/core`. */
export const browserCells = (project: Project): readonly Cell[] => [
  bundleCell(project, 'a verifier', ['verification', 'webPorts'], 18),
  bundleCell(project, 'a sign-in', ['connection', 'resolveHosts', 'webPorts', 'webStorageStore'], 69),
]
