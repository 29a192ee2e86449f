import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fencesOf } from '../reference/markdown.ts'
import { checkout, type Checkout, type Ended } from './guest-api-checkout.ts'
import { type FixtureUpstream, fixtureUpstream } from './guest-api-upstream.ts'
import { pageOf } from './page.ts'

const CLI = 'packages/cli/bin/guestpass.js'
const fences = fencesOf(pageOf('docs/add-a-guest-api.md'))
const blocks = (language: string): readonly string[] =>
  fences.filter((fence) => fence.language === language).map(({ code }) => code)
/** Blocks whose first line names their file. */
const sources = blocks('ts').flatMap((code) => {
  const [, file] = /^\/\/ (packages\/\S+)\n/.exec(code) ?? []
  return file === undefined ? [] : [{ file, code: code.slice(code.indexOf('\n') + 1) }]
})
const lines = blocks('ts').filter((code) => code.startsWith('export { '))
const [create = '', createAgain = ''] = blocks('json')

/** What the types of the library say of the new API: the second request lacks a field, and the third has one of another API. */
const TYPES = `import type { GuestRequest } from '@guestpass/core'
export const right: GuestRequest = { api: 'demo', email: 'ann@mail.example', nickname: 'Annie' }
// @ts-expect-error
export const without: GuestRequest = { api: 'demo', email: 'ann@mail.example' }
// @ts-expect-error
export const foreign: GuestRequest = { api: 'demo', email: 'ann@mail.example', nickname: 'Annie', channelId: 'web' }
`

let copy: Checkout
let upstream: FixtureUpstream
const guestpass = (args: string, env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  copy.run([CLI, ...args.split(' ')], { ...upstream.env, ...env })

/** The document that a command prints with --json. */
async function document(args: string, env?: Readonly<Record<string, string>>): Promise<Record<string, unknown>> {
  const { out, err, code } = await guestpass(`${args} --json`, env)
  expect(code, err + out).toBe(0)
  return JSON.parse(out) as Record<string, unknown>
}

beforeAll(async () => {
  upstream = await fixtureUpstream(create, 'demo:guests')
  copy = checkout('packages', 'fixtures', 'tools/reference', 'package.json', 'tsconfig.json')
  for (const { file, code } of sources) copy.write(file, code)
  for (const line of lines) copy.append('packages/core/src/upstream/registry.ts', line)
  copy.write('fixtures/wire/demo/create.json', create)
  copy.write('fixtures/wire/demo/create-again.json', createAgain)
  copy.write('packages/runtime/src/demo-types.ts', TYPES)
  const include = ['core', 'runtime', 'server', 'cli'].map((name) => `packages/${name}/src`)
  const tsconfig = { extends: './tsconfig.json', include, exclude: ['packages/cli/src/middleware'] }
  copy.write('tsconfig.demo.json', JSON.stringify(tsconfig))
})
afterAll(async () => {
  await upstream.close()
  copy.remove()
})

describe('a guest API that the page adds', () => {
  it('is one folder, two exchanges and one line', () => {
    expect(sources.map(({ file }) => file)).toEqual(
      ['wire', 'provider', 'api'].map((name) => `packages/core/src/upstream/demo/${name}.ts`),
    )
    expect(blocks('json')).toHaveLength(2)
    expect(lines).toEqual(["export { demo } from './demo/api.ts'\n"])
  })

  it('has types, and its exchanges are replayed by the contract test', { timeout: 120_000 }, async () => {
    const contract = 'packages/core/test/upstream/guest-apis-wire.test.ts'
    const [types, wire] = await Promise.all([
      copy.run(['node_modules/typescript/bin/tsc', '-p', 'tsconfig.demo.json']),
      copy.run(['node_modules/vitest/vitest.mjs', 'run', contract, '-t', 'demo', '--reporter', 'tap-flat']),
    ])
    expect(types.out + types.err).toBe('')
    expect(types.code).toBe(0)
    const passed = wire.out.split('\n').filter((line) => /^ok (?!.*# SKIP)/.test(line))
    expect(passed, wire.out + wire.err).toHaveLength(4)
    for (const file of ['create.json', 'create-again.json']) expect(passed.join('\n')).toContain(`demo/${file}`)
    expect(wire.code).toBe(0)
  })

  it('is issued by the command, verified, stored and recorded in the audit log', async () => {
    const ask = 'guest issue --api demo --email ann@mail.example --nickname Annie'
    const issued = await document(`${ask} --reveal`)
    expect(issued).toMatchObject({ api: 'demo', verified: true, generation: 1, upstream: { nickname: 'Annie' } })
    expect(upstream.asked).toEqual([{ email: 'ann@mail.example', nickname: 'Annie' }])
    const [shown, audit, again] = await Promise.all([
      document(`guest show ${String(issued['guestId'])}`),
      document('audit tail'),
      guestpass(ask),
    ])
    expect(shown).toMatchObject({ api: 'demo', verified: true })
    const records = JSON.stringify(audit)
    expect(records).toMatch(/"guest\.authentication"/)
    expect(records).toContain('"api":"demo"')
    expect(records).not.toMatch(/ann@mail|Annie/)
    expect(again.err).toContain('[session_exists]')
    expect(upstream.asked).toHaveLength(1)
  })

  it('is in help, settings, imports and documentation, and its fields are checked', async () => {
    copy.write('people.csv', 'email,nickname\nbob@mail.example,Bob\n')
    const [help, wrong, missing, opaque, imported, page] = await Promise.all([
      guestpass('guest issue --help'),
      guestpass('guest issue --api demo --email ann@mail.example --nickname A'),
      guestpass('guest issue --api demo --email ann@mail.example --channel web'),
      document('guest issue --api demo --email eve@mail.example --nickname Eve --database opaque.db', {
        GENESYS_DEMO_TOKEN_FORMAT: 'opaque',
      }),
      document('guest import people.csv --api demo --database import.db'),
      copy.run(['tools/reference/guest-apis-page.ts']),
    ])
    const listed = help.out.replaceAll(/\s+/g, ' ')
    expect(listed).toContain('--api <name> the API that issues: guest-tokens, demo, engagements, external-users')
    expect(listed).toContain('--nickname <nickname> demo: what the guest is called in the chat, 2 to 20 letters')
    expect([wrong.code, missing.code]).toEqual([2, 2])
    expect(wrong.err).toContain('--nickname: not 2 to 20 letters')
    expect(missing.err).toContain('--channel: not a field of this request')
    expect(missing.err).toContain('Give 2 to 20 letters.')
    expect(opaque).toMatchObject({ api: 'demo', verified: false })
    expect(imported).toMatchObject({ api: 'demo', done: 1, failed: 0 })
    expect(page.out).toContain('| `demo` | a guest with a nickname | `demo:guests` | one for each address |')
    expect(page.out).toContain('| `nickname` | yes | what the guest is called in the chat, 2 to 20 letters |')
  })
})
