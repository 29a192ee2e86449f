import type { Json } from '../domain/json.ts'
import { profileIn } from '../domain/profile.ts'
import { Secret } from '../domain/secret.ts'

/**
 * Shorter values say nothing of a person by themselves: they are struck out only where they stand in quotes.
 */
const SHORTEST = 3
/** Shorter numbers are everywhere. */
const SHORTEST_NUMBER = 4

/**
 * What a request says of a person, so that an answer that repeats it is never shown: address and name, also
 * their parts, and texts and numbers in attributes, wherever.
 */
export const personalTexts = (
  named: readonly (string | undefined)[],
  attributes: Readonly<Record<string, Json>> = {},
): readonly Secret[] => {
  const texts = [...named.filter((text) => text !== undefined).flatMap(withParts), ...valuesIn(attributes)]
  return [...new Set(texts)].map((text) => new Secret(text))
}

/** Words of a name, and the part of an address before the @. */
const withParts = (text: string): readonly string[] => [
  text,
  ...text.split(/@.*|[\s,]+/).filter((part) => part.length >= SHORTEST),
]

function valuesIn(value: Json): readonly string[] {
  if (typeof value === 'string') return value.length >= SHORTEST ? [value] : [`"${value}"`, `'${value}'`]
  if (typeof value === 'number') return String(value).length >= SHORTEST_NUMBER ? [String(value)] : []
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap((part: Json) => valuesIn(part)) : []
}

/** The same of what is stored of a person, for requests that carry none of it: upstream knows it too. */
export function personalTextsOf(profile: Secret | undefined): readonly Secret[] {
  const { email, name, attributes = null, crm = null } = profileIn(profile)
  const named = [email, name].map((one) => (typeof one === 'string' ? one : undefined))
  return personalTexts(named, { attributes, crm })
}
