import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { HOUR, SECOND } from '../../src/domain/time.ts'
import { GuestpassError } from '../../src/domain/errors.ts'
import { report } from '../../src/report/report.ts'
import { tokenStorage, type TokenStorageOptions } from '../../src/stores/token-storage.ts'
import { json } from '../world/fake-upstream.ts'
import { grantServer } from '../world/grant-server.ts'
import { ann, applicantWorld } from '../world/applicant-world.ts'
import { storage } from '../world/storage.ts'
import { outcome, advanceUntil, refusal, world } from '../world/world.ts'

describe('a token storage', () => {
  it('serves access tokens of the former process without a request', async () => {
    const here = world()
    const kept = storage(here.clock)
    const token = async (): Promise<string> => {
      const { store } = kept.start()
      return outcome((await here.process({}, { store })).accessTokens.token())
    }
    expect([await token(), await token(), here.upstream.asked.token.length]).toEqual([
      'test-secret-token-1',
      'test-secret-token-1',
      1,
    ])
  })

  it('continues a rotating grant in the next process with the newest refresh token', async () => {
    const here = world()
    const server = grantServer(here.clock)
    here.upstream.token = server.answering
    const refreshToken = new Secret(server.issue())
    const kept = storage(here.clock)
    const token = async (): Promise<string> => {
      const { store } = kept.start()
      return outcome((await here.process({ refreshToken }, { store })).accessTokens.token())
    }
    expect(await token()).toBe('test-secret-access-2')
    await here.clock.advance(HOUR)
    expect(await token()).toBe('test-secret-access-3')
    expect([...server.presented.values()]).toEqual([1, 1])
  })

  it('saves the intent before a refresh token is sent, and the new one before the caller gets a token', async () => {
    const here = world()
    const server = grantServer(here.clock)
    const kept = storage(here.clock)
    const atSend: string[] = []
    here.upstream.token = (request) => {
      atSend.push(kept.saved.at(-1) ?? '')
      return server.answering(request)
    }
    const { store } = kept.start()
    const { accessTokens } = await here.process({ refreshToken: new Secret(server.issue()) }, { store })
    const saves: number[] = []
    await accessTokens.token().then(() => saves.push(kept.saved.length))
    expect([atSend.length, atSend[0]?.includes('"action":"refresh"')]).toEqual([1, true])
    expect(kept.saved[(saves[0] ?? 0) - 1]).toContain('test-secret-refresh-2')
  })

  it('completes in the next process a sign-in that another one began, with one exchange', async () => {
    const here = world()
    here.upstream.token = () =>
      json(200, { access_token: 'opaque', refresh_token: 'refresh', expires_in: 3_600, scope: 'user:read' })
    const kept = storage(here.clock)
    const process = async () => {
      const { store } = kept.start()
      return here.process({ scopes: ['user:read'] }, { store })
    }
    const { url } = await (await process()).signIn.begin({ redirectUri: 'https://app.example.com/back' })
    const query = `?code=c&state=${new URL(url).searchParams.get('state') ?? ''}`
    const next = await process()
    expect(await next.signIn.complete(query)).toMatchObject({ generation: 1, renewable: true })
    expect(here.upstream.asked.token).toHaveLength(1)
    const last = await process()
    expect(await outcome(last.accessTokens.token())).toBe('opaque')
    await last.signOut()
    expect(await outcome((await process()).accessTokens.token())).toBe('opaque')
    expect(here.upstream.asked.token.at(-1)?.body).toContain('client_credentials')
  })

  it('reports what this process did', async () => {
    const here = world()
    const { store } = storage(here.clock).start()
    await (await here.process({}, { store })).accessTokens.token()
    expect(JSON.stringify(await report(store, 'default'))).toContain('"succeeded":1')
  })
})

