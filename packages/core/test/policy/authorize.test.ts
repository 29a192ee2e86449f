import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { GuestpassError } from '../../src/domain/errors.ts'
import { type AccessSource, authorize } from '../../src/policy/authorize.ts'
import { pipeline } from '../../src/policy/pipeline.ts'
import { retry } from '../../src/policy/retry.ts'
import { fakeClock, seededRandom, settle } from '../../src/testing/index.ts'
import { aCall, refused, watched } from './calls.ts'

function source(...tokens: string[]): AccessSource & { readonly rejections: string[] } {
  const rejections: string[] = []
  let at = 0
  return {
    rejections,
    token: async () => new Secret(tokens[at] as string),
    rejected(token) {
      rejections.push(token.reveal())
      at += 1
    },
  }
}

describe('the access token of a call', () => {
  test('is brought to the try', async () => {
    const attempt = authorize(source('one'))(async (call) => call.bearer?.reveal())
    await expect(attempt(aCall())).resolves.toBe('one')
  })

  test('is got with the signal of the call', async () => {
    const { signal } = new AbortController()
    let seen: AbortSignal | undefined
    const attempt = authorize({
      async token(given) {
        seen = given
        return new Secret('one')
      },
      rejected() {},
    })(async () => 'answer')
    await attempt(aCall({ signal }))
    expect(seen).toBe(signal)
  })

  test('is reported when upstream refuses it, and only then', async () => {
    const access = source('one', 'two')
    const attempt = (status: number) => authorize(access)(() => Promise.reject(refused(status)))(aCall())
    await expect(attempt(403)).rejects.toMatchObject({ facts: { code: 'access_denied' } })
    await expect(attempt(500)).rejects.toMatchObject({ facts: { code: 'upstream_unavailable' } })
    expect(access.rejections).toEqual([])
    await expect(attempt(401)).rejects.toMatchObject({ facts: { code: 'access_rejected' } })
    expect(access.rejections).toEqual(['one'])
  })

  test('is dropped before the failure goes on, also when dropping takes a while', async () => {
    let drop = (_value: unknown): void => {}
    const access: AccessSource = {
      token: async () => new Secret('one'),
      rejected: () => new Promise((resolve) => (drop = resolve)),
    }
    const work = watched(authorize(access)(() => Promise.reject(refused(401)))(aCall()))
    await settle()
    expect(work.now.state).toBe('pending')
    drop(undefined)
    await settle()
    expect(work.now.error).toMatchObject({ facts: { code: 'access_rejected' } })
  })

  test('that is not renewed for a refusal ends the call with it, and says what to check', async () => {
    const clock = fakeClock()
    const access: AccessSource = { token: async () => new Secret('fresh'), rejected: () => false }
    let tries = 0
    const policy = pipeline(retry({}, { clock, random: seededRandom() }), authorize(access))
    const work = policy(async () => {
      tries += 1
      throw refused(401)
    })(aCall())
    const error = { code: 'access_rejected', message: expect.stringMatching(/refuses fresh access tokens too.*Check/) }
    await expect(work).rejects.toMatchObject(error)
    expect(tries).toBe(1)
  })

  test('is said to be taken by an answer, and by refusals that come behind it', async () => {
    const taken: string[] = []
    const access: AccessSource = {
      token: async () => new Secret('one'),
      rejected() {},
      accepted: (_token, operation) => void taken.push(operation),
    }
    for (const status of [401, 403, 429, 503])
      await authorize(access)(() => Promise.reject(refused(status)))(aCall()).catch(() => {})
    expect(taken).toEqual([])
    await authorize(access)(async () => 'answer')(aCall())
    await authorize(access)(() => Promise.reject(refused(409)))(aCall()).catch(() => {})
    expect(taken).toEqual(['generate-token', 'generate-token'])
  })

  test('errors of its source end the call unrepeated', async () => {
    const clock = fakeClock()
    let asked = 0
    const failing: AccessSource = {
      async token() {
        asked += 1
        throw new GuestpassError('client_rejected', 'no')
      },
      rejected() {},
    }
    const policy = pipeline(retry({}, { clock, random: seededRandom() }), authorize(failing))
    await expect(policy(async () => 'answer')(aCall())).rejects.toMatchObject({ code: 'client_rejected' })
    expect(asked).toBe(1)
  })

  test('a refused token costs the caller nothing: the answer comes with the next one, at once', async () => {
    const clock = fakeClock()
    const access = source('old', 'new')
    const policy = pipeline(retry({}, { clock, random: seededRandom() }), authorize(access))
    const attempt = policy(async (call) => {
      if (call.bearer?.reveal() === 'old') throw refused(401)
      return `answer to ${call.bearer?.reveal()}`
    })
    await expect(attempt(aCall({ repeatable: false }))).resolves.toBe('answer to new')
    expect(access.rejections).toEqual(['old'])
  })
})
