import { z } from 'zod'
import { channelBody } from '../channels/channels.ts'
import { endGuestBody, type GuestDecisions } from '../guest-endpoints.ts'
import type { SandboxGuest } from '../known-guests.ts'
import { type Deliveries, secretsBody } from '../receivers/deliveries.ts'
import { channelsAnswer, deliveriesAnswer, guestsAnswer } from './answers.ts'
import type { ControlRoute } from './route.ts'

export interface GuestControlParts {
  readonly guestDecisions: GuestDecisions
  readonly deliveries: Deliveries
  readonly knownGuests: () => readonly SandboxGuest[]
}

const webhooksBody = z.strictObject({ secrets: secretsBody })

/** The control routes of guests, channels and received webhooks. */
export const guestControlRoutes = (current: () => GuestControlParts): readonly ControlRoute[] => [
  ...channelRoutes(current),
  {
    method: 'GET',
    path: '/guests',
    summary: 'Lists the guests of all APIs, without tokens',
    answer: guestsAnswer,
    run: () => current().knownGuests(),
  },
  {
    method: 'POST',
    path: '/guests',
    summary: 'Ends the session of an authenticated guest, and frees its address',
    body: endGuestBody,
    run: ({ body }) => current().guestDecisions.endGuest(body),
  },
  ...deliveryRoutes(current),
]

const channelRoutes = (current: () => GuestControlParts): readonly ControlRoute[] => {
  const all = () =>
    current()
      .guestDecisions.channels.all()
      .map(({ organization, ...rest }) => ({ ...rest, organization: organization.name }))
  return [
    { method: 'GET', path: '/channels', summary: 'Lists the channels', answer: channelsAnswer, run: all },
    {
      method: 'POST',
      path: '/channels',
      summary: 'Adds a channel, or changes the one of this id',
      body: channelBody,
      answer: channelsAnswer,
      run: ({ body }) => {
        current().guestDecisions.channel(body)
        return all()
      },
    },
  ]
}

const nameParameter = { name: 'The receiver, as idp. Default: all' }

const deliveryRoutes = (current: () => GuestControlParts): readonly ControlRoute[] => [
  {
    method: 'GET',
    path: '/deliveries',
    summary: 'Lists the received webhooks, oldest first, unchanged',
    query: nameParameter,
    answer: deliveriesAnswer,
    run: ({ query }) => current().deliveries.all(query['name']),
  },
  {
    method: 'DELETE',
    path: '/deliveries',
    summary: 'Removes received webhooks',
    query: nameParameter,
    run: ({ query }) => current().deliveries.clear(query['name']),
  },
  {
    method: 'POST',
    path: '/webhooks',
    summary: 'Replaces the secrets by which received webhooks are verified',
    body: webhooksBody,
    run: ({ body }) => current().deliveries.setSecrets(webhooksBody.parse(body).secrets),
  },
]
