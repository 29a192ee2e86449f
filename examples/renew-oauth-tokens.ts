/**
 * Job "OAuth": a user signs in once. From then on the connection renews its tokens, and presents each refresh
 * token once. Run it in the folder in which `guestpass sandbox --auto-consent` wrote its `.env`. That sandbox
 * redirects at once, so that the sign-in needs no browser.
 */
import { guestpass } from 'guestpass'

const gp = await guestpass({ scopes: ['guest:read', 'guest:write', 'openid'] })

// The browser goes to `url`, with a state that is valid for one callback, and comes back with a code.
const { url } = await gp.signIn.begin({ redirectUri: 'http://127.0.0.1:8976/callback' })
const callback = (await fetch(url, { redirect: 'manual' })).headers.get('location') ?? ''
const { user, generation } = await gp.signIn.complete(callback)
console.log(`signed in as ${user}, generation ${generation}`)

// Another instance on the same store, as in another process, uses the same token without a request.
const other = await guestpass({ scopes: ['guest:read', 'guest:write', 'openid'] })
console.log(`the other instance: generation ${(await other.accessToken()).generation}`)

// The token is revoked. 64 concurrent calls get their answers after one refresh.
await gp.fetch('/api/v2/tokens/me', { method: 'DELETE' })
const answers = await Promise.all(Array.from({ length: 64 }, () => other.fetch('/api/v2/tokens/me')))
const next = await other.accessToken()
console.log(
  `${answers.filter(({ ok }) => ok).length} answers, generation ${next.generation} of ${next.scopes.join(' ')}`,
)
console.log(`valid until ${new Date(next.expiresAt).toISOString()}`)

const { accessTokens, signIns } = await gp.report()
console.log(`${accessTokens.succeeded} renewals, ${accessTokens.failed} failed, ${signIns.inDoubt} in doubt`)
console.log(`signed out: upstream ${(await gp.signOut()).upstream}`)
await Promise.all([gp.close(), other.close()])
