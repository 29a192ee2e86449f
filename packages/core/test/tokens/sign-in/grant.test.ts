import { describe, expect, it } from 'vitest'
import type { ConnectionOptions } from '../../../src/connection/connection.ts'
import type { AccessCredential } from '../../../src/domain/credential.ts'
import { Secret } from '../../../src/domain/secret.ts'
import { GuestpassError } from '../../../src/domain/errors.ts'
import { DAY, HOUR, MINUTE, SECOND } from '../../../src/domain/time.ts'
import type { Http } from '../../../src/ports/http.ts'
import type { Store } from '../../../src/ports/store.ts'
import { type FakeClock, settle } from '../../../src/testing/index.ts'
import { json, jwt } from '../../world/fake-upstream.ts'
import {
  answers,
  type GrantServer,
  grantServer,
  lostAfter,
  lostBefore,
  type ScriptedRefresh,
  slow,
} from '../../world/grant-server.ts'
import { resolveHosts } from '../../../src/upstream/hosts.ts'
import { outcome, advanceUntil, refusal, type World, world } from '../../world/world.ts'

interface SignedIn extends World {
  readonly server: GrantServer
  readonly seed: Secret
  /** A process of a connection that is seeded with the refresh token. */
  readonly seeded: (more?: Partial<ConnectionOptions>) => ReturnType<World['process']>
  types(): Promise<readonly string[]>
}

function signedIn(of: Parameters<typeof grantServer>[1] = {}): SignedIn {
  const here = world()
  const server = grantServer(here.clock, of)
  here.upstream.token = server.answering
  const seed = new Secret(server.issue())
  return {
    ...here,
    server,
    seed,
    seeded: (more = {}) => here.process({ refreshToken: seed, ...more }),
    types: async () => (await here.events()).map(({ type }) => type),
  }
}

const status = async ({ store }: Pick<World, 'store'>): Promise<string | undefined> =>
  (await store.find('default', 'grant')).credential?.status

/** Turns the stored sign-in into a row of another kind, as a damaged store has it. */
async function damageKind({ store }: World): Promise<void> {
  const { credential, revision } = await store.find('default', 'grant')
  if (!credential) throw new Error('no grant')
  const damaged = { ...credential, kind: 'access' } as AccessCredential
  await store.commit({
    connection: 'default',
    writes: [{ credential: damaged, expect: { generation: credential.generation, revision } }],
  })
}

describe('a sign-in whose row is damaged to another kind', () => {
  type Process = Awaited<ReturnType<World['process']>>

  it.each<[string, (process: Process) => Promise<unknown>]>([
    ['a token', ({ accessTokens }) => accessTokens.token()],
    ['whether a user is signed in', ({ grant }) => grant.exists()],
    ['the renewal of an idle sign-in', ({ grant }) => grant.keepAlive()],
    ['a sign-out', ({ signOut }) => signOut()],
    ['a new sign-in', ({ signIn }) => signIn.begin({ redirectUri: 'http://127.0.0.1:8976/callback' })],
  ])('answers a request for %s with store_corrupt, and keeps the row', async (_what, ask) => {
    const here = signedIn()
    await (await here.seeded()).accessTokens.token()
    await damageKind(here)
    const before = await here.store.find('default', 'grant')
    const process = await here.process({ refreshToken: new Secret('another-seed') })
    const error = await refusal(ask(process))
    expect([error.code, error.message]).toEqual(['store_corrupt', expect.stringContaining('of the kind access')])
    expect((await here.store.find('default', 'grant')).revision).toBe(before.revision)
    expect(here.server.refreshes).toHaveLength(1)
  })
})

