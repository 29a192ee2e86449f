/** A program with Hono as a user types it. It is compiled, and never run. */
import { Hono } from 'hono'
import { type Guest, guestAuth, type GuestEnv, guestpassErrors, type TokenVerifier } from 'guestpass/hono'

declare const gp: TokenVerifier
declare const optional: boolean

export const app = new Hono<GuestEnv>()
app.onError(guestpassErrors())
app.onError(guestpassErrors({ otherwise: (error, c) => c.text(error.message, 500) }))
app.use(guestAuth(gp))
app.get('/all', (c) => c.text(c.get('guest').scopes.join()))

export const each = new Hono()
each.get('/me', guestAuth(gp, { scopes: ['a'] }), (c) => {
  const guest: Guest = c.get('guest')
  return c.json({ id: guest.guestId ?? null })
})
each.get('/guests/:guestId', guestAuth(gp, { subject: (c) => c.req.param('guestId') }), (c) => {
  const id: string = c.req.param('guestId')
  return c.json({ id, guest: c.var.guest.guestId ?? null })
})
each.get('/open', guestAuth(gp, { optional: true }), (c) => c.text(c.get('guest')?.guestId ?? ''))
each.get('/either', guestAuth(gp, { optional }), (c) => c.text(c.get('guest')?.guestId ?? ''))

// @ts-expect-error: where a token is optional, a guest may be absent.
each.get('/wrong', guestAuth(gp, { optional: true }), (c) => c.text(c.get('guest').scopes.join()))
// @ts-expect-error: it may be optional.
each.get('/wrong', guestAuth(gp, { optional }), (c) => c.text(c.get('guest').scopes.join()))
// @ts-expect-error: there is no guest without the middleware.
each.get('/wrong', (c) => c.json(c.get('guest')))
// @ts-expect-error: not an option.
guestAuth(gp, { scope: ['a'] })
