/**
 * Job "identity provider": a user signs in with PKCE, and guests are made on the user's behalf, also after
 * the first token has ended. Run it in the folder in which `guestpass sandbox --auto-consent` wrote its
 * `.env`. That sandbox redirects at once, so that the sign-in needs no browser.
 */
import { GuestpassError, guestpass } from 'guestpass'

const gp = await guestpass({
  scopes: ['webmessaging:guest:create', 'externalusers:write', 'openid'],
  redirectUri: 'http://127.0.0.1:8976/callback',
})

// `browser` is a secret of the browser that began the sign-in, as the value of a cookie. The callback must
// bring it again.
const browser = crypto.randomUUID()
const { url } = await gp.signIn.begin({ browser })
const callback = (await fetch(url, { redirect: 'manual' })).headers.get('location') ?? ''
const { user, scopes, missing } = await gp.signIn.complete(callback, browser)
console.log(`signed in as ${user} with ${scopes.length} scopes, ${missing.length} missing`)

// The state is valid for one code. The same callback again, as of a page that is loaded twice, gets the same
// answer. Another code is refused.
const again = await gp.signIn.complete(callback, browser)
console.log(`the same callback again: generation ${again.generation}, as before`)
const forged = new URL(callback)
forged.searchParams.set('code', 'another')
const refused = await gp.signIn.complete(forged, browser).catch((error: unknown) => error)
console.log(`another code: ${refused instanceof GuestpassError ? refused.reason : 'accepted'}`)

// The user's token is revoked before each guest. It is renewed, and the guest is made.
for (const name of ['Ann', 'Bo', 'Cy']) {
  await gp.fetch('/api/v2/tokens/me', { method: 'DELETE' })
  const guest = await gp.guests.issue({ api: 'external-users', email: `${name}@example.com`.toLowerCase(), name })
  const { valid } = await gp.verify(guest.token.reveal(), { subject: guest.guestId })
  console.log(`${name}: ${valid ? 'valid' : 'refused'}, valid until ${new Date(guest.expiresAt).toISOString()}`)
}
await gp.close()
