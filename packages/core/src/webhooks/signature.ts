import { Webhook } from 'standardwebhooks'
import { equalInConstantTime } from '../domain/constant-time.ts'
import type { Secret } from '../domain/secret.ts'
import { type Instant, SECOND } from '../domain/time.ts'

/**
 * The value of `webhook-signature`: a `v1` signature over id, time and body for each secret, separated by
 * spaces.
 */
export const signatures = (secrets: readonly Secret[], id: string, at: Instant, body: string): string =>
  secrets.map((secret) => new Webhook(secret.reveal()).sign(id, new Date(at), body)).join(' ')

/**
 * The headers of a signed message.
 *
 * @param secrets each signs the message
 * @param id the id of the message, the same for every delivery
 * @param at when it is sent, in epoch milliseconds; the header has whole seconds
 * @param body the body as it is sent
 *
 * Source: https://www.standardwebhooks.com
 */
export const signedHeaders = (
  secrets: readonly Secret[],
  id: string,
  at: Instant,
  body: string,
): Readonly<Record<string, string>> => ({
  'webhook-id': id,
  'webhook-timestamp': String(Math.floor(at / SECOND)),
  'webhook-signature': signatures(secrets, id, at, body),
})

/** Whether one of the given signatures is right. The comparison takes the same time wherever they differ. */
export function anySignatureMatches(given: string, right: string): boolean {
  const known = right.split(' ')
  return given.split(' ').some((one) => known.some((other) => equalInConstantTime(other, one)))
}
