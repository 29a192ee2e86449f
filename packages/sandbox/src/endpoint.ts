import type { IncomingHttpHeaders } from 'node:http'
import type { JournalNotes } from './journal.ts'

/** A request as endpoints see it. */
export interface Call {
  readonly method: string
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** Identifies the request in the answer's header and in error bodies. */
  readonly correlationId: string
  /** Headers that are added to the answer, also to a refusal. */
  readonly answerHeaders: Record<string, string>
  /** Waits for the scripted delay, if there is one. */
  pause(): Promise<void>
  /** Writes into the request's journal entry. */
  note(facts: JournalNotes): void
}

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent as it is. */
  readonly text?: string
}

/** The form of error bodies: RFC 6749, the platform's API, or an HTML page. */
export type Dialect = 'oauth' | 'api' | 'page'

/** One operation of the sandbox, with its paths and its answer. It does not depend on the HTTP server. */
export interface Endpoint {
  /** The name that faults and the journal use. */
  readonly operation: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly paths: readonly string[]
  /** The form of error bodies. Pages get no CORS headers, so that no other origin can read them. */
  readonly dialect: Dialect
  /** True if `answer` calls `pause` itself, because something must happen before the delay. */
  readonly callsPause?: true
  /** Throws a Refusal to refuse the call. */
  answer(call: Call): Answer | Promise<Answer>
}