describe('a connection that is signed in', () => {
  it('gets its tokens by the refresh grant, each refresh with the token that the one before brought', async () => {
    const here = signedIn()
    const { accessTokens } = await here.seeded()
    const first = await accessTokens.token()
    expect(first.token.reveal()).toBe('test-secret-access-2')
    expect(first).toMatchObject({ scopes: ['user:read', 'guest:write'], generation: 1, status: 'active' })
    await here.clock.advance(HOUR)
    expect(await outcome(accessTokens.token())).toBe('test-secret-access-3')
    expect(here.server.refreshes.map((form) => form.get('refresh_token'))).toEqual([
      'test-secret-refresh-1',
      'test-secret-refresh-2',
    ])
    expect(await here.types()).toEqual(
      Array.from({ length: 2 }, () => ['ACCESS_TOKEN_INITIATED', 'ACCESS_TOKEN_RENEWED']).flat(),
    )
  })

  it('goes on from the store after a restart, with nothing sent', async () => {
    const here = signedIn()
    await (await here.seeded()).accessTokens.token()
    const { accessTokens } = await here.process()
    expect(await outcome(accessTokens.token())).toBe('test-secret-access-2')
    expect(here.server.refreshes).toHaveLength(1)
  })

  it('refreshes once for 64 callers in 4 processes', async () => {
    const here = signedIn()
    const processes = await Promise.all([1, 2, 3, 4].map(() => here.seeded()))
    here.server.meets(slow(here.clock))
    const asked = processes.flatMap(({ accessTokens }) =>
      Array.from({ length: 16 }, () => outcome(accessTokens.token())),
    )
    await here.clock.advance(10 * SECOND)
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['test-secret-access-2']))
    expect(here.server.refreshes).toHaveLength(1)
  })

  it('is not put in doubt by a caller who does not wait for it', async () => {
    const here = signedIn()
    const { accessTokens } = await here.seeded()
    here.server.meets(slow(here.clock, 5 * SECOND))
    const error = await advanceUntil(here.clock, refusal(accessTokens.token({ patienceMs: SECOND })))
    expect(error.code).toBe('deadline_exceeded')
    expect(await advanceUntil(here.clock, outcome(accessTokens.token()))).toBe('test-secret-access-2')
    expect([here.server.refreshes.length, await status(here)]).toEqual([1, 'active'])
  })

  it('presents no refresh token twice when two sets of scopes are wanted at once', async () => {
    const here = signedIn()
    const one = await here.seeded({ scopes: ['user:read'] })
    const other = await here.seeded({ scopes: ['guest:write'] })
    for (let round = 0; round < 3; round += 1) {
      const asked = Promise.all([one.accessTokens.token(), other.accessTokens.token()])
      await here.clock.advance(SECOND)
      await asked
      await here.clock.advance(HOUR)
    }
    expect([...here.server.presented.values()].every((times) => times === 1)).toBe(true)
    expect((await one.accessTokens.token()).scopes).toEqual(expect.arrayContaining(['user:read', 'guest:write']))
    expect(here.server.reuses()).toBe(0)
  })

  it.each([
    ['fails', answers(503)],
    ['is lost', lostBefore],
  ])('serves a token that lacks a scope when the renewal for that scope %s', async (_name, scripted) => {
    const here = signedIn()
    const first = await (await here.seeded({ scopes: ['user:read'] })).accessTokens.token()
    const { accessTokens } = await here.process({ scopes: ['user:read', 'guest:write'] })
    expect(first.scopes).toEqual(['user:read'])
    here.server.meets(scripted, scripted)
    expect(await advanceUntil(here.clock, outcome(accessTokens.token()))).toBe(first.token.reveal())
    await here.clock.advance(5 * MINUTE)
    expect(await outcome(accessTokens.token())).toMatch(/^test-secret-access-/)
  })

  it('refuses to ask for more than was granted before it sends anything, and names the excess', async () => {
    const here = signedIn()
    await (await here.seeded()).accessTokens.token()
    const { accessTokens } = await here.process({ scopes: ['user:read', 'user:write', 'user'] })
    const error = await refusal(accessTokens.token())
    expect([error.code, error.message]).toEqual(['scope_missing', expect.stringContaining('user:write user;')])
    expect(here.server.refreshes).toHaveLength(1)
  })

  it('asks for the scopes of the configuration when the upstream never named those that it granted', async () => {
    const here = signedIn()
    here.server.meets((work) => {
      const { scope: _untold, ...answer } = JSON.parse(new TextDecoder().decode(work().bytes)) as Record<
        string,
        unknown
      >
      return answers(200, answer)(work)
    })
    await (await here.seeded()).accessTokens.token()
    await here.clock.advance(HOUR)
    const { accessTokens } = await here.process({ scopes: ['user:read'] })
    expect((await accessTokens.token()).scopes).toEqual(['user:read'])
  })

  it('serves a token that upstream gives fewer scopes than were asked for, and does not ask for them over and over', async () => {
    const here = signedIn()
    const narrower: ScriptedRefresh = (work) => {
      const answer = JSON.parse(new TextDecoder().decode(work().bytes)) as object
      return json(200, { ...answer, scope: 'user:read' })
    }
    here.server.meets(narrower, narrower, narrower)
    const { accessTokens } = await here.seeded({ scopes: ['user:read', 'guest:write'] })
    for (let round = 0; round < 5; round += 1) {
      expect((await accessTokens.token()).scopes).toEqual(['user:read'])
      await here.clock.advance(MINUTE)
    }
    expect(here.server.refreshes).toHaveLength(2)
  })

  it('is not refreshed by another OAuth client: nothing is sent, nothing is lost', async () => {
    const here = signedIn()
    await (await here.seeded()).accessTokens.token()
    await here.clock.advance(56 * MINUTE)
    const other = await here.process({ client: { id: 'another-client', secret: new Secret('test-secret-another') } })
    expect(await outcome(other.accessTokens.token())).toBe('test-secret-access-2')
    await here.clock.advance(10 * MINUTE)
    const error = await refusal(other.accessTokens.token())
    expect([error.code, error.message]).toEqual(['config_invalid', expect.stringContaining('`client.id`')])
    expect([here.server.refreshes.length, await status(here)]).toEqual([1, 'active'])
    expect(await outcome((await here.process()).accessTokens.token())).toBe('test-secret-access-3')
  })

  it('is renewed after 15 idle days and not before', async () => {
    const here = signedIn()
    const { accessTokens, grant } = await here.seeded()
    await accessTokens.token()
    await here.clock.advance(14 * DAY)
    await grant.keepAlive()
    expect(here.server.refreshes).toHaveLength(1)
    await here.clock.advance(DAY + MINUTE)
    await grant.keepAlive()
    await grant.keepAlive()
    expect(here.server.refreshes).toHaveLength(2)
  })

  it('is renewed without a caller when its tokens come from the future, because their age is not known', async () => {
    const here = signedIn()
    here.clock.stepWall(DAY)
    await (await here.seeded()).accessTokens.token()
    here.clock.stepWall(-DAY)
    const { grant } = await here.process()
    await grant.keepAlive()
    await grant.keepAlive()
    expect(here.server.refreshes).toHaveLength(2)
  })

  it('that has ended is reported to the keeper, and one that was signed out is not', async () => {
    const here = signedIn()
    const { accessTokens, grant, signOut } = await here.seeded()
    await accessTokens.token()
    await grant.keepAlive()
    here.server.end()
    await here.clock.advance(HOUR)
    expect(await outcome(accessTokens.token())).toBe('needs_reauth')
    expect((await refusal(grant.keepAlive())).code).toBe('needs_reauth')
    await signOut()
    await grant.keepAlive()
  })

  it('gets another token when a resource refused exactly this one', async () => {
    const here = signedIn()
    const { accessTokens } = await here.seeded()
    accessTokens.reportRejected((await accessTokens.token()).token)
    expect(await outcome(accessTokens.token())).toBe('test-secret-access-3')
  })
})

