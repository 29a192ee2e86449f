import type { IncomingHttpHeaders } from 'node:http'
import type { JournalNotes } from './journal.ts'

/** A request as endpoints see it. */
export interface Call {
  readonly method: string
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** Names this exchange in the answer's header and in error bodies. */
  readonly correlationId: string
  /** Added to the answer, be it a success or a refusal. */
  readonly answerHeaders: Record<string, string>
  /** Waits as long as a scripted delay says that the work takes. */
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

export type Dialect = 'oauth' | 'api' | 'page'

/** One operation of the sandbox: where it is reached and how it answers. It knows nothing of the HTTP server. */
export interface Endpoint {
  /** The name that faults and the journal use. */
  readonly operation: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly paths: readonly string[]
  /** The family of error bodies. Pages are for the browser's own window: no other origin may read them. */
  readonly dialect: Dialect
  /** True when `answer` calls `pause` itself, because something must happen before the wait. */
  readonly callsPause?: true
  /** Throws a Refusal to say no. */
  answer(call: Call): Answer | Promise<Answer>
}
