import type { IncomingHttpHeaders } from 'node:http'
import { Webhook } from 'standardwebhooks'

/** The headers of a webhook (Standard Webhooks); a header that was not sent is absent. */
export interface WebhookHeaders {
  readonly 'webhook-id'?: string
  /** Seconds since the epoch. */
  readonly 'webhook-timestamp'?: string
  /** Signatures, separated by blanks, each as `v1,` and base64. */
  readonly 'webhook-signature'?: string
}

const names = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const satisfies (keyof WebhookHeaders)[]

export function webhookHeaders(headers: IncomingHttpHeaders): WebhookHeaders {
  return Object.fromEntries(
    names.flatMap((name) => (typeof headers[name] === 'string' ? [[name, headers[name]] as const] : [])),
  )
}

/** Returns whether one of the signatures was made with the secret. */
export function signedBy(secret: string, headers: WebhookHeaders, body: string): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp = '', 'webhook-signature': signatures } = headers
  if (id === undefined || signatures === undefined || !/^\d{1,12}$/.test(timestamp)) return false
  // `verify` of the package would check the timestamp by the clock of the machine.
  const expected = new Webhook(secret).sign(id, new Date(Number(timestamp) * 1000), body)
  return signatures.split(' ').includes(expected)
}
