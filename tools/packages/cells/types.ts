import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Cell } from '../cell.ts'
import { type Ended, ended } from '../program.ts'
import type { Project } from '../project.ts'

/** A compiler by its `tsc`. */
export interface Compiler {
  readonly name: string
  readonly tsc: string
}

const installed = (major: number): Compiler => ({
  name: `TypeScript ${major === 5 ? '5.9' : major}`,
  tsc: join(import.meta.dirname, `../node_modules/typescript-${major}/bin/tsc`),
})
export const compilers: readonly Compiler[] = [installed(5), installed(7)]

const resolutions = { nodenext: 'nodenext', bundler: 'esnext' } as const
type Resolution = keyof typeof resolutions

interface Setup {
  readonly compiler: Compiler
  readonly resolution: Resolution
  readonly exact: boolean
  readonly dom: boolean
}

const sourceOf = (name: string): string => readFileSync(join(import.meta.dirname, '../consumer', name), 'utf8')
const everyEntry = (entries: readonly string[]): string =>
  entries.map((entry, at) => `import * as entry${at} from '${entry}'\nexport const all${at} = entry${at}\n`).join('')

let compilations = 0

/** Compiles sources in a project, its `@types/node` included unless `types` says otherwise. */
async function compiled(
  { folder, env }: Project,
  { compiler, resolution, exact, dom }: Setup,
  source: string,
  types: readonly string[] = ['node'],
): Promise<Ended> {
  compilations += 1
  const file = `compiled-${compilations}.mts`
  writeFileSync(join(folder, file), source)
  const compilerOptions = {
    target: 'es2022',
    lib: ['es2022', ...(dom ? ['dom', 'dom.iterable'] : [])],
    module: resolutions[resolution],
    moduleResolution: resolution,
    exactOptionalPropertyTypes: exact,
    types,
    strict: true,
    declaration: true,
    noEmit: true,
    skipLibCheck: false,
  }
  const config = `tsconfig-${compilations}.json`
  writeFileSync(join(folder, config), JSON.stringify({ compilerOptions, files: [file] }))
  return ended(process.execPath, [compiler.tsc, '-p', config, '--pretty', 'false'], { cwd: folder, env })
}

const printed = ({ status, stdout, stderr }: Ended): string | undefined =>
  status === 0 && stdout + stderr === '' ? undefined : `exit status ${status}\n${stdout}${stderr}`

const titled = ({ compiler, resolution, exact, dom }: Setup): string =>
  `${compiler.name}, ${resolution}, exactOptionalPropertyTypes ${exact ? 'on' : 'off'}, lib ${dom ? 'with' : 'without'} dom`

const passes = (project: Project, types: string, setup: Setup, entries: readonly string[]): Cell => ({
  name: `${titled(setup)}, ${types}: prints nothing`,
  run: async () => printed(await compiled(project, setup, sourceOf('right.ts') + everyEntry(entries))),
})

/** Options that differ from setup to setup, so that any two choices of the matrix meet at least once. */
const setupsOf = (compiler: Compiler, project: number, turn: number): readonly Setup[] =>
  (Object.keys(resolutions) as Resolution[]).map((resolution, at) => {
    const dom = (project + at) % 2 === 0
    return { compiler, resolution, dom, exact: dom === (turn === 0) }
  })

/** A consumer's compiler prints nothing of the packages, `skipLibCheck` off. `at`: the number of the project. */
export const typeCells = (project: Project, types: string, entries: readonly string[], at: number): readonly Cell[] =>
  compilers.flatMap((compiler, turn) =>
    setupsOf(compiler, at, turn).map((setup) => passes(project, `@types/node ${types}`, setup, entries)),
  )

/** The negative control: the compiler finds every wrong assignment, and nothing else. */
export function wrongCell(project: Project, compiler: Compiler, resolution: Resolution): Cell {
  const setup: Setup = { compiler, resolution, exact: true, dom: false }
  const marks = /^\/\/ @ts-expect-error .*\n/gm
  return {
    name: `${compiler.name}, ${resolution}: every wrong assignment is an error`,
    run: async () => {
      const source = sourceOf('wrong.ts')
      const expected = source.match(marks)?.length
      const { stdout } = await compiled(project, setup, source.replaceAll(marks, ''))
      const found = stdout.match(/: error TS/g)?.length ?? 0
      return found === expected ? undefined : `${found} errors, expected ${expected}\n${stdout}`
    },
  }
}

export const wrongCells = (project: Project): readonly Cell[] =>
  compilers.flatMap((compiler) =>
    (Object.keys(resolutions) as Resolution[]).map((one) => wrongCell(project, compiler, one)),
  )

/** A page's project has no types of Node. */
export const pageTypeCells = (project: Project): readonly Cell[] =>
  compilers.map((compiler) => ({
    name: `${compiler.name}: @guestpass/core and /web need no @types/node in a page`,
    run: async () =>
      printed(
        await compiled(
          project,
          { compiler, resolution: 'bundler', exact: true, dom: true },
          everyEntry(['@guestpass/core', '@guestpass/core/web']),
          [],
        ),
      ),
  }))

/** A project without frameworks, by each compiler. */
export const plainTypeCells = (
  project: Project,
  entries: readonly string[],
  by: readonly Compiler[] = compilers,
): readonly Cell[] =>
  by.map((compiler) =>
    passes(project, 'no framework', { compiler, resolution: 'nodenext', exact: true, dom: false }, entries),
  )

/** The compilers print nothing of this source. `title`: whose it is. */
export const sourceCells = (project: Project, title: string, source: string): readonly Cell[] =>
  compilers.map((compiler) => ({
    name: `${compiler.name}, ${title}: prints nothing`,
    run: async () =>
      printed(await compiled(project, { compiler, resolution: 'nodenext', exact: true, dom: false }, source)),
  }))