it('a refresh that ends after the sign-out is ended upstream as well', async () => {
  const here = signedIn()
  const revoked: (string | null)[] = []
  const http: Http = async (request, signal) => {
    if (!request.url.endsWith('/revoke')) return here.upstream.http(request, signal)
    revoked.push(new URLSearchParams(request.body).get('token'))
    return json(200, {})
  }
  const { accessTokens } = await here.process({ refreshToken: here.seed }, { http })
  await accessTokens.token()
  await here.clock.advance(HOUR)
  here.server.meets(slow(here.clock))
  const asked = outcome(accessTokens.token())
  await here.clock.advance(SECOND)
  await (await here.process({}, { http })).signOut()
  await here.clock.advance(2 * SECOND)
  expect(await asked).toBe('needs_reauth')
  expect(revoked).toEqual(['test-secret-refresh-2', 'test-secret-refresh-3'])
  expect(await status(here)).toBe('revoked')
})

it('is ended at the revocation endpoint that is set, also on a host of the platform', async () => {
  const ended = async (revocationPath?: string): Promise<readonly unknown[]> => {
    const here = signedIn()
    const asked: string[] = []
    const http: Http = async (request, signal) => {
      if (!request.url.includes('/revoke') && request.method !== 'DELETE') return here.upstream.http(request, signal)
      asked.push(`${request.method} ${request.url}`)
      return json(200, {})
    }
    const hosts = resolveHosts({ region: 'mypurecloud.ie', revocationPath })
    const { accessTokens, signOut } = await here.process({ refreshToken: here.seed, hosts }, { http })
    await accessTokens.token()
    const answer = await signOut()
    return [...asked, answer]
  }
  expect(await ended()).toEqual([
    'DELETE https://api.mypurecloud.ie/api/v2/tokens/me',
    // The access token has ended, so that the error names no time until which it is valid.
    { upstream: 'unsupported', local: 'done' },
  ])
  expect(await ended('/revoke')).toEqual([
    'POST https://login.mypurecloud.ie/revoke',
    { upstream: 'done', local: 'done' },
  ])
})

