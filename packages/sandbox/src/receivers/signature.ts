import type { IncomingHttpHeaders } from 'node:http'
import { Webhook } from 'standardwebhooks'

const names = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const

/** The headers of Standard Webhooks, those that were there. */
export type WebhookHeaders = Readonly<Partial<Record<(typeof names)[number], string>>>

export function webhookHeaders(headers: IncomingHttpHeaders): WebhookHeaders {
  return Object.fromEntries(
    names.flatMap((name) => (typeof headers[name] === 'string' ? [[name, headers[name]] as const] : [])),
  )
}

/** Whether one of the signatures is that of the secret. */
export function signedBy(secret: string, headers: WebhookHeaders, body: string): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp = '', 'webhook-signature': signatures } = headers
  if (id === undefined || signatures === undefined || !/^\d{1,12}$/.test(timestamp)) return false
  // Not the kit's `verify`: that judges the timestamp by the clock of the machine.
  const expected = new Webhook(secret).sign(id, new Date(Number(timestamp) * 1000), body)
  return signatures.split(' ').includes(expected)
}
