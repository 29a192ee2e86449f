import { readdirSync, writeFileSync } from 'node:fs'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { runInProcess } from '../run-in-process.ts'
import { temporaryFolder } from '../spawn-cli.ts'
import { programs } from './programs.ts'

const REDIRECT = 'http://127.0.0.1:8976/callback'
const CHANNEL = '3fa85f64-5717-4562-b3fc-2c963f66afa6'
const ann = { api: 'engagements', email: 'ann@example.com', consent: true, channelId: CHANNEL } as const
const bob = { ...ann, email: 'bob@example.com' } as const

let genesys: Sandbox
let place: ReturnType<typeof temporaryFolder>
beforeAll(async () => {
  genesys = await sandbox({ autoConsent: true })
})
afterAll(() => genesys.close())
beforeEach(() => {
  place = temporaryFolder()
})
afterEach(() => place.remove())

const program = programs(() => ({ env: { ...genesys.env }, cwd: place.cwd }))

/** Runs a command in the folder of the test. Gives the document that it prints. */
async function command(...argv: readonly string[]): Promise<{ readonly code: number | null; readonly said: unknown }> {
  const { code, out } = await runInProcess([...argv, '--json'], place.cwd, { ...genesys.env })
  return { code, said: JSON.parse(out) }
}

/** Calls the API with a token that it refuses once: the connection renews the token if it can. */
async function callRefusedOnce(gp: Awaited<ReturnType<typeof program>>): Promise<number> {
  genesys.script([{ on: 'users', do: { status: 401 }, times: 1 }])
  return (await gp.fetch('/api/v2/users/me')).status
}

/** The grant types of the token requests since the last call. */
function tokenRequests(): readonly string[] {
  const from = seen
  seen = genesys.journal().length
  return genesys
    .journal()
    .slice(from)
    .flatMap(({ path, body }) =>
      path.endsWith('/oauth/token')
        ? [/refresh_token|client_credentials/.exec(JSON.stringify(body))?.[0] ?? 'other']
        : [],
    )
}
let seen = 0

describe('a restore from a backup', () => {
  it('erases again, and never sends a spent refresh token without a declaration', async () => {
    const before = await program()
    const { url } = await before.signIn.begin({ redirectUri: REDIRECT })
    const { headers } = await globalThis.fetch(url, { redirect: 'manual' })
    await before.signIn.complete(new URL(headers.get('location') ?? REDIRECT))
    await before.guests.issue(ann)
    await before.guests.issue(bob)
    expect(await command('backup', 'yesterday.db')).toMatchObject({ code: 0, said: { bytes: expect.any(Number) } })
    // The refresh token of the backup is spent, and Ann is erased.
    expect(await callRefusedOnce(before)).toBe(200)
    await before.guests.erase({ email: ann.email })
    expect(await command('restore', 'yesterday.db')).toMatchObject({ code: 1, said: { code: 'store_busy' } })
    await before.close()

    const { code, said } = await command('restore', 'yesterday.db')
    const done = { inDoubt: 2, erased: 1, records: expect.any(Number) }
    expect({ code, said }).toMatchObject({ code: 0, said: { connections: { default: done } } })
    const after = await program()
    expect(await after.guests.find({ email: ann.email })).toEqual([])
    expect(await after.guests.find({ email: bob.email })).toMatchObject([{ status: 'in_doubt' }])
    tokenRequests()
    expect((await after.accessToken()).generation).toBe(1)
    expect(tokenRequests()).toEqual([])
    await expect(callRefusedOnce(after)).rejects.toMatchObject({ code: 'needs_reauth' })
    expect(tokenRequests()).toEqual(['refresh_token'])
    const { out } = await runInProcess(['audit', 'export'], place.cwd, { ...genesys.env })
    const types = ['GUEST_ERASED', 'GRANT_IN_DOUBT', 'STORE_RESTORED', 'GRANT_LAST_RESORT', 'GRANT_ENDED']
    const order = types.map((type) => out.indexOf(`"eventType":"${type}"`))
    expect(order).toEqual(order.toSorted((a, b) => a - b))
    expect(order[0]).toBeGreaterThan(0)
    expect(await command('audit', 'verify')).toMatchObject({ code: 0 })
    const names = readdirSync(`${place.cwd}/.guestpass`)
    expect(names.filter((name) => name.includes('.replaced-'))).toHaveLength(1)
    expect(names).toContain('guestpass.db.erasures')
    const replaced = expect.stringMatching(/guestpass\.db\.replaced-\d{8}T\d{6}Z/)
    const findings = (await command('doctor')).said as { readonly findings: readonly object[] }
    expect(findings.findings).toContainEqual(
      expect.objectContaining({ check: 'erasure', state: 'warning', message: replaced, remedy: replaced }),
    )
    const remains = expect.arrayContaining([replaced])
    expect(await command('guest', 'erase', '--email', bob.email)).toMatchObject({ code: 0, said: { remains } })
  })

  it('says that a list of erasures is missing, and how to see the revocations that are lost', async () => {
    const before = await program()
    const { guestId } = await before.guests.issue({ ...ann, email: 'carl@example.com' })
    await command('backup', 'yesterday.db')
    await before.guests.revoke(guestId)
    const checkpoint = await runInProcess(['audit', 'checkpoint'], place.cwd, { ...genesys.env })
    writeFileSync(`${place.cwd}/checkpoint.json`, checkpoint.out)
    await before.close()
    const restore = () => runInProcess(['restore', 'yesterday.db'], place.cwd, { ...genesys.env })
    const first = await restore()
    expect(first.out).toMatch(/\d+ audit records; \d+ refresh tokens? in doubt; 0 guests erased again\./)
    expect(first.err).toContain('guestpass.db.erasures')
    expect(first.err).toMatch(/no list of erasures .* guests that were erased after the backup are back/)
    const [, listed = ''] = /`guestpass (audit tail .*)`/.exec(first.out) ?? []
    expect(listed).toMatch(/--database \S+\.replaced-\S+ --event TOKEN_REVOKED --since \d{4}-/)
    const { code, out } = await runInProcess(listed.split(' '), place.cwd, { ...genesys.env })
    expect([code, out.trim().split('\n')]).toEqual([0, [expect.stringContaining(`guest ${guestId}`)]])
    const verify = ['audit', 'verify', '--checkpoint', 'checkpoint.json']
    const verified = await runInProcess(verify, place.cwd, { ...genesys.env })
    expect(verified.code).toBe(4)
    expect(verified.out).toMatch(/Record \d+ STORE_RESTORED says that the store was restored from a backup at \d{4}-/)

    const after = await program()
    await after.guests.erase(guestId)
    await after.close()
    expect((await restore()).err).not.toContain('erasures')
  })
})
