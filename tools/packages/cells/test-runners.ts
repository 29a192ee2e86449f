import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Cell } from '../cell.ts'
import { type Ended, ended } from '../program.ts'
import type { Project } from '../project.ts'
import { tool } from '../tools.ts'

/** A test of both runners: their globals are the same. */
const TEST = `
test('a secret does not print', () => {
  expect(String(new Secret('x'))).toBe('[secret]')
  expect(typeof nodePorts).toBe('function')
  expect(typeof moveStore).toBe('function')
  expect(typeof postgresStore).toBe('function')
  expect(typeof sqliteStore).toBe('function')
})
`
const NAMES: Readonly<Record<string, string>> = {
  '@guestpass/core': 'Secret',
  '@guestpass/core/node': 'nodePorts',
  '@guestpass/store/move': 'moveStore',
  '@guestpass/store/postgres': 'postgresStore',
  '@guestpass/store/sqlite': 'sqliteStore',
}
const importing = Object.entries(NAMES).map(([entry, name]) => `import { ${name} } from '${entry}'`)
const requiring = Object.entries(NAMES).map(([entry, name]) => `const { ${name} } = require('${entry}')`)

/** What the runner said, unless one test passed. */
const fault = ({ status, stdout, stderr }: Ended): string | undefined =>
  status === 0 && /Tests:? +.*1 passed/.test(stdout + stderr) ? undefined : stdout + stderr

async function run(project: Project, file: string, text: string, args: readonly string[]): Promise<string | undefined> {
  writeFileSync(join(project.folder, file), text)
  const env = { ...project.env, NO_COLOR: '1' }
  return fault(await ended(project.node.program, args, { cwd: project.folder, env }))
}

/** The example of docs/testing.md, which needs the global names of Jest alone. */
const example = readFileSync(join(import.meta.dirname, '../../../examples/testing/jest.test.mjs'), 'utf8')

const JEST = ['--experimental-vm-modules', tool('jest/bin/jest.js'), '--rootDir', '.', '--transform', '{}']

/** Vitest as it is; Jest by its flag for modules. Jest itself requires modules from Node 24.9 on. */
export function runnerCells(project: Project): readonly Cell[] {
  const { version } = project.node
  const jest = (name: string, file: string, text: string): Cell => ({
    name: `Node ${version}: ${name}`,
    run: () => run(project, file, text, [...JEST, '--testMatch', `**/${file}`]),
  })
  return [
    {
      name: `Node ${version}: vitest`,
      run: () =>
        run(project, 'all.spec.mjs', importing.join('\n') + TEST, [
          tool('vitest/vitest.mjs'),
          'run',
          '--globals',
          '--root',
          '.',
          'all.spec.mjs',
        ]),
    },
    jest('jest, import', 'all.jest.mjs', importing.join('\n') + TEST),
    jest('jest, guestpassForTests', 'example.jest.mjs', example),
    ...(Number.parseInt(version, 10) >= 24 ? [jest('jest, require', 'all.jest.cjs', requiring.join('\n') + TEST)] : []),
  ]
}
