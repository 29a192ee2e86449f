import { setTimeout as sleep } from 'node:timers/promises'
import { serviceClient, type ServiceClient } from '@guestpass/client'
import { increment } from '../../crash-tests/run-state.ts'
import type { Answers } from './answers.ts'

/** An answer of an instance; without a status if there was none. */
export interface Answered<T> {
  readonly status?: number
  readonly data?: T | undefined
  /** The code of the problem. */
  readonly code?: string | undefined
}

interface ClientAnswer<T> {
  readonly data?: T
  readonly error?: { readonly code?: string }
  readonly response: Response
}

/** The clients of one instance, by the role of their key. */
export type Clients = Readonly<Record<'issuer' | 'operator' | 'connection', ServiceClient>>

export function clientsOf(url: string, keys: Readonly<Record<keyof Clients, string>>): Clients {
  const clientOf = (apiKey: string): ServiceClient => serviceClient({ url, apiKey })
  return {
    issuer: clientOf(keys.issuer),
    operator: clientOf(keys.operator),
    connection: clientOf(keys.connection),
  }
}

/** How long a client waits after a request without an answer, in milliseconds. */
const PAUSE_MS = 100

/** Sends a request, and counts how it ended. */
export async function ask<T>(answers: Answers, send: () => Promise<ClientAnswer<T>>): Promise<Answered<T>> {
  answers.requests += 1
  try {
    const { data, error, response } = await send()
    const { status } = response
    increment(answers.statuses, error?.code === undefined ? String(status) : `${status} ${error.code}`)
    return { status, data, code: error?.code }
  } catch {
    answers.unanswered += 1
    await sleep(PAUSE_MS)
    return {}
  }
}

/** Codes of problems after which the same request may succeed later. */
const retryable: ReadonlySet<string> = new Set([
  'request_in_progress',
  'service_busy',
  'store_busy',
  'store_unavailable',
  'upstream_busy',
  'upstream_unavailable',
  'circuit_open',
  'keys_unavailable',
  'deadline_exceeded',
  'cancelled',
  'in_doubt',
  'needs_reauth',
])

/** Whether a request is to be sent again: it got no answer, or one that may be another later. */
export const isOpen = ({ status, code }: Answered<unknown>): boolean =>
  status === undefined || (code !== undefined && retryable.has(code))
