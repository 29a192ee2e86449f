import { z } from 'zod'
import { required } from './json-body.ts'

const MAX_ATTRIBUTES = 2048

const address = required('an address, as ann@example.com, of at most 254 characters')

/** One address: no blanks, one @. Whether mail reaches it is nobody's business here. */
export const email = z
  .string({ error: address })
  .max(254, { error: address })
  .regex(/^[^\s@]{1,64}@[^\s@]+$/, { error: address })

const naming = required('1 to 100 characters')

export const name = z
  .string({ error: naming })
  .min(1, { error: naming })
  .refine((given) => Array.from(given).length <= 100, { error: naming })

/** A record that is at most 2048 bytes as JSON. */
export function attributes<V extends z.ZodType>(value: V, of: string) {
  const record = required(`an object with ${of}`)
  return z
    .record(z.string(), value, { error: record })
    .refine((given) => Buffer.byteLength(JSON.stringify(given)) <= MAX_ATTRIBUTES, {
      error: `at most ${MAX_ATTRIBUTES} bytes as JSON`,
    })
}
