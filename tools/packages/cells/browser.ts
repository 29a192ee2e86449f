import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Cell } from '../cell.ts'
import type { Project } from '../project.ts'

/** Only what this reads of rolldown, which is installed beside this by `npm run packages` alone. */
interface Rolldown {
  rolldown(options: object): Promise<{
    generate(options: object): Promise<{ readonly output: readonly [{ readonly code: string }] }>
    close(): Promise<void>
  }>
}

async function bundled(project: Project, program: string): Promise<string> {
  const file = join(import.meta.dirname, '../node_modules/rolldown/dist/index.mjs')
  const { rolldown } = (await import(file)) as Rolldown
  const input = join(project.folder, `page-${program.length}.mjs`)
  writeFileSync(input, program)
  const built = await rolldown({ input, cwd: project.folder, platform: 'browser' })
  const { output } = await built.generate({ format: 'esm', minify: true, codeSplitting: false })
  await built.close()
  return output[0].code
}

const bundleCell = (project: Project, what: string, program: string, mostKib: number): Cell => ({
  name: `a browser bundle of ${what} is at most ${mostKib} KiB, minified and with gzip`,
  run: async () => {
    const code = await bundled(project, program)
    if (/['"]node:|\brequire\(/.test(code)) return 'it names modules of Node'
    const kib = gzipSync(code, { level: 9 }).length / 1_024
    return kib <= mostKib ? undefined : `it has ${kib.toFixed(1)} KiB`
  },
})
const page = (...names: readonly string[]): string =>
  `import { ${names.join(', ')} } from '@guestpass/core'\nglobalThis.page = [${names.join(', ')}]\n`

/** What a page gets of `@guestpass/core`. */
export const browserCells = (project: Project): readonly Cell[] => [
  bundleCell(project, 'a verifier', page('verification', 'webPorts'), 16),
  bundleCell(project, 'a connection', page('connection', 'webPorts', 'memoryStore', 'resolveHosts', 'Secret'), 95),
]