describe('a refresh token in the configuration', () => {
  it('begins an empty connection, and then the store wins', async () => {
    const here = signedIn()
    await (await here.seeded()).accessTokens.token()
    const other = await here.process({ refreshToken: new Secret(here.server.issue()) })
    expect(await outcome(other.accessTokens.token())).toBe('test-secret-access-2')
    await here.clock.advance(HOUR)
    await other.accessTokens.token()
    expect(here.server.refreshes.at(-1)?.get('refresh_token')).toBe('test-secret-refresh-2')
  })

  it('begins again where the grant has ended, if it is a new one', async () => {
    const here = signedIn()
    await (await here.seeded()).accessTokens.token()
    here.server.end()
    await here.clock.advance(HOUR)
    expect(await outcome((await here.seeded()).accessTokens.token())).toBe('needs_reauth')
    expect(await outcome((await here.seeded()).accessTokens.token())).toBe('needs_reauth')
    expect(here.server.refreshes).toHaveLength(2)
    const fresh = await here.process({ refreshToken: new Secret(here.server.issue()) })
    expect(await outcome(fresh.accessTokens.token())).toMatch(/^test-secret-access-/)
    expect(await status(here)).toBe('active')
  })

  it('begins again where the sign-in brought no refresh token and is over', async () => {
    const here = signedIn()
    await (await here.seeded()).accessTokens.token()
    const { credential, revision } = await here.store.find('default', 'grant')
    if (!credential?.tokens) throw new Error('no grant')
    const { refresh: _none, ...tokens } = credential.tokens
    const bounds = { generation: credential.generation, revision }
    await here.store.commit({
      connection: 'default',
      writes: [{ credential: { ...credential, tokens }, expect: bounds }],
    })
    const fresh = await here.process({ refreshToken: new Secret(here.server.issue()) })
    expect(await outcome(fresh.accessTokens.token())).toBe('test-secret-access-2')
    await here.clock.advance(HOUR)
    expect(await outcome(fresh.accessTokens.token())).toBe('test-secret-access-4')
  })

  it('is nowhere in clear', async () => {
    const here = signedIn()
    await (await here.seeded()).accessTokens.token()
    const { credential } = await here.store.find('default', 'grant')
    const said = JSON.stringify([credential, await here.events()])
    expect(said).not.toMatch(/refresh-token-number|access-of/)
  })

  it('leaves a connection without one to its client credentials', async () => {
    const here = signedIn()
    expect(await outcome((await here.process()).accessTokens.token())).toBe('test-secret-by-client-credentials')
  })
})

