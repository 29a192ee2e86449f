import { z } from 'zod'

const header = z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'a header value is one line of text')
const headerName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'not a header name')

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

/**
 * What happens to a request that meets a fault:
 * - `status`: this answer is given instead; nothing takes effect. Without a body, the usual error body of the endpoint.
 * - `drop`: the connection is reset, `before` or `after` the request took effect.
 * - `delayMs`: the work takes this much longer, in real time; it takes effect even when the client has gone by then.
 * - `garble`: it takes effect, but the answer is an HTML page, cut off, empty, or of the wrong content type.
 */
export type FaultEffect = z.infer<(typeof forms)[keyof typeof forms]>

/** A scripted fault: the next `times` requests (default 1) of operation `on` meet it. */
export interface Fault {
  readonly on: string
  readonly do: FaultEffect
  readonly times?: number | undefined
}

/** The script of a sandbox: faults wait in order, and each request takes at most one, the oldest for its operation. */
export interface Faults {
  /** Adds to the script; an empty list clears it. Throws a ZodError when the input is not a list of faults. */
  script(input: unknown): void
  take(operation: string): FaultEffect | undefined
  pending(): Fault[]
}

/** `operations`: every name that `on` may have. */
export function createFaults(operations: readonly string[]): Faults {
  const schema = scriptSchema(operations)
  let waiting: { on: string; do: FaultEffect; times: number }[] = []
  return {
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

function scriptSchema(operations: readonly string[]) {
  const known = [...new Set(operations)].sort()
  const on = z.string().refine((name) => known.includes(name), { error: `one of ${known.join(', ')}` })
  return z.array(z.strictObject({ on, do: effectSchema(), times: z.int().min(1).max(1_000_000).default(1) }))
}

/** Not a plain union: its one message for all forms would not say which field of the form meant is wrong. */
function effectSchema() {
  return z.unknown().transform((input, context): FaultEffect => {
    const form = Object.entries(forms).find(([key]) => typeof input === 'object' && input !== null && key in input)
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
