import type { z } from 'zod'
import type { Call } from './endpoint.ts'
import { apiRefusal } from './refusal.ts'

/** The message of a schema for a field: its rule, after `required: ` if the field is missing. */
export const required = (rule: string) => (issue: { readonly input?: unknown }) =>
  issue.input === undefined ? `required: ${rule}` : rule

/**
 * Reads the body as JSON and checks it by `schema`. Refuses with 415, or with 400 and a detail for every
 * invalid field.
 */
export function jsonBody<S extends z.ZodType>(call: Call, schema: S): z.infer<S> {
  const parsed = schema.safeParse(json(call))
  if (parsed.success) return parsed.data
  const details = parsed.error.issues.map((issue) => ({
    errorCode: issue.message.startsWith('required') ? 'parameters.missing' : 'invalid.value',
    fieldName: issue.path.join('.'),
    message: issue.message,
  }))
  const faults = details.map(({ fieldName, message }) => (fieldName ? `${fieldName}: ${message}` : message))
  throw apiRefusal({
    status: 400,
    code: 'constraint.validation',
    message: `The request is not valid: ${faults.join('; ')}`,
    details,
  })
}

/** As `jsonBody`, but an empty body counts as `{}`. */
export function optionalJsonBody<S extends z.ZodType>(call: Call, schema: S): z.infer<S> {
  if (call.body.length > 0) return jsonBody(call, schema)
  return jsonBody(
    { ...call, headers: { ...call.headers, 'content-type': 'application/json' }, body: Buffer.from('{}') },
    schema,
  )
}

function json(call: Call): unknown {
  const type = call.headers['content-type']?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json') {
    throw apiRefusal({
      status: 415,
      code: 'unsupported.media.type',
      message: 'Send the body as application/json, with the content-type header saying so.',
    })
  }
  try {
    return JSON.parse(call.body.toString('utf8'))
  } catch {
    throw apiRefusal({ status: 400, code: 'bad.request', message: 'The request body is not valid JSON.' })
  }
}