describe.each(['strict', 'grace'] as const)('a failed refresh of a %s server', (refreshProfile) => {
  const begin = async () => {
    const here = signedIn({ graceMs: refreshProfile === 'grace' ? 30 * SECOND : 0 })
    const process = await here.seeded({ refreshProfile })
    await process.accessTokens.token()
    await here.clock.advance(56 * MINUTE)
    return { ...here, ...process }
  }

  it.each([
    ['429', 1, answers(429, {}, { 'retry-after': '1' })],
    ['503', 1, answers(503)],
    ['an OAuth error with 500', 1, answers(500, { error: 'invalid_request' })],
    ['a redirect', 1, answers(302, {}, { location: 'https://login.example.com/' })],
    ['an endpoint that is not there', 1, answers(404)],
    // The other way to name the client is tried as well.
    ['a refused client', 2, answers(401, { error: 'invalid_client' })],
    ['a refused client with 400', 2, answers(400, { error: 'invalid_client' })],
  ])(
    '%s deletes nothing: the token is served, and the same refresh token works later',
    async (_name, times, scripted) => {
      const here = await begin()
      here.server.meets(...Array.from({ length: times }, () => scripted))
      expect(await outcome(here.accessTokens.token())).toBe('test-secret-access-2')
      await settle()
      expect(await status(here)).toBe('active')
      await here.clock.advance(10 * MINUTE)
      expect(await outcome(here.accessTokens.token())).toBe('test-secret-access-3')
      expect(here.server.reuses()).toBe(0)
      expect((await here.types()).filter((type) => type.startsWith('GRANT_'))).toEqual([])
    },
  )

  it('ends with invalid_grant: the token serves until it expires, then a user must sign in', async () => {
    const here = await begin()
    here.server.end()
    expect(await outcome(here.accessTokens.token())).toBe('test-secret-access-2')
    await settle()
    expect([await status(here), (await here.types()).at(-1)]).toEqual(['needs_reauth', 'GRANT_ENDED'])
    await here.clock.advance(5 * MINUTE)
    expect(await outcome(here.accessTokens.token())).toBe('needs_reauth')
    expect(here.server.refreshes).toHaveLength(2)
  })
})

