import { GuestpassError } from '@guestpass/core'
import type { FastifyReply, FastifyRequest } from 'fastify'
import * as z from 'zod'
import type { ServedConnection, ServedConnections } from '../connections/served-connection.ts'
import { bindingCookie, bindingIn, newBinding } from '../sign-in/browser-cookie.ts'
import type { SignInLinks } from '../sign-in/sign-in-links.ts'
import { page } from '../docs/page.ts'
import { type App, patienceOf } from './route-parts.ts'

interface SignInParts {
  readonly links: SignInLinks
  readonly connections: ServedConnections
}

/**
 * Adds the routes that a browser opens: the one-time link, and the address to which the upstream sends it back. They
 * have no API key: the link is the secret, and the cookie binds the callback to the browser that opened it.
 */
export function addSignInRoutes(app: App, { links, connections }: SignInParts): void {
  const isSecure = (): boolean => links.callbackUrl().startsWith('https:')
  app.route({
    method: 'GET',
    url: '/oauth/login/:name/:code',
    schema: { hide: true, params: z.object({ name: z.string().max(100), code: z.string().max(100) }) },
    async handler(request, reply) {
      const { name, code } = request.params
      const { served, actor } = await links.take(`${name}/${code}`)
      served.requests.add(reply.raw)
      const binding = newBinding(served.name, actor)
      const ask = { redirectUri: links.callbackUrl(), browser: binding.secret }
      const { url } = await served.connection.signIn.begin(ask, signInContext(request, served, actor))
      reply.header('set-cookie', bindingCookie(binding, isSecure())).header('cache-control', 'no-store')
      return reply.redirect(url, 303)
    },
  })
  app.route({
    method: 'GET',
    url: '/oauth/callback',
    schema: { hide: true },
    async handler(request, reply) {
      const binding = bindingIn(request.headers.cookie, isSecure())
      const served = binding && connections.get(binding.connection)
      if (!binding || !served) throw otherBrowser()
      served.requests.add(reply.raw)
      const query = new URLSearchParams(request.raw.url?.split('?')[1] ?? '')
      await served.connection.signIn.complete(query, binding.secret, signInContext(request, served, binding.actor))
      return htmlAnswer(reply, `<p>Connection ${served.name} is signed in. You can close this page.</p>`)
    },
  })
}

/** The context of a sign-in: on behalf of the caller that made its link. */
const signInContext = ({ id }: FastifyRequest, served: ServedConnection, actor: string) => ({
  actor,
  correlationId: id,
  patienceMs: patienceOf(served),
})

const otherBrowser = (): GuestpassError =>
  new GuestpassError(
    'sign_in_refused',
    'This browser did not begin the sign-in, or began it more than 10 minutes ago. Open a new one-time link in it.',
    { reason: 'browser' },
  )

const htmlAnswer = (reply: FastifyReply, body: string): FastifyReply =>
  reply
    .type('text/html; charset=utf-8')
    .header('cache-control', 'no-store')
    .header('content-security-policy', page.policy)
    .send(page.html('Sign-in', body))
