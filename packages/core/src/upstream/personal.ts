import { type Json, textsIn } from '../domain/json.ts'
import { Secret } from '../domain/secret.ts'

/** Shorter values of attributes say nothing of a person, and would be struck out of every word that they are part of. */
const SHORTEST = 3

/** What a request says of a person, so that an answer that repeats it is never shown: address and name, and texts in attributes. */
export const personal = (
  named: readonly (string | undefined)[],
  attributes: Readonly<Record<string, Json>> = {},
): readonly Secret[] =>
  [...named.filter((text) => text !== undefined), ...textsIn(attributes).filter((text) => text.length >= SHORTEST)]
    // The longest first: one may be a part of another.
    .sort((one, other) => other.length - one.length)
    .map((text) => new Secret(text))
