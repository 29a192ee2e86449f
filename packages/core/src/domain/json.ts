/** Deeper JSON from outside is refused: nothing needs it, and a walk must not run out of stack. */
export const MAX_JSON_DEPTH = 64
/** Values with more parts are refused before anything walks them; those that hold themselves have no end. */
const MAX_PARTS = 10_000

/** What is wrong with a text that is no well-formed Unicode. */
export const LONE_SURROGATE = 'holds half of a character (a lone surrogate)'

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

/**
 * Writes a value as JSON without spaces, with the members of every object sorted by the UTF-16 code units of
 * their names. Equal values give equal texts, so that they can be compared or hashed.
 */
export const canonicalJson = (value: unknown): string =>
  JSON.stringify(value, (_name, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )

/** Every text in a value, wherever. */
export function stringsIn(value: Json): readonly string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null
    ? Object.values(value).flatMap((part: Json) => stringsIn(part))
    : []
}

/**
 * What is wrong with a value from outside before it is walked as JSON; undefined when it is at most 64 levels
 * deep, does not hold itself, and neither names nor texts would be changed or lost on their way.
 */
export function jsonProblem(value: unknown): string | undefined {
  let parts = 0
  const odd = (part: unknown, depth: number): string | undefined => {
    parts += 1
    const isDeep = depth > MAX_JSON_DEPTH && typeof part === 'object' && part !== null
    if (isDeep || parts > MAX_PARTS) return `nested deeper than ${MAX_JSON_DEPTH} levels, or too large`
    if (typeof part === 'string') return part.isWellFormed() ? undefined : LONE_SURROGATE
    if (typeof part !== 'object' || part === null) return undefined
    for (const [name, member] of Object.entries(part)) {
      if (name === '__proto__') return 'holds a member named __proto__'
      const found = odd(name, depth) ?? odd(member, depth + 1)
      if (found) return found
    }
    return undefined
  }
  return odd(value, 1)
}
