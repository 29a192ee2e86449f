/**
 * Job "OAuth": a user signs in once; from then on the connection renews its tokens by itself, each refresh token presented once. Run with
 * the `.env` of `guestpass sandbox --auto-consent`, where a consent page says yes by itself and so can be followed without a browser.
 */
import { connection, connectionView, memoryStore, report, resolveHosts, Secret } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'

const { GENESYS_OAUTH_BASE_URL, GENESYS_API_BASE_URL, GENESYS_CLIENT_ID = '', GENESYS_CLIENT_SECRET = '' } = process.env

const ports = { ...nodePorts(), store: memoryStore() }
const options = {
  hosts: resolveHosts({ oauthBaseUrl: GENESYS_OAUTH_BASE_URL, apiBaseUrl: GENESYS_API_BASE_URL }),
  client: { id: GENESYS_CLIENT_ID, secret: new Secret(GENESYS_CLIENT_SECRET) },
  scopes: ['guest:read', 'guest:write', 'openid'],
}
const { signIn, signOut, accessTokens } = await connection(options, ports)

// The browser is sent away with a state that is good for one callback, and comes back with a code.
const { url } = await signIn.begin({ redirectUri: 'http://127.0.0.1:8976/callback' })
const callback = (await fetch(url, { redirect: 'manual' })).headers.get('location') ?? ''
const { user, generation } = await signIn.complete(new URL(callback).searchParams)
console.log(`signed in as ${user}, generation ${generation}`)

// A second process on the same store goes on from there, with nothing sent.
const restarted = await connection(options, ports)
const first = await restarted.accessTokens.token()

// A resource refuses the token: 64 callers get the next one by one refresh, whose refresh token was committed before anybody saw it.
for (const source of [accessTokens, restarted.accessTokens]) source.reportRejected(first.token)
const next = await Promise.all(Array.from({ length: 64 }, () => restarted.accessTokens.token()))
console.log(`generations ${[...new Set(next.map((token) => token.generation))].join(', ')}`)

const { standing, scopes, expiresAt = 0 } = await connectionView(ports.store, 'default')
console.log(`${standing} with ${scopes.join(' ')}, valid until ${new Date(expiresAt).toISOString()}`)
const { accessTokens: renewals, signIns } = await report(ports.store, 'default')
console.log(`${renewals.succeeded} renewals, ${renewals.failed} failed, ${signIns.inDoubt} in doubt`)

console.log(`signed out: upstream ${(await signOut()).upstream}`)
await ports.close()
