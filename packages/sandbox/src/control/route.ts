import type { z } from 'zod'

/** A request of a control route, as its route reads it. */
export interface ControlCall {
  /** The body as data; undefined for routes without a body. */
  readonly body: unknown
  readonly query: Readonly<Record<string, string | undefined>>
  setHeader(name: string, value: string): void
}

/** A control route: what the server serves, and what the OpenAPI document says of it. */
export interface ControlRoute {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Below `/__sandbox`. */
  readonly path: string
  readonly summary: string
  /** The schema of the body. A route without one takes no body. */
  readonly body?: z.ZodType
  /** Its query parameters, by name, each with what it does. */
  readonly query?: Readonly<Record<string, string>>
  /** The schema of the answer. A route without one answers 204. */
  readonly answer?: z.ZodType
  /** Headers of the answer, by name, each with what it says. */
  readonly answerHeaders?: Readonly<Record<string, string>>
  /** Throws a ZodError for a body that is not valid. */
  run(call: ControlCall): unknown
}
