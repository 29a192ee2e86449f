/** A program with Fastify as a user types it. It is compiled, and never run. */
import { fastify } from 'fastify'
import { type Guest, guestAuth, guestpassErrors, type TokenVerifier } from 'guestpass/fastify'

declare const gp: TokenVerifier

export const app = fastify()
app.setErrorHandler(guestpassErrors())
await app.register(guestAuth(gp, { scopes: ['a'] }))
app.addHook('onRequest', guestAuth(gp))
app.get('/me', { preHandler: guestAuth(gp) }, async (request) => {
  const guest: Guest | undefined = request.guest
  const id: string | undefined = request.guest?.guestId
  return { guest, id }
})
app.get<{ Params: { guestId: string }; Reply: { id: string } }>(
  '/guests/:guestId',
  { onRequest: [guestAuth(gp, { subject: (request) => (request.params as { guestId: string }).guestId })] },
  async (request) => ({ id: request.params.guestId }),
)

app.get('/wrong', (request) => {
  // @ts-expect-error: a guest may be absent.
  request.guest.guestId.slice()
})
// @ts-expect-error: not an option.
guestAuth(gp, { scope: ['a'] })
// @ts-expect-error: parameters of a route may be anything.
guestAuth(gp, { subject: (request) => request.params.guestId })
