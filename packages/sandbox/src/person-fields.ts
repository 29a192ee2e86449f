import { z } from 'zod'
import { required } from './json-body.ts'

const MAX_ATTRIBUTES_BYTES = 2048

const emailError = required('an address, as ann@example.com, of at most 254 characters')

/** An e-mail address: no blanks, one @. It need not exist. */
export const emailField = z
  .string({ error: emailError })
  .max(254, { error: emailError })
  .regex(/^[^\s@]{1,64}@[^\s@]+$/, { error: emailError })

const nameError = required('1 to 100 characters')

export const nameField = z
  .string({ error: nameError })
  .min(1, { error: nameError })
  .refine((given) => Array.from(given).length <= 100, { error: nameError })

/** A record of at most 2048 bytes as JSON. `of`: what it contains, for the error message. */
export function attributesField<V extends z.ZodType>(value: V, of: string) {
  const record = required(`an object with ${of}`)
  return z
    .record(z.string(), value, { error: record })
    .refine((given) => Buffer.byteLength(JSON.stringify(given)) <= MAX_ATTRIBUTES_BYTES, {
      error: `at most ${MAX_ATTRIBUTES_BYTES} bytes as JSON`,
    })
}