describe('a lost answer of a strict server', () => {
  const begin = async (scripted: typeof lostAfter) => {
    const here = signedIn()
    const { accessTokens } = await here.seeded()
    await accessTokens.token()
    await here.clock.advance(56 * MINUTE)
    here.server.meets(scripted)
    await accessTokens.token()
    await settle()
    return { ...here, accessTokens }
  }

  it.each([
    ['lost before', lostBefore],
    ['lost after', lostAfter],
    ['a bare 502', answers(502)],
    ['a 500 with an error that says nothing of the token', answers(500, { error: 'server_error' })],
    [
      'a 504 of a gateway with a code of its own',
      answers(504, { code: 'gateway.timeout', message: 'Timed out', status: 504 }),
    ],
    ['a 504 that calls itself an OAuth error', answers(504, { error: 'invalid_request' })],
    ['an empty 200', answers(200)],
  ])('%s: in doubt, and the token is served to its end with nothing sent', async (_name, scripted) => {
    const here = await begin(scripted)
    expect([await status(here), (await here.types()).at(-1)]).toEqual(['in_doubt', 'GRANT_IN_DOUBT'])
    await here.clock.advance(3 * MINUTE)
    const { token, status: shown } = await here.accessTokens.token()
    expect([token.reveal(), shown]).toEqual(['test-secret-access-2', 'in_doubt'])
    expect(here.server.refreshes).toHaveLength(2)
  })

  it('is tried again as soon as its back-off has passed when a resource has refused the token', async () => {
    const here = await begin(lostBefore)
    here.accessTokens.reportRejected((await here.accessTokens.token()).token)
    const began = here.clock.wall()
    const next = await advanceUntil(here.clock, outcome(here.accessTokens.token()))
    expect([next, here.clock.wall() - began < 2 * SECOND]).toEqual(['test-secret-access-3', true])
    expect([here.server.refreshes.length, here.server.reuses()]).toEqual([3, 0])
  })

  it('sends no last resort for a caller that wants other scopes', async () => {
    const here = await begin(lostBefore)
    const narrow = await here.process({ scopes: ['user:read'] })
    expect(await outcome(narrow.accessTokens.token())).toBe('test-secret-access-2')
    expect(here.server.refreshes).toHaveLength(2)
  })

  it('is then tried once more, declared, and goes on when upstream had not acted', async () => {
    const here = await begin(lostBefore)
    await here.clock.advance(5 * MINUTE)
    expect(await outcome(here.accessTokens.token())).toBe('test-secret-access-3')
    expect([await status(here), here.server.reuses()]).toEqual(['active', 0])
    expect((await here.types()).slice(-3)).toEqual(['GRANT_IN_DOUBT', 'GRANT_LAST_RESORT', 'ACCESS_TOKEN_RENEWED'])
  })

  it('is then tried once more, declared, and ends when upstream had acted', async () => {
    const here = await begin(lostAfter)
    await here.clock.advance(5 * MINUTE)
    expect(await outcome(here.accessTokens.token())).toBe('needs_reauth')
    expect(await outcome(here.accessTokens.token())).toBe('needs_reauth')
    expect(here.server.presented.get('test-secret-refresh-2')).toBe(2)
    expect((await here.types()).filter((type) => type.startsWith('GRANT_'))).toEqual([
      'GRANT_IN_DOUBT',
      'GRANT_LAST_RESORT',
      'GRANT_ENDED',
    ])
  })

  it('stays in doubt with its refresh token while last resorts are lost, each declared after a longer wait', async () => {
    const here = await begin(lostBefore)
    await here.clock.advance(5 * MINUTE)
    const sent: number[] = []
    const lost = () => {
      sent.push(here.clock.wall())
      return lostBefore(() => json(500, {}))
    }
    here.server.meets(lost, lost, lost, lost)
    expect(await advanceUntil(here.clock, outcome(here.accessTokens.token()))).toBe('test-secret-access-3')
    const waits = sent.slice(1).map((at, nth) => at - (sent[nth] ?? 0))
    expect(waits).toEqual(waits.toSorted((a, b) => a - b))
    expect(waits.at(-1)).toBeGreaterThan(2 * (waits[0] ?? 0))
    expect([await status(here), here.server.reuses()]).toEqual(['active', 0])
    const types = (await here.types()).filter((type) => type === 'GRANT_LAST_RESORT')
    expect(types).toHaveLength((here.server.presented.get('test-secret-refresh-2') ?? 0) - 1)
  })

  it('fails with the time of the next try for a caller whose patience ends before it', async () => {
    const here = await begin(lostBefore)
    await here.clock.advance(5 * MINUTE)
    here.server.meets(...Array.from({ length: 20 }, () => lostBefore))
    const error = await advanceUntil(here.clock, refusal(here.accessTokens.token({ patienceMs: 10 * SECOND })))
    expect([error.code, await status(here)]).toEqual(['in_doubt', 'in_doubt'])
    expect(error.retryAt).toBeGreaterThan(here.clock.wall())
  })

  it('waits at least as long as Retry-After says', async () => {
    const here = await begin(lostBefore)
    await here.clock.advance(5 * MINUTE)
    let at = 0
    here.server.meets(async () => {
      at = here.clock.wall()
      return json(502, {}, { 'retry-after': '20' })
    })
    await advanceUntil(here.clock, outcome(here.accessTokens.token()))
    expect(here.clock.wall() - at).toBeGreaterThanOrEqual(20 * SECOND)
    expect(await status(here)).toBe('active')
  })

  it('keeps the last resort when upstream was only busy then', async () => {
    const here = await begin(lostBefore)
    await here.clock.advance(5 * MINUTE)
    here.server.meets(answers(503))
    expect(await outcome(here.accessTokens.token())).toBe('upstream_unavailable')
    await here.clock.advance(MINUTE)
    expect(await outcome(here.accessTokens.token())).toBe('test-secret-access-3')
  })
})

