import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { parseControlBody } from './control-body.ts'
import type { GuestDecisions } from './guest-endpoints.ts'
import { type Deliveries, secretsBody } from './receivers/deliveries.ts'

export interface GuestControlParts {
  readonly guestDecisions: GuestDecisions
  readonly deliveries: Deliveries
}

const webhooksBody = z.strictObject({ secrets: secretsBody })

const nameOf = (query: unknown): string | undefined => (query as { name?: string }).name

/** The control routes of authenticated guests, channels and received webhooks. */
export function serveGuestControlRoutes(
  server: FastifyInstance,
  { guestDecisions, deliveries }: GuestControlParts,
): void {
  const channels = () =>
    guestDecisions.channels.all().map(({ organization, ...rest }) => ({ ...rest, organization: organization.name }))
  server.get('/channels', async () => channels())
  server.post('/channels', async ({ body }) => {
    guestDecisions.channel(parseControlBody(body))
    return channels()
  })
  server.post('/guests', async ({ body }, reply) => {
    guestDecisions.endGuest(parseControlBody(body))
    return reply.code(204).send()
  })
  server.get('/deliveries', async ({ query }) => deliveries.all(nameOf(query)))
  server.delete('/deliveries', async ({ query }, reply) => {
    deliveries.clear(nameOf(query))
    return reply.code(204).send()
  })
  server.post('/webhooks', async ({ body }, reply) => {
    deliveries.setSecrets(webhooksBody.parse(parseControlBody(body)).secrets)
    return reply.code(204).send()
  })
}
