/** A program with Express as a user types it. It is compiled, and never run. */
import express from 'express'
import { type Guest, guestAuth, guestpassErrors, type TokenVerifier } from 'guestpass/express'

declare const gp: TokenVerifier

export const app = express()
app.use(guestAuth(gp))
app.get('/me', guestAuth(gp, { scopes: ['a'] }), (request, response) => {
  const guest: Guest | undefined = request.guest
  const id: string | undefined = request.guest?.guestId
  response.json({ guest, id, scopes: guest?.scopes.map((scope) => scope.length), sub: guest?.claims['sub'] })
})
app.get('/guests/:guestId', guestAuth(gp, { subject: (request) => request.params['guestId'] }), (request, response) => {
  const id: string = request.params.guestId
  response.json({ id, until: new Date(request.guest?.expiresAt ?? 0) })
})
app.use(express.Router().use(guestAuth(gp, { optional: true, token: (request) => request.get('x-guest') })))
app.use(guestpassErrors())

app.get('/wrong', (request) => {
  // @ts-expect-error: a guest may be absent.
  request.guest.guestId.slice()
  // @ts-expect-error: a guest is not written to.
  if (request.guest) request.guest.guestId = 'ann'
  // @ts-expect-error: nothing is known of the value of a claim.
  request.guest?.claims['sub'].slice()
})
// @ts-expect-error: not an option.
guestAuth(gp, { scope: ['a'] })
// @ts-expect-error: scopes are a list.
guestAuth(gp, { scopes: 'a b' })
// @ts-expect-error: not what checks tokens, but the promise of it.
guestAuth(Promise.resolve(gp))
