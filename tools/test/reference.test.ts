import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { type PublicName, publicNames } from '../../docs/api/public-api.ts'
import { errorCatalogue } from '../../packages/core/src/domain/errors.ts'
import { errorsPage } from '../reference/errors-page.ts'
import { docstringFaults, hiddenTypeFaults } from '../reference/docstrings.ts'
import { surfaceFaults, surfaceTexts } from '../reference/surface.ts'

const root = mkdtempSync(join(tmpdir(), 'guestpass-reference-'))
afterAll(() => rmSync(root, { recursive: true }))

const files = {
  'package.json': '{"workspaces":["packages/core"]}',
  'packages/core/package.json': '{"name":"@guestpass/core","exports":{".":"./src/index.ts"}}',
  'packages/core/src/index.ts': `
    export { type Token, clock, Holder as Keeper, parse } from './a.ts'
    /** Kinds of options. */
    export * as options from './b.ts'`,
  'packages/core/src/a.ts': `
    interface Hidden { readonly at: number }
    /** A token. */
    export interface Token { /** Inside. */ readonly seen?: Hidden }
    /** Gives the time. */
    export const clock = (skew = 0): { now(): number } => ({ now: () => skew })
    export class Holder { #inner = 1; readonly name = 'x'; private held(): number { return this.#inner } get(key: string): number { return 1 } }
    /**
     * Reads one.
     *
     * @example
     * \`\`\`ts
     * parse('a')
     * \`\`\`
     */
    export function parse({ text }: { readonly text: string }, strict = true): Token { return text && strict ? {} : {} }`,
  'packages/core/src/b.ts': 'export const flag = true',
}
for (const [file, text] of Object.entries(files)) {
  mkdirSync(dirname(join(root, file)), { recursive: true })
  writeFileSync(join(root, file), text)
}
const names = publicNames(root)
const file = 'docs/api/surface/core.txt'
const text = surfaceTexts(names).get(file) ?? ''

describe('the text of the public API', () => {
  it('shows each name with its types, without bodies and private members', () => {
    expect(text).toBe(`# @guestpass/core: 6 names

class Keeper {
    readonly name: 'x';
    get(key: string): number;
}
interface Token {
    readonly seen?: Hidden;
}
const clock: (skew?: number) => {
    now(): number;
}
namespace options
const options.flag: true
function parse(options: {
    readonly text: string;
}, strict?: boolean): Token
`)
  })

  it('differs from a committed text by line, and from an entry that is gone', () => {
    expect(surfaceFaults(names, () => text, [file])).toEqual([])
    const before = text.replace('seen?', 'seen')
    expect(surfaceFaults(names, () => before, [file, 'docs/api/surface/old.txt'])).toEqual([
      `${file}: +     readonly seen?: Hidden;`,
      `${file}: -     readonly seen: Hidden;`,
      'docs/api/surface/old.txt: no package has this entry',
    ])
    expect(surfaceFaults(names, () => text.split('\n').toReversed().join('\n'), [file])).toHaveLength(1)
  })

  it('has at most 120 names of core', () => {
    const [one] = names as readonly [PublicName]
    const many = Array.from({ length: 121 }, (_, at) => ({ ...one, name: `name${at}`, text: `const name${at}: 1` }))
    const committed = (): string | undefined => surfaceTexts(many).get(file)
    expect(surfaceFaults(many, committed, [])).toEqual(['@guestpass/core: exports 121 names, more than 120'])
    expect(surfaceFaults(many.slice(1), () => surfaceTexts(many.slice(1)).get(file), [])).toEqual([])
  })
})

describe('the check of docstrings', () => {
  it('finds names without one, and factories without an example', () => {
    expect(docstringFaults(names)).toEqual([
      'packages/core/src/a.ts: Keeper has no docstring',
      'packages/core/src/a.ts: clock has no @example',
      'packages/core/src/a.ts: the @example of parse imports nothing, so that it is no program',
      'packages/core/src/b.ts: options.flag has no docstring',
    ])
  })

  it('finds types that no entry exports', () => {
    expect(hiddenTypeFaults(names)).toEqual([
      'packages/core/src/a.ts: Token refers to Hidden of packages/core/src/a.ts, which no entry exports',
    ])
  })

  it('gives the code of examples', () => {
    expect(names.flatMap(({ examples }) => examples)).toEqual([{ of: 'parse', code: "parse('a')\n" }])
  })
})

describe('the page of errors', () => {
  it('has each code once, with its status, exit code and remedy', () => {
    const rows = errorsPage()
      .split('\n')
      .filter((line) => line.startsWith('| `'))
    const codes = rows.map(
      (line) => /^\| `(\w+)` \| [^|]+ \| \d{3} \| [1-4] \| (?:yes|no) \| [^|]{10,} \|$/.exec(line)?.[1],
    )
    expect(codes).toEqual(Object.keys(errorCatalogue))
  })
})
