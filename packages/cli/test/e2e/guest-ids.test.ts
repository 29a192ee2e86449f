import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type User, user } from './user.ts'

const EMAIL = 'ann.example@mail.example'
const ISSUE = `guest issue --api engagements --email ${EMAIL} --consent --channel web-1`

let upstream: Sandbox
let ann: User
beforeAll(async () => {
  upstream = await sandbox({ guestIds: 'text' })
  ann = user(upstream.env)
})
afterAll(async () => {
  ann.removeFolder()
  await upstream.close()
})
afterEach(() => expect(ann.leaks([EMAIL])).toEqual([]))

describe('a guest whose id is no UUID', () => {
  it('has the id of upstream in every command, and is reached by it', async () => {
    const { said } = await ann.runJson<{ guestId: string; token: string }>(`${ISSUE} --reveal`)
    const { guestId } = said
    expect(guestId).toMatch(/^guest\/[\w-]{12}\?ü$/)
    expect(upstream.journal().find(({ operation }) => operation === 'update')).toMatchObject({ guestId, status: 200 })
    expect((await ann.runJson('guest list')).said).toMatchObject({ data: [{ guestId }] })
    expect(await ann.runJson(`verify - --subject ${guestId}`, { input: said.token })).toMatchObject({ code: 0 })
    expect((await ann.runJson(`guest show ${guestId}`)).said).toMatchObject({ guestId, api: 'engagements' })
    expect((await ann.runJson(`guest show ${guestId} --api engagements`)).code).toBe(0)
    await ann.expectFailure(`guest show ${guestId} --api external-users`, 2, 'guest_unknown')
    expect((await ann.runJson(`guest refresh ${guestId}`)).said).toMatchObject({ generation: 2 })
    expect((await ann.runJson(`guest token ${guestId}`)).said).toMatchObject({ generation: 2 })
    expect((await ann.runJson(`guest erase ${guestId}`)).code).toBe(0)
    await ann.expectFailure(`guest token ${guestId}`, 2, 'guest_revoked')
    expect((await ann.runJson('audit verify')).code).toBe(0)
  })
})
