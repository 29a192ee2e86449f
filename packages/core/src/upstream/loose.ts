import * as z from 'zod/mini'

/** A text that an answer may bring. Anything else counts as missing: no side member costs the token beside it. */
export const looseText = z.catch(z.optional(z.string().check(z.minLength(1))), undefined)