describe('a save that fails', () => {
  const failure = Object.assign(new Error('insert into t values ("test-secret-refresh-2")'), {
    code: 'ECONNREFUSED',
    params: ['test-secret-refresh-2'],
  })

  it('prevents the request if it was for the intent, and shows name and code but no message', async () => {
    const here = world()
    const server = grantServer(here.clock)
    here.upstream.token = server.answering
    const kept = storage(here.clock)
    kept.fails = failure
    const { store } = kept.start()
    const { accessTokens } = await here.process({ refreshToken: new Secret(server.issue()) }, { store })
    const error = await refusal(accessTokens.token())
    expect([error.code, server.refreshes.length]).toEqual(['store_unavailable', 0])
    expect(error.message).toContain('Error, ECONNREFUSED')
    expect(inspect(error, { depth: 9 })).not.toContain('refresh-token-number')
  })

  it('is repeated until the new refresh token is saved, while the caller waits', async () => {
    const here = world()
    const server = grantServer(here.clock)
    const kept = storage(here.clock)
    here.upstream.token = (request) => {
      kept.fails = failure
      return server.answering(request)
    }
    const { store } = kept.start()
    const { accessTokens } = await here.process({ refreshToken: new Secret(server.issue()) }, { store })
    const asked = outcome(accessTokens.token())
    await here.clock.advance(20 * SECOND)
    expect(kept.saved.at(-1)).not.toContain('refresh-2')
    kept.fails = undefined
    expect(await advanceUntil(here.clock, asked)).toBe('test-secret-access-2')
    expect([kept.saved.at(-1)?.includes('refresh-2'), server.refreshes.length]).toEqual([true, 1])
  })
})

describe('a token storage rejects before anything is sent', () => {
  const carriedBy = async () => {
    const here = applicantWorld()
    const { store } = storage(here.clock).start()
    return { here, store, process: await here.process({}, { store }) }
  }

  it('guests', async () => {
    const { here, store, process } = await carriedBy()
    const codes = [
      await refusal(process.guests.issue(ann)),
      await refusal(process.guests.issue({ scopes: ['webmessaging:guest:send'] })),
      await refusal(process.guests.token('11111111-2222-4333-8444-555555555555')),
      await refusal(store.list('default', { kind: 'guest', limit: 1 })),
      await refusal(store.claimDue('default', { max: 1, leaseMs: 1, keepForMs: 1 })),
    ]
    expect(codes.map(({ code, fields }) => [code, fields?.[0]?.field])).toEqual(
      codes.map(() => ['config_invalid', 'store']),
    )
    expect(Object.values(here.upstream.asked).flat()).toHaveLength(0)
  })

  it('webhooks and the audit log', async () => {
    const { store } = await carriedBy()
    const calls = [
      store.outbox.claim('webhooks', 1, 1),
      store.outbox.counts('webhooks'),
      store.chain('default', { limit: 1 }),
      store.chainHead('default'),
    ]
    for (const call of calls) expect(await refusal(call)).toMatchObject({ code: 'config_invalid' })
  })
})

describe('wrong arguments', () => {
  const fieldsOf = (options: unknown): readonly (string | undefined)[] => {
    try {
      tokenStorage(options as TokenStorageOptions)
      return []
    } catch (thrown) {
      const { code, fields = [] } = thrown as GuestpassError
      return [code, ...fields.map(({ field }) => field)]
    }
  }

  const wrong: readonly (readonly [unknown, readonly string[]])[] = [
    [undefined, ['config_invalid', 'load', 'save']],
    [{}, ['config_invalid', 'load', 'save']],
    [{ load: (): null => null }, ['config_invalid', 'save']],
    [{ load: 'text', save: () => {} }, ['config_invalid', 'load']],
    [{ saveToken: () => {}, loadToken: () => {} }, ['config_invalid', 'load', 'save', 'saveToken', 'loadToken']],
    [{ load: (): null => null, save: () => {} }, []],
  ]
  it.each(wrong)('%j are rejected, each with its field', (options, fields) => {
    expect(fieldsOf(options)).toEqual(fields)
  })

  it('rejects a load that returns no text', async () => {
    const load = (() => ({ token: 'x' })) as unknown as TokenStorageOptions['load']
    const error = await refusal(tokenStorage({ load, save: () => {} }).find('default', 'grant'))
    expect([error.code, error.fields?.[0]?.field]).toEqual(['config_invalid', 'load'])
  })

  it('passes on a GuestpassError that load throws', async () => {
    const load = (): never => {
      throw new GuestpassError('store_wrong_key', 'The vault was sealed with another key.')
    }
    expect((await refusal(tokenStorage({ load, save: () => {} }).find('default', 'grant'))).code).toBe(
      'store_wrong_key',
    )
  })
})
