/**
 * Job "identity provider": a user signs in with PKCE, and guests are made on the user's behalf, also after the first token has ended. Run with the
 * `.env` of `guestpass sandbox --auto-consent`, where a consent page says yes by itself and so can be followed without a browser.
 */
import { asGuestpassError, connection, memoryStore, resolveHosts, Secret } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'

const { GENESYS_OAUTH_BASE_URL, GENESYS_API_BASE_URL, GENESYS_CLIENT_ID = '', GENESYS_CLIENT_SECRET = '' } = process.env

const ports = { ...nodePorts(), store: memoryStore() }
const { signIn, guests, accessTokens, verifier } = await connection(
  {
    hosts: resolveHosts({ oauthBaseUrl: GENESYS_OAUTH_BASE_URL, apiBaseUrl: GENESYS_API_BASE_URL }),
    client: { id: GENESYS_CLIENT_ID, secret: new Secret(GENESYS_CLIENT_SECRET) },
    scopes: ['webmessaging:guest:create', 'externalusers:write', 'openid'],
  },
  ports,
)

// `browser` is what only the browser that began holds, as the value of its cookie: the callback must bring it again.
const browser = crypto.randomUUID()
const { url } = await signIn.begin({ redirectUri: 'http://127.0.0.1:8976/callback', browser })
const callback = new URL((await fetch(url, { redirect: 'manual' })).headers.get('location') ?? '').searchParams
const { user, scopes, missing } = await signIn.complete(callback, browser)
console.log(`signed in as ${user} with ${scopes.length} scopes, ${missing.length} missing`)

// The state was good for one code: the same callback again, as of a page that was loaded twice, gets the same answer; another code is refused.
const again = await signIn.complete(callback, browser)
console.log(`the same callback again: generation ${again.generation}, as before`)
const forged = new URLSearchParams({ code: 'another', state: callback.get('state') ?? '' })
const refused = await signIn.complete(forged, browser).catch(asGuestpassError)
console.log(`another code: ${'reason' in refused ? refused.reason : 'accepted'}`)

// A long session: the user's token is renewed behind us, and guests go on being made.
for (const name of ['Ann', 'Bo', 'Cy']) {
  accessTokens.reportRejected((await accessTokens.token()).token)
  const guest = await guests.issue({ api: 'external-users', email: `${name}@example.com`.toLowerCase(), name })
  const { valid } = await verifier.verify(guest.token.reveal(), { subject: guest.guestId })
  console.log(`${name}: ${valid ? 'valid' : 'refused'}, valid until ${new Date(guest.expiresAt).toISOString()}`)
}
await ports.close()
