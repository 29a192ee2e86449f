import { MAX_JSON_DEPTH } from './json.ts'

const BACKSLASH = 92
const COLON = 58
const SPACE = 32

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Whether the quote at this place of JSON text is part of a string: an odd number of backslashes is before
 * it.
 */
function isEscaped(text: string, quote: number): boolean {
  let before = quote - 1
  while (text.charCodeAt(before) === BACKSLASH) before -= 1
  return (quote - before) % 2 === 0
}

/** How many member names valid JSON text spells out: strings that a colon follows. */
function namesWritten(text: string): number {
  let names = 0
  for (let open = text.indexOf('"'); open !== -1; ) {
    let close = text.indexOf('"', open + 1)
    while (isEscaped(text, close)) close = text.indexOf('"', close + 1)
    let next = close + 1
    while (text.charCodeAt(next) <= SPACE) next += 1
    if (text.charCodeAt(next) === COLON) names += 1
    open = text.indexOf('"', next)
  }
  return names
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** Freezes the value deeply and counts its members; NaN if it is too deep or names a prototype. */
function freezeAndCount(value: object, depth: number): number {
  if (depth > MAX_JSON_DEPTH) return Number.NaN
  let members = 0
  if (Array.isArray(value)) {
    for (const item of value as readonly unknown[]) if (isObject(item)) members += freezeAndCount(item, depth + 1)
  } else {
    for (const name of Object.keys(value)) {
      if (name === '__proto__') return Number.NaN
      const member = (value as Record<string, unknown>)[name]
      members += isObject(member) ? 1 + freezeAndCount(member, depth + 1) : 1
    }
  }
  Object.freeze(value)
  return members
}

/**
 * Parses text that must be one JSON object, for input that is signed or from outside. Stricter than
 * `JSON.parse`: no byte order mark, no member name twice in one object at any depth, no `__proto__`, at most
 * 64 levels.
 *
 * @returns the object, deeply frozen; undefined for any other text
 */
export function parseStrictObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = JSON.parse(text) as unknown
    if (!isObject(value) || Array.isArray(value)) return undefined
    // A name that occurs twice is written twice but kept once.
    return freezeAndCount(value, 1) === namesWritten(text) ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** The same from bytes, which must be UTF-8. */
export function strictObject(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    return parseStrictObject(utf8.decode(bytes))
  } catch {
    return undefined
  }
}

/** A member of the object itself, never of a prototype. */
export const ownMember = (object: Readonly<Record<string, unknown>>, name: string): unknown =>
  Object.hasOwn(object, name) ? object[name] : undefined
