/**
 * Job "OAuth": a user signs in once; from then on the connection renews its tokens by itself, each refresh
 * token presented once. Run it where `guestpass sandbox --auto-consent` wrote its `.env`: its consent page
 * says yes by itself, and so can be followed without a browser.
 */
import { guestpass } from 'guestpass'

const gp = await guestpass({ scopes: ['guest:read', 'guest:write', 'openid'] })

// The browser is sent away with a state that is good for one callback, and comes back with a code.
const { url } = await gp.signIn.begin({ redirectUri: 'http://127.0.0.1:8976/callback' })
const callback = (await fetch(url, { redirect: 'manual' })).headers.get('location') ?? ''
const { user, generation } = await gp.signIn.complete(callback)
console.log(`signed in as ${user}, generation ${generation}`)

// Another one on the same store, as of another process, goes on from there, with nothing sent.
const other = await guestpass({ scopes: ['guest:read', 'guest:write', 'openid'] })
console.log(`there: generation ${(await other.accessToken()).generation}`)

// The token is ended behind our back: 64 calls get their answers all the same, by one refresh, whose refresh
// token was stored before.
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
