import { z } from 'zod'

const header = z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'a header value is one line of text')
const headerName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'not a header name')

/** Schemas of the effects, by the member that distinguishes them. */
const forms = {
  status: z.strictObject({
    status: z.int().min(200).max(599),
    headers: z.record(headerName, header).optional(),
    body: z.unknown().optional(),
  }),
  drop: z.strictObject({ drop: z.enum(['before', 'after']) }),
  delayMs: z.strictObject({ delayMs: z.int().min(0).max(600_000) }),
  garble: z.strictObject({ garble: z.enum(['html', 'truncated', 'empty', 'type']) }),
}

/** The schema of an effect. To parse, `effectSchema` is used, whose errors name the member at fault. */
export const faultEffect = z.union([forms.status, forms.drop, forms.delayMs, forms.garble])

const times = z.int().min(1).max(1_000_000).default(1)

/** The schema of a script. `operations`: the names that `on` may have. */
export const scriptBody = (operations: readonly string[]) =>
  z.array(z.strictObject({ on: z.enum(operations), do: faultEffect, times }))

/**
 * What a fault does to a request; one of:
 *
 * - `status` (200 to 599): this answer is sent instead, and nothing takes effect. Without a `body`, it has
 *   the usual error body of the endpoint. A body that is a text is sent as it is, any other as JSON.
 * - `drop`: the connection is reset `before` or `after` the request takes effect.
 * - `delayMs` (0 to 600000): the work takes this many milliseconds longer, in real time. It takes effect even
 *   if the client has closed the connection by then.
 * - `garble`: the request takes effect, and the answer is an HTML page, cut in half, empty, or of type
 *   `text/plain`.
 */
export type FaultEffect =
  | {
      readonly status: number
      readonly headers?: Readonly<Record<string, string>> | undefined
      readonly body?: unknown
    }
  | { readonly drop: 'before' | 'after' }
  | { readonly delayMs: number }
  | { readonly garble: 'html' | 'truncated' | 'empty' | 'type' }

/** A scripted fault. Each request takes at most one: the oldest of its operation. */
export interface Fault {
  /**
   * The operation, as the journal names it: `token`, `mint`, `refresh`, `create`, `jwks`, `webhook` and
   * others.
   */
  readonly on: string
  readonly do: FaultEffect
  /** How many requests take it, 1 to 1000000. Default 1. */
  readonly times?: number | undefined
}

/** The script of a sandbox. */
export interface Faults {
  /** The names that `on` may have, sorted. */
  readonly operations: readonly string[]
  /**
   * Adds faults to the end; an empty list clears the script. Throws a ZodError if the input is not a list of
   * faults.
   */
  script(input: unknown): void
  /** Takes the oldest fault of an operation; undefined if there is none. */
  take(operation: string): FaultEffect | undefined
  pending(): Fault[]
}

/** `names`: the operations that faults can name; some come several times. */
export function createFaults(names: readonly string[]): Faults {
  const operations = [...new Set(names)].sort()
  const schema = scriptSchema(operations)
  let waiting: { on: string; do: FaultEffect; times: number }[] = []
  return {
    operations,
    script: (input) => {
      const added = schema.parse(input)
      waiting = added.length === 0 ? [] : [...waiting, ...added]
    },
    take: (operation) => {
      if (waiting.length === 0) return undefined
      const index = waiting.findIndex((fault) => fault.on === operation)
      const fault = waiting[index]
      if (fault === undefined) return undefined
      fault.times -= 1
      if (fault.times === 0) waiting.splice(index, 1)
      return fault.do
    },
    pending: () => waiting.map((fault) => ({ ...fault })),
  }
}

function scriptSchema(known: readonly string[]) {
  const on = z.string().refine((name) => known.includes(name), { error: `one of ${known.join(', ')}` })
  return z.array(z.strictObject({ on, do: effectSchema(), times }))
}

/** Chooses the schema by its member: a union of schemas would not name the field at fault. */
function effectSchema() {
  return z.unknown().transform((input, context): FaultEffect => {
    const form = Object.entries(forms).find(
      ([member]) => typeof input === 'object' && input !== null && member in input,
    )
    if (form === undefined) {
      const message =
        'one of {status, headers?, body?}, {drop: "before" or "after"}, {delayMs}, {garble: "html", "truncated", "empty" or "type"}'
      context.issues.push({ code: 'custom', message, input })
      return z.NEVER
    }
    const parsed = form[1].safeParse(input)
    if (parsed.success) return parsed.data
    for (const { message, path } of parsed.error.issues) {
      context.issues.push({ code: 'custom', message, path: [...path], input })
    }
    return z.NEVER
  })
}
