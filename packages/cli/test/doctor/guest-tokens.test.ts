import { connection, memoryStore, resolveHosts, Secret } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
import { sandbox } from '@guestpass/sandbox'
import { expect, it, onTestFinished } from 'vitest'
import { guestTokenFindings, unsignedRemedy } from '../../src/doctor/guest-tokens.ts'

const GUESTS = 7

/** A store with guests of an upstream. `found` asks the upstream for its keys, as it is the first time. */
async function stored() {
  const upstream = await sandbox()
  const { close, ...network } = nodePorts()
  onTestFinished(async () => {
    await close()
    await upstream.close()
  })
  const { GENESYS_CLIENT_ID: id = '', GENESYS_CLIENT_SECRET: secret = '' } = upstream.env
  const options = { hosts: resolveHosts({ baseUrl: upstream.url }), client: { id, secret: new Secret(secret) } }
  const store = memoryStore()
  const { guests } = await connection(options, { ...network, store })
  const issuers: unknown[] = []
  const found = async () => {
    const { verifier } = await connection(options, { ...network, store: memoryStore() })
    const stores = { store, connection: 'default', clock: network.clock, verifier }
    return guestTokenFindings({ ...stores, onVerified: ({ iss }) => void issuers.push(iss) }, 'Do this.')
  }
  return { upstream, guests, found, store, issuers }
}

it('stored guest tokens that no key of the upstream signed are a warning, which names some of the guests', async () => {
  const { upstream, guests, found } = await stored()
  const nothing = expect.stringMatching(/^nothing to check: no guest has a token/)
  expect(await found()).toEqual([{ check: 'guest tokens', state: 'ok', message: nothing }])
  const request = { api: 'guest-tokens', scopes: ['webmessaging:guest:send'] } as const
  for (let issued = 0; issued < GUESTS; issued += 1) await guests.issue(request)
  const message = 'keys of the upstream signed the newest stored tokens (7 looked at)'
  expect(await found()).toEqual([{ check: 'guest tokens', state: 'ok', message }])
  await upstream.rollKeys({ drop: true })
  const { guestId } = await guests.issue(request)
  await guests.revoke(guestId)
  const [warning] = await found()
  expect(warning).toMatchObject({
    check: 'guest tokens',
    state: 'warning',
    message: 'of the newest stored tokens (7 looked at), 7 were signed by no key that the upstream has now',
    remedy: 'Do this.',
  })
  expect(warning?.details).toHaveLength(6)
  expect(warning?.details?.at(-1)).toBe('and 2 more')
  upstream.script([{ on: 'jwks', do: { status: 500 }, times: 9 }])
  // The keys have a finding of their own.
  expect(await found()).toEqual([])
})

it('stored guest tokens are found by their rows if no audit record names them, as after a prune', async () => {
  const { guests, found, store, issuers } = await stored()
  const request = { api: 'guest-tokens', scopes: ['webmessaging:guest:send'] } as const
  for (let issued = 0; issued < 3; issued += 1) await guests.issue(request)
  const { count } = await store.chainHead('default')
  expect(await store.prune('default', { through: count, limit: 1_000 })).toBe(count)
  const message = 'keys of the upstream signed stored tokens (3 looked at)'
  expect(await found()).toEqual([{ check: 'guest tokens', state: 'ok', message }])
  expect(issuers).toEqual(Array.from({ length: 3 }, () => expect.stringMatching(/^http/)))
})

it('the remedy for a sandbox that was started again is an empty store', () => {
  expect(unsignedRemedy('default', '/app/.guestpass/guestpass.db')).toMatch(
    /: begin with .*, `rm -r \/app\/\.guestpass`, and restart your program\./,
  )
  expect(unsignedRemedy('default', "/it's/.guestpass/guestpass.db")).toContain("`rm -r '/it'\\''s/.guestpass'`")
  // The folder may hold files of others.
  expect(unsignedRemedy('default', '/var/lib/guests.db')).toMatch(
    /, another file for --database, and restart your program\. If the upstream/,
  )
  expect(unsignedRemedy('emea', undefined)).toMatch(/^If .*, renew with `guestpass guest refresh ID --connection emea`/)
})
