import { connection, memoryStore, resolveHosts, Secret, type Store } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
import { fakeClock } from '@guestpass/core/testing'
import { readConfig } from '@guestpass/runtime'
import { sandbox } from '@guestpass/sandbox'
import { describe, expect, it, onTestFinished } from 'vitest'
import { signInUser } from '../../src/demo/sign-in.ts'
import { createConnectionWatch } from '../../src/keep/connection-watch.ts'
import type { KeepEntry } from '../../src/keep/keep-log.ts'
import { clockFindings } from '../../src/doctor/server-clock.ts'
import { upstreamFindings } from '../../src/doctor/upstream.ts'

const MINUTE = 60_000

/** A sign-in whose access token of an hour is as old as is given, on virtual time. */
async function signedIn(age = 59.5 * MINUTE) {
  const clock = fakeClock()
  const upstream = await sandbox({ autoConsent: true, now: () => clock.wall() })
  const { close, ...network } = nodePorts()
  onTestFinished(async () => {
    await close()
    await upstream.close()
  })
  const { GENESYS_CLIENT_ID: id = '', GENESYS_CLIENT_SECRET: secret = '' } = upstream.env
  // Its methods are inherited, as those of an instance of a class.
  const store = Object.create(memoryStore({ clock })) as Store
  const ports = { ...network, clock, store }
  const { signIn } = await connection(
    { hosts: resolveHosts({ baseUrl: upstream.url }), client: { id, secret: new Secret(secret) } },
    ports,
  )
  await signInUser(signIn, upstream.env['GENESYS_SCOPES']?.split(' ') ?? [])
  await clock.advance(age)
  const config = await readConfig({ env: upstream.env, cwd: import.meta.dirname, needs: ['hosts', 'clientId'] })
  const examine = async (changed: Partial<typeof config.settings> = {}) => {
    const settings = { ...config.settings, ...changed }
    const { signal } = new AbortController()
    const findings = await upstreamFindings({ config: { ...config, settings }, ports, signal })
    return (check: string) => findings.find((one) => one.check === check)
  }
  return { clock, upstream, examine, ports }
}

describe('the sign-in of a user that is due', () => {
  it('is renewed', async () => {
    const { upstream, examine } = await signedIn()
    const before = upstream.journal().length
    expect((await examine())('OAuth client')).toMatchObject({ state: 'ok' })
    expect(upstream.journal().slice(before)).toContainEqual(expect.objectContaining({ path: '/api/v2/oauth/token' }))
  })

  it('is failed if its renewal fails, although the token in use is valid', async () => {
    const { examine } = await signedIn()
    const found = await examine({ clientSecret: new Secret('test-secret-not-right-9b2e') })
    expect(found('OAuth client')).toMatchObject({
      state: 'failed',
      code: 'client_rejected',
      message: expect.stringMatching(/The token in use is valid until /),
    })
    expect(found('API request')).toMatchObject({ state: 'ok' })
  })

  it('is failed once it has ended, while its access token is served and after that', async () => {
    const { clock, upstream, examine, ports } = await signedIn()
    const entries: KeepEntry[] = []
    const log = (entry: KeepEntry): void => void entries.push(entry)
    const watch = createConnectionWatch({ store: ports.store, connection: 'default', clock, log })
    await watch.look()
    const body = { error: 'invalid_grant', description: 'token is not valid' }
    upstream.script([{ on: 'token', do: { status: 400, body }, times: 9 }])
    const ended = (until: RegExp) => ({
      check: 'OAuth client',
      state: 'failed',
      code: 'needs_reauth',
      message: expect.stringMatching(until),
      remedy: 'Sign in again with `guestpass login`.',
    })
    const served = /^the sign-in ended at \S+Z \(token is not valid\)\. The access token is served until \S+Z\.$/
    // The first look renews in vain; the second one finds the end in the store.
    for (let look = 0; look < 2; look += 1) expect((await examine())('OAuth client')).toEqual(ended(served))
    await watch.look()
    expect(entries).toMatchObject([{ event: 'connection_changed', level: 'error', facts: { status: 'needs_reauth' } }])
    expect(entries[0]?.message).toContain('needs_reauth: the sign-in ended at 2026-01-01T00:59:30.000Z (token is not')
    await clock.advance(MINUTE)
    expect((await examine())('OAuth client')).toEqual(ended(/\(token is not valid\)\. The access token ended at /))
  })
})

it('a sign-in that the API refuses may be of a sandbox that was started again', async () => {
  const { upstream, examine } = await signedIn(MINUTE)
  await upstream.reset()
  expect((await examine())('API request')).toMatchObject({
    code: 'access_rejected',
    remedy:
      'The token may have been revoked, or this is a sandbox that was started again. Sign in again with `guestpass login`.',
  })
})

describe('the clock', () => {
  it('is compared with the Date of the answers', async () => {
    const { upstream, examine } = await signedIn()
    expect((await examine())('clock')).toMatchObject({ state: 'ok' })
    upstream.setClock(-90_000)
    expect((await examine())('clock')).toMatchObject({
      state: 'warning',
      message: expect.stringMatching(/^the clock of the upstream is (89|90|91) s behind the clock of this machine$/),
      // The upstream of this test is on loopback: it may be a sandbox whose clock was moved.
      remedy: expect.stringMatching(/sandbox.*\{"offsetMs": 0\} to POST .*\/__sandbox\/clock\..*NTP/),
    })
    const finding = clockFindings(-90_000, 'https://login.mypurecloud.ie')[0]
    expect(finding?.remedy).toBe('Set the clock of this machine, and keep it right by NTP.')
  })

  it('is named as the cause if it makes a new token count as expired', async () => {
    const { upstream, examine } = await signedIn()
    upstream.setClock(-3 * 24 * 60 * MINUTE)
    expect((await examine())('OAuth client')).toMatchObject({
      state: 'failed',
      code: 'token_refused',
      message: expect.stringMatching(/counts as expired, because the clock of the upstream is 2592\d\d s behind/),
      remedy: expect.stringContaining('NTP'),
    })
  })
})
