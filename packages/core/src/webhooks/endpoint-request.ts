import type { EventType } from '../domain/events/event.ts'
import { closestName } from '../domain/closest-name.ts'
import { type Field, GuestpassError } from '../domain/errors.ts'
import { type WebhookEndpoint, webhookEvents } from './endpoint.ts'
import { endpointUrlFault } from './public-address.ts'

/** A webhook endpoint to add. */
export interface EndpointRequest {
  /** An https:// address whose host is public. */
  readonly url: string
  /** The types of events that it is sent; see `webhookEvents`. Default `all`. */
  readonly events?: 'all' | readonly string[]
  /** Whether tokens of guests are sent to it. Default false. */
  readonly includeToken?: boolean
}

/** A request with its defaults. Throws `invalid_input` with every fault at once. */
export function acceptedRequest({
  url,
  events = 'all',
  includeToken = false,
}: EndpointRequest): Pick<WebhookEndpoint, 'url' | 'events' | 'includeToken'> {
  const fields: Field[] = []
  const fault = endpointUrlFault(url)
  if (fault)
    fields.push({
      field: 'url',
      message: fault,
      remedy:
        'Give the https:// address of a public endpoint. Other addresses are for `webhooks.idp`, `webhooks.idm` and `webhooks.analytics`.',
    })
  const known = (type: string): type is EventType => (webhookEvents as readonly string[]).includes(type)
  const wanted = events === 'all' ? [] : events
  if (events !== 'all' && events.length === 0)
    fields.push({ field: 'events', message: 'is empty', remedy: 'Name types of events, or leave it out for all.' })
  for (const type of wanted.filter((one) => !known(one)))
    fields.push({
      field: 'events',
      message: `has no type ${JSON.stringify(type.slice(0, 60))}`,
      remedy: `${suggestion(type)}Known are ${webhookEvents.join(', ')}.`,
    })
  if (fields.length > 0)
    throw new GuestpassError('invalid_input', `The webhook endpoint was not added: ${faultText(fields)}.`, { fields })
  return { url: new URL(url).href, events: events === 'all' ? events : wanted.filter(known), includeToken }
}

function suggestion(type: string): string {
  const close = closestName(type, webhookEvents)
  return close === undefined ? '' : `Did you mean ${close}? `
}

const faultText = (fields: readonly Field[]): string =>
  fields.map(({ field, message }) => `${field}: ${message}`).join('; ')
