import type { TokenSource } from '@guestpass/core'
import { decodeProtectedHeader } from 'jose'
import { describe, expect, it } from 'vitest'
import { browser } from '../../openid/browser.ts'
import { REDIRECT, userClient } from '../../openid/product.ts'
import type { Openid } from '../../openid/provider.ts'
import { connect, connectDevice, started } from './started.ts'

/** Every token is due for renewal as soon as it came. */
const due = (lifetime: number): number => lifetime

/** Signs a user in at a provider that stops then. The tokens are due at once. */
async function signedInAndStopped(provider: Openid): Promise<TokenSource> {
  const { signIn, accessTokens } = await connect(provider, {
    ...userClient,
    windows: { advisory: due, mandatory: due },
    policy: { retry: { retries: 1 }, breaker: { atLeast: 1_000 } },
  })
  const { url } = await signIn.begin({ redirectUri: REDIRECT })
  await signIn.complete((await browser().signIn(url)).searchParams)
  await provider.stop()
  return accessTokens
}

const away = () => new Promise((resolve) => setTimeout(resolve, 200))

describe('a real provider that is away for a while', () => {
  it('costs no token: the current one is served meanwhile, and renewed when the provider is back', async () => {
    const provider = await started()
    const accessTokens = await signedInAndStopped(provider)
    const meanwhile = await accessTokens.token()
    expect(meanwhile).toMatchObject({ generation: 1 })
    await provider.start()
    // A renewal that failed rests for a second at most.
    await expect.poll(async () => (await accessTokens.token()).generation, { timeout: 10_000 }).toBe(2)
    const refreshes = provider.tokenRequests.filter(({ grant }) => grant === 'refresh_token')
    expect(new Set(refreshes.map(({ refreshToken }) => refreshToken)).size).toBe(refreshes.length)
    expect([refreshes.every(({ status }) => status === 200), provider.ended]).toEqual([true, []])
  })

  it('and signs with a new key when it is back: the next token is verified and nothing is lost', async () => {
    const provider = await started()
    const accessTokens = await signedInAndStopped(provider)
    await provider.start({ newKey: true })
    for (const generation of [2, 3]) {
      await expect.poll(async () => (await accessTokens.token()).generation, { timeout: 10_000 }).toBe(generation)
    }
    const { token } = await accessTokens.token()
    expect(decodeProtectedHeader(token.reveal()).kid).toBe('second')
    expect(provider.ended).toEqual([])
  })

  it('while a user signs in: the code is sent when it is back', async () => {
    const provider = await started()
    const { signIn } = await connect(provider, { ...userClient, policy: { retry: { retries: 10 } } })
    const { url } = await signIn.begin({ redirectUri: REDIRECT })
    const { searchParams } = await browser().signIn(url)
    await provider.stop()
    const outcome = signIn.complete(searchParams)
    await away()
    await provider.start()
    expect(await outcome).toMatchObject({ user: 'ada', renewable: true })
  })

  it('while a user decides on another device: the device goes on asking', async () => {
    const provider = await started()
    const { deviceSignIn } = await connectDevice(provider, { ...userClient, policy: { breaker: { atLeast: 1_000 } } })
    const shown = Promise.withResolvers<string>()
    const signedIn = deviceSignIn.run({
      show: ({ verificationUriComplete = '' }) => shown.resolve(verificationUriComplete),
    })
    const address = await shown.promise
    await provider.stop()
    await away()
    await provider.start()
    await browser().decideDevice(address)
    expect(await signedIn).toMatchObject({ user: 'ada', renewable: true })
  })
})
