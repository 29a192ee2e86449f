import type { Event } from '@guestpass/core'
import { endpoints, type ReceivedWebhook } from '../receiver.ts'

type Endpoint = (typeof endpoints)[number]

/** Which events each endpoint is sent, as docs/webhooks.md says. */
const isSentTo: Readonly<Record<Endpoint, (event: Event) => boolean>> = {
  idp: ({ type, generation }) => type === 'REFRESH_COMPLETED' || (type === 'TOKEN_GENERATED_SUCCESS' && generation > 1),
  idm: ({ type }) => type === 'ACCESS_TOKEN_RENEWED' || type === 'ACCESS_TOKEN_FAILED',
  analytics: ({ type, outcome }) => type === 'guest.authentication' && outcome === 'success',
}

/** Events that an endpoint must get and has not got. One that failed or waits is among them. */
export function missingWebhooks(
  events: readonly Event[],
  received: readonly ReceivedWebhook[],
): readonly { readonly endpoint: Endpoint; readonly id: string }[] {
  return endpoints.flatMap((endpoint) => {
    const got = new Set(received.filter((one) => one.endpoint === endpoint).map(({ id }) => id))
    const wanted = events.filter((event) => isSentTo[endpoint](event) && !got.has(event.id))
    return wanted.map(({ id }) => ({ endpoint, id }))
  })
}

/** Webhooks of no event, and renewals that were sent under two ids. */
export function wrongWebhooks(events: readonly Event[], received: readonly ReceivedWebhook[]): readonly string[] {
  const known = new Map(events.map((event) => [event.id, event]))
  const strange = received
    .filter(({ endpoint, id }) => {
      const event = known.get(id)
      return !event || !isSentTo[endpoint as Endpoint](event)
    })
    .map(({ endpoint, id }) => `${endpoint}: the webhook ${id} is of no event for it`)
  const renewals = Map.groupBy(
    received.filter(({ endpoint }) => endpoint === 'idp'),
    ({ body }) => `${String(body['guestSessionId'])} generation ${String(body['generation'])}`,
  )
  const doubled = [...renewals]
    .filter(([, all]) => new Set(all.map(({ id }) => id)).size > 1)
    .map(([which]) => `idp: ${which} was sent under two ids`)
  return [...strange, ...doubled]
}
