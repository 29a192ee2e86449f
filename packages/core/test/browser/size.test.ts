import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type OutputChunk, rolldown } from 'rolldown'
import { beforeAll, describe, expect, it } from 'vitest'
import { bundled } from './harness.ts'

const KIB = 1_024
const sizeOf = (code: string): number => gzipSync(code).length / KIB
const shown = (kib: number): string => `${kib.toFixed(1)} KiB`

it('the whole library fits in 145 KiB, minified and with gzip, without anything of Node', async () => {
  const code = await bundled(join(import.meta.dirname, '../../src/index.ts'), true)
  expect(code).not.toMatch(/\bnode:|\brequire\(/)
  console.log(`the whole of @guestpass/core in one file: ${shown(sizeOf(code))} with gzip`)
  expect(sizeOf(code)).toBeLessThan(145)
})

describe('a page that signs its user in and starts a chat', () => {
  let chunks: readonly OutputChunk[]
  beforeAll(async () => {
    const built = await rolldown({ input: join(import.meta.dirname, 'smallest-page.ts'), platform: 'browser' })
    const { output } = await built.generate({ format: 'es', minify: true })
    await built.close()
    chunks = output.filter((chunk) => chunk.type === 'chunk')
  })

  /** The chunks that are loaded for some modules: theirs, and what these import at once. */
  function loadedFor(...names: readonly string[]): ReadonlySet<OutputChunk> {
    const loaded = new Set<OutputChunk>()
    const load = (chunk: OutputChunk | undefined): void => {
      if (!chunk || loaded.has(chunk)) return
      loaded.add(chunk)
      for (const file of chunk.imports) load(chunks.find(({ fileName }) => fileName === file))
    }
    for (const name of names) {
      const chunk = chunks.find(({ facadeModuleId }) => facadeModuleId?.endsWith(`/${name}.ts`))
      expect(chunk, name).toBeDefined()
      load(chunk)
    }
    return loaded
  }
  const sizeFor = (...names: readonly string[]): number =>
    [...loadedFor(...names)].reduce((sum, { code }) => sum + sizeOf(code), 0)
  /** The packages of others among them. */
  const foreignIn = (of: Iterable<OutputChunk>): readonly string[] => [
    ...new Set(
      [...of].flatMap(({ modules }) =>
        Object.entries(modules).flatMap(([id, { renderedLength }]) => {
          const [, name] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(id) ?? []
          return name !== undefined && renderedLength > 0 ? [name] : []
        }),
      ),
    ),
  ]

  const first = ['smallest-page']
  const signIn = [...first, 'sign-in-requests', 'sign-in-checks']
  const chat = [...signIn, 'connection/guests']

  it.each([
    ['loads first', first, 69],
    ['has loaded when its user is signed in', signIn, 78],
    ['has loaded when its guest has a token', chat, 113],
  ])('%s', (what, names, most) => {
    const size = sizeFor(...names)
    console.log(`what a page ${what}: ${shown(size)} with gzip, at most ${most} KiB`)
    expect(size).toBeLessThan(most)
  })

  it('loads no package of others first, oauth4webapi to sign in, and zod for a guest', () => {
    expect(foreignIn(loadedFor(...first))).toEqual([])
    expect(foreignIn(loadedFor(...signIn))).toEqual(['oauth4webapi'])
    expect(foreignIn(loadedFor(...chat)).toSorted()).toEqual(['oauth4webapi', 'zod'])
    expect(foreignIn(chunks).toSorted()).toEqual(['oauth4webapi', 'zod'])
  })

  it('loads nothing of webhooks, audit logs and Node', () => {
    const files = chunks.flatMap(({ modules }) => Object.keys(modules))
    expect(files.filter((id) => /core\/src\/(webhooks|audit|node|outbox|sinks|testing)\//.test(id))).toEqual([])
  })
})