describe('a lost answer of a server with grace', () => {
  const begin = async () => {
    const here = signedIn({ graceMs: 30 * SECOND })
    const more = { refreshProfile: 'grace', policy: { retry: { retries: 3 } } } as const
    const { accessTokens } = await here.seeded(more)
    await accessTokens.token()
    await here.clock.advance(56 * MINUTE)
    return { ...here, accessTokens, more }
  }

  it('is asked for again at once, and nothing is lost', async () => {
    const here = await begin()
    here.server.meets(lostAfter, lostAfter)
    await here.accessTokens.token()
    await here.clock.advance(5 * SECOND)
    expect(await outcome(here.accessTokens.token())).toBe('test-secret-access-3')
    expect([await status(here), here.server.reuses()]).toEqual(['active', 0])
  })

  it('is asked for again by another process when the first was killed', async () => {
    const here = await begin()
    here.server.meets(async (work) => {
      work()
      return new Promise(() => {})
    })
    void here.accessTokens.token()
    await settle()
    const other = await here.seeded(here.more)
    const asked = outcome(other.accessTokens.token())
    await here.clock.advance(10 * SECOND)
    await asked
    await here.clock.advance(SECOND)
    expect(await outcome(other.accessTokens.token())).toBe('test-secret-access-3')
    expect(here.server.reuses()).toBe(0)
  })

  it.each([
    ['the answer is lost by the time-out', (clock: FakeClock) => slow(clock, MINUTE)],
    ['upstream names a time after it', () => answers(502, {}, { 'retry-after': '12' })],
  ])('is not asked for again after the grace, though the pipeline may repeat: %s', async (_name, scripted) => {
    const here = await begin()
    const short = await here.process({ ...here.more, graceMs: 8 * SECOND })
    here.server.meets(scripted(here.clock))
    void short.accessTokens.token().catch(() => {})
    await here.clock.advance(50 * SECOND)
    expect([here.server.presented.get('test-secret-refresh-2'), await status(here)]).toEqual([1, 'in_doubt'])
  })

  it('is not asked for by another process when the grace passes while it waits for its turn', async () => {
    const here = await begin()
    const more = { ...here.more, graceMs: 20 * SECOND, policy: { retry: { retries: 0 } } }
    const first = await here.process(more)
    here.server.meets(lostAfter)
    await first.accessTokens.token()
    const reservePermits: Store['reservePermits'] = async (...of) => {
      await here.clock.sleep(25 * SECOND)
      return here.store.reservePermits(...of)
    }
    const other = await here.process(more, { store: { ...here.store, reservePermits } })
    await here.clock.advance(2 * SECOND)
    void other.accessTokens.token().catch(() => {})
    await here.clock.advance(MINUTE)
    expect([here.server.presented.get('test-secret-refresh-2'), await status(here)]).toEqual([1, 'in_doubt'])
  })

  it('is in doubt when the grace has passed, as with any other server', async () => {
    const here = await begin()
    here.server.meets(...Array.from({ length: 20 }, () => lostAfter))
    for (let round = 0; round < 8; round += 1) {
      await here.accessTokens.token().catch(() => {})
      await here.clock.advance(20 * SECOND)
    }
    expect(await status(here)).toBe('in_doubt')
    expect(here.server.reuses()).toBe(0)
  })
})

