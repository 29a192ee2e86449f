import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { importFaults } from '../imports.ts'
import { unseededFaults } from '../unseeded.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

type Check = (root: string, files: readonly string[]) => readonly string[]

/** The faults of a tree of files, given as paths and texts. */
function faultsOf(files: Readonly<Record<string, string>>, check: Check = importFaults): readonly string[] {
  const root = mkdtempSync(join(tmpdir(), 'guestpass-check-'))
  folders.push(root)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return check(root, Object.keys(files))
}

const core = 'packages/core/src'

describe('the check of imports', () => {
  it('finds nothing where arrows point down', () => {
    expect(
      faultsOf({
        [`${core}/tokens/a.ts`]: "import { b } from '../ports/b.ts'",
        [`${core}/ports/b.ts`]: 'export const b = 1',
      }),
    ).toEqual([])
  })

  it.each([
    [
      'an arrow that points up',
      { [`${core}/ports/a.ts`]: "import { b } from '../tokens/b.ts'" },
      'ports may not import tokens',
    ],
    [
      'one upstream API in another',
      { [`${core}/upstream/oauth/a.ts`]: "import { b } from '../guest-tokens/b.ts'" },
      'may not import another',
    ],
    [
      'core in the sandbox',
      { 'packages/sandbox/src/a.ts': "import { b } from '@guestpass/core'" },
      'sandbox may not import @guestpass/core',
    ],
    [
      'an inner file of core in the command line',
      { 'packages/cli/src/a.ts': "import { b } from '@guestpass/core/src/b.ts'" },
      'may not import',
    ],
    [
      'a path into another package',
      { 'packages/cli/src/a.ts': "import { b } from '../../core/src/b.ts'" },
      'leaves its package',
    ],
    [
      'Node in the part of core for browsers',
      { [`${core}/verify/a.ts`]: "import { b } from 'node:crypto'" },
      'outside src/node',
    ],
    [
      'the time of the platform',
      { [`${core}/tokens/a.ts`]: 'export const a = () => Date.now()' },
      'belongs to the ports',
    ],
    ['the environment', { 'packages/cli/src/commands/a.ts': 'export const a = process.env.A' }, 'belongs to the ports'],
    ['a name that says nothing', { [`${core}/domain/utils.ts`]: 'export const a = 1' }, 'a name that says nothing'],
  ])('finds %s', (_what, files, fault) => {
    expect(faultsOf(files).join('\n')).toContain(fault)
  })

  it('finds a cycle, of types too', () => {
    const files = {
      [`${core}/domain/a.ts`]: "import type { B } from './b.ts'\nexport type A = B",
      [`${core}/domain/b.ts`]: "import type { A } from './a.ts'\nexport type B = A",
    }
    expect(faultsOf(files).join('\n')).toContain('import cycle')
  })

  it('ignores comments', () => {
    expect(
      faultsOf({ [`${core}/domain/a.ts`]: '/** Not Date.now(). */\nexport const a = 1 // nor Math.random()' }),
    ).toEqual([])
  })
})

describe('the check of seeds', () => {
  it.each(['const port = Math.random()', "import { randomInt } from 'node:crypto'", 'fc.sample(fc.nat(), 1)'])(
    'finds: %s',
    (line) => {
      const [fault] = faultsOf({ 'tools/a.ts': `// Math.random() is named in a comment\n${line}` }, unseededFaults)
      expect(fault).toMatch(/^tools\/a\.ts:2: .* has no seed/)
    },
  )

  it('lets keys and ids come from the platform', () => {
    expect(faultsOf({ 'tools/a.ts': 'const id = randomUUID()\nconst key = randomBytes(32)' }, unseededFaults)).toEqual(
      [],
    )
  })
})
