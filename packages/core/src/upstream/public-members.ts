import type { Json } from '../domain/json.ts'

/**
 * The members of an upstream answer that callers are given. Left out are tokens and other secrets, objects
 * nested deeper than 4 levels, and members beyond 4096 characters as JSON.
 */
export type PublicMembers = { readonly [name: string]: Json }

/** The deepest level that is handed on. */
const DEEPEST = 4
/** The most characters of all members as JSON: they are stored with the guest. */
const MOST_CHARACTERS = 4_096

/** Names of members that hold secrets. */
const SECRET = /token|secret|password/i

/**
 * What an answer says besides its tokens, for callers: its members as they came. Left out are members named
 * like secrets, texts that hold one of `secrets`, what is nested deeper than 4 levels, and members that would
 * take the rest over 4096 characters as JSON.
 */
export function publicMembers(body: Readonly<Record<string, unknown>>, secrets: readonly string[]): PublicMembers {
  const plain = objectOf(body, secrets, 1)
  let left = MOST_CHARACTERS
  return Object.fromEntries(
    Object.entries(plain).filter(([name, value]) => {
      const size = JSON.stringify({ [name]: value }).length
      if (size > left) return false
      left -= size
      return true
    }),
  )
}

const objectOf = (value: object, secrets: readonly string[], depth: number): PublicMembers =>
  Object.fromEntries(
    Object.entries(value).flatMap(([name, part]: [string, unknown]) => {
      const kept = SECRET.test(name) ? undefined : valueOf(part, secrets, depth)
      return kept === undefined ? [] : [[name, kept] as const]
    }),
  )

function valueOf(value: unknown, secrets: readonly string[], depth: number): Json | undefined {
  if (typeof value === 'string') return secrets.some((secret) => value.includes(secret)) ? undefined : value
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value
  if (typeof value !== 'object' || depth >= DEEPEST) return undefined
  if (!Array.isArray(value)) return objectOf(value, secrets, depth + 1)
  return value.flatMap((part: unknown) => {
    const kept = valueOf(part, secrets, depth + 1)
    return kept === undefined ? [] : [kept]
  })
}
