import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { JWS, type User, user } from './user.ts'

const KEY = Buffer.alloc(32, 1).toString('base64')
const OTHER_KEY = Buffer.alloc(32, 2).toString('base64')
const key = (...keys: readonly string[]) => ({ env: { GUESTPASS_ENCRYPTION_KEY: keys.join(',') } })

interface Listed {
  readonly data: readonly { id: string; wrappedBy: string; createdAt: string; values: number; current: boolean }[]
}

let upstream: Sandbox
let ann: User

beforeAll(async () => {
  upstream = await sandbox()
})
afterAll(() => upstream.close())
beforeEach(() => {
  ann = user(upstream.env)
})
afterEach(() => {
  expect(ann.leaks([KEY, OTHER_KEY, JWS])).toEqual([])
  ann.removeFolder()
})

const listed = async (...keys: readonly string[]): Promise<Listed['data']> =>
  (await ann.runJson<Listed>('keys list', key(...keys))).said.data

describe('the keys of a store', () => {
  it('rotate: the first key of the list opens the store alone afterwards', async () => {
    await ann.run('guest issue --api guest-tokens --scope webmessaging:guest:send', key(KEY))
    const [before, ...none] = await listed(KEY)
    expect([before?.current, none]).toEqual([true, []])
    expect(before?.values).toBeGreaterThan(0)
    expect(before?.createdAt).toMatch(/^\d{4}-.*Z$/)

    const { code, said } = await ann.runJson('keys rotate', key(OTHER_KEY, KEY))
    expect([code, said]).toEqual([
      0,
      { key: expect.any(String), retired: [before?.id], values: before?.values, resumed: false },
    ])
    const [after, ...others] = await listed(OTHER_KEY)
    expect([after?.id, after?.values, others]).toEqual([said['key'], before?.values, []])
    expect(after?.wrappedBy).not.toBe(before?.wrappedBy)
    expect((await ann.runJson('guest list', key(OTHER_KEY))).said).toMatchObject({ data: [{ generation: 1 }] })
    const { text } = await ann.expectFailure('guest list', 2, 'store_wrong_key', key(KEY))
    expect(text).toContain(after?.wrappedBy)
  })

  it('rotate with a key file too, and the audit log records it', async () => {
    await ann.run('guest issue --api guest-tokens --scope webmessaging:guest:send')
    const { out } = await ann.run('keys rotate')
    expect(out).toMatch(/^\d+ values are sealed anew with [0-9a-f]{16}; one old key is gone\.\n$/)
    expect((await ann.run('keys list')).out).toMatch(/^KEY +STATUS .*\n[0-9a-f]{16} {2}current .*\n$/)
    expect((await ann.run('audit tail --lines 1')).out).toContain('  KEYS_ROTATED             success  cli  ')
    expect((await ann.run('audit verify')).code).toBe(0)
  })
})