describe('a refreshed token that cannot be used', () => {
  it.each([
    ['does not verify', jwt({ exp: 1 })],
    ['is of another issuer', jwt({ exp: 4_000_000_000, iss: 'https://evil.example' })],
    ['is longer than 16 KiB', 'x'.repeat(16_385)],
    ['cannot stand in a header', 'töken'],
    ['holds a line break', 'a\nx-evil: 1'],
  ])('because it %s is thrown away, but the refresh token that came with it is kept', async (_why, access_token) => {
    const here = signedIn()
    const { accessTokens } = await here.seeded({ accessTokenFormat: 'auto', issuer: 'https://good.example' })
    await accessTokens.token()
    await here.clock.advance(56 * MINUTE)
    here.server.meets((work) => {
      const answer = JSON.parse(new TextDecoder().decode(work().bytes)) as Record<string, unknown>
      return answers(200, { ...answer, access_token })(work)
    })
    expect(await outcome(accessTokens.token())).toBe('test-secret-access-2')
    await settle()
    expect(await here.types()).toContain('ACCESS_TOKEN_FAILED')
    await here.clock.advance(10 * MINUTE)
    expect(await outcome(accessTokens.token())).toBe('test-secret-access-4')
    expect(here.server.reuses()).toBe(0)
  })
})

describe('what must not make a refresh token come twice', () => {
  it('in doubt, a wall clock that steps back neither spins nor waits', async () => {
    const here = signedIn()
    const { accessTokens } = await here.seeded()
    await accessTokens.token()
    await here.clock.advance(56 * MINUTE)
    here.server.meets(lostBefore)
    await accessTokens.token()
    await settle()
    here.clock.stepWall(-10 * MINUTE)
    await here.clock.advance(5 * MINUTE)
    const asked = outcome(accessTokens.token())
    await here.clock.advance(SECOND)
    expect(await asked).toBe('test-secret-access-3')
  })

  it('in grace, a repeat that upstream is too busy for does not make it forget the try before', async () => {
    const here = signedIn({ graceMs: 30 * SECOND })
    const { accessTokens } = await here.seeded({ refreshProfile: 'grace' })
    await accessTokens.token()
    await here.clock.advance(56 * MINUTE)
    here.server.meets(lostAfter, answers(503), ...Array.from({ length: 3 }, () => answers(503)))
    for (let round = 0; round < 8; round += 1) {
      await accessTokens.token().catch(() => {})
      await here.clock.advance(8 * SECOND)
    }
    expect([here.server.reuses(), await status(here)]).toEqual([0, 'in_doubt'])
  })

  const withoutRoom = async (options: { readonly unsavedMs?: number } = {}) => {
    const here = signedIn()
    const disk = { isFull: false }
    const commit = (...of: Parameters<typeof here.store.commit>) =>
      disk.isFull && (of[0].writes?.[0]?.credential.generation ?? 0) > 1
        ? Promise.reject(new GuestpassError('store_unavailable', 'The disk is full.'))
        : here.store.commit(...of)
    const waited: number[] = []
    const onUnsaved = ({ sinceMs }: { readonly sinceMs: number }) => waited.push(sinceMs)
    const ports = { store: { ...here.store, commit }, onUnsaved, ...options }
    const { accessTokens } = await here.process({ refreshToken: here.seed }, ports)
    await accessTokens.token()
    await here.clock.advance(HOUR)
    disk.isFull = true
    return { ...here, accessTokens, disk, waited }
  }

  it('a disk that is full for a while costs no tokens: they are written when there is room', async () => {
    const { accessTokens, clock, disk, server, waited, ...here } = await withoutRoom()
    const asked = outcome(accessTokens.token())
    await clock.advance(30 * SECOND)
    disk.isFull = false
    expect(await advanceUntil(clock, asked)).toBe('test-secret-access-3')
    expect([server.reuses(), await status(here)]).toEqual([0, 'active'])
    expect(waited.length).toBeGreaterThanOrEqual(5)
  })

  it('fails with the tokens, in doubt, when the store has not taken them in the given time', async () => {
    const { accessTokens, clock, ...here } = await withoutRoom({ unsavedMs: 20 * SECOND })
    const error = await advanceUntil(clock, refusal(accessTokens.token()))
    expect(error.code).toBe('in_doubt')
    expect((error.unsaved as { token: Secret }).token.reveal()).toBe('test-secret-access-3')
    expect([
      JSON.stringify(error).includes('access-of'),
      (await here.store.find('default', 'grant')).credential?.generation,
    ]).toEqual([false, 1])
  })
})
