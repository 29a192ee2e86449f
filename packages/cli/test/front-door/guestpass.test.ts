import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Secret } from '../../src/front-door/index.ts'
import { temporaryFolder } from '../spawn-cli.ts'
import { type PlainUpstream, plainUpstream } from '../upstream/plain-upstream.ts'
import { programs } from './programs.ts'

const SEND = { scopes: ['webmessaging:guest:send'] }
const ANN = { api: 'engagements', email: 'ann@example.com', consent: true, channelId: 'web-1' } as const

let upstream: PlainUpstream
let genesys: Sandbox
let place: ReturnType<typeof temporaryFolder>

beforeAll(async () => {
  upstream = await plainUpstream()
  genesys = await sandbox()
})
afterAll(() => Promise.all([upstream.close(), genesys.close()]))
beforeEach(() => {
  place = temporaryFolder()
})
afterEach(() => place.remove())

/** A program with nothing in its environment but the upstream. */
const program = programs(() => ({ env: upstream.env, cwd: place.cwd }))

describe('guestpass()', () => {
  it.each(['plain', 'sandbox'] as const)('issues, verifies, renews and revokes a guest (%s)', async (which) => {
    const gp = await program({ env: which === 'plain' ? upstream.env : { ...genesys.env } })
    const issued = await gp.guests.issue(SEND)
    expect(await gp.verify(issued.token.reveal(), SEND)).toMatchObject({ valid: true, claims: { sub: issued.guestId } })
    expect(await gp.guests.token(issued.guestId)).toMatchObject({ generation: 1 })
    expect(await gp.guests.show(issued.guestId)).toMatchObject({ status: 'active' })
    expect((await gp.guests.list({ status: 'active', api: 'guest-tokens' })).guests).toHaveLength(1)
    expect((await gp.guests.list({ status: 'expired' })).guests).toEqual([])
    await gp.guests.revoke(issued.guestId)
    expect(await gp.verify(issued.token.reveal())).toEqual({ valid: false, reason: 'revoked' })
  })

  it('finds, hands out and erases a person by address', async () => {
    const gp = await program()
    const { guestId } = await gp.guests.issue(ANN)
    expect(await gp.guests.find({ email: 'Ann@Example.com' })).toMatchObject([{ guestId }])
    expect(await gp.guests.export({ email: ANN.email })).toMatchObject({ guests: [{ guestId }] })
    expect(await gp.guests.erase({ email: ANN.email })).toMatchObject({ guests: [{ guestId, local: 'done' }] })
    expect(await gp.guests.find({ email: ANN.email })).toEqual([])
  })

  it('gives the access token of an API, of scopes, or the usual one', async () => {
    const gp = await program()
    const token = await gp.accessToken({ for: 'engagements' })
    expect(token).toEqual({
      token: expect.any(Secret),
      expiresAt: expect.any(Number),
      scopes: expect.any(Array),
      generation: 1,
    })
    expect((await gp.accessToken({ scopes: ['guest:read'] })).scopes).toEqual(['guest:read'])
    expect((await gp.accessToken()).token.reveal()).not.toBe(token.token.reveal())
  })

  it('finds its guests and its access token on the next run', async () => {
    const first = await program()
    const { guestId, token } = await first.guests.issue(SEND)
    await first.accessToken({ for: 'guest-tokens' })
    await first.close()
    const before = upstream.met.length
    const second = await program()
    expect((await second.guests.token(guestId)).token.reveal()).toBe(token.reveal())
    await second.accessToken({ for: 'guest-tokens' })
    expect(upstream.met.slice(before)).toEqual([])
  })

  it('keeps nothing with a store in memory', async () => {
    const first = await program({ store: 'memory' })
    const { guestId } = await first.guests.issue(SEND)
    const second = await program({ store: 'memory' })
    await expect(second.guests.show(guestId)).rejects.toMatchObject({ code: 'guest_unknown' })
  })

  it('has a share of an open store only with its key', async () => {
    const one = await program()
    const encryptionKey = Buffer.alloc(32, 7).toString('base64')
    await expect(program({ encryptionKey })).rejects.toMatchObject({ code: 'store_wrong_key' })
    await one.guests.issue(SEND)
    const other = await program()
    await one.close()
    expect((await other.guests.list()).guests).toHaveLength(1)
  })

  it('opens a store that could not be opened before', async () => {
    const file = join(place.cwd, 'guests.db')
    writeFileSync(file, 'not a database, but long enough for a header')
    const both = [program({ store: file }), program({ store: 'guests.db' })]
    for (const one of await Promise.allSettled(both))
      expect(one).toMatchObject({ status: 'rejected', reason: { code: 'store_corrupt' } })
    rmSync(file)
    expect((await (await program({ store: 'guests.db' })).guests.list()).guests).toEqual([])
  })

  it('refuses PostgreSQL without a key, by the name of the option', async () => {
    await expect(program({ store: 'postgres://user:hidden-word@host/db' })).rejects.toMatchObject({
      code: 'config_invalid',
      fields: [{ field: 'encryptionKey' }],
      message: expect.not.stringContaining('hidden-word'),
    })
  })
})
