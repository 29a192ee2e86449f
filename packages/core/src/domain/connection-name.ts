import { checkOptions, schema, required } from './options.ts'

const NAME = /^[a-z\d][\w.-]{0,63}$/i

/** The rule for names of connections, in words for messages: `Name it with ${CONNECTION_NAME_RULE}.` */
export const CONNECTION_NAME_RULE =
  '1 to 64 letters (a to z), digits, dots, hyphens or underscores, the first a letter or digit'

/**
 * Whether a value can name a connection; see `CONNECTION_NAME_RULE`. The name is part of row keys, URLs and
 * settings. The rule allows only characters that no encoding changes, so that two names never become equal.
 */
export const isConnectionName = (name: unknown): boolean => typeof name === 'string' && NAME.test(name)

/**
 * Halves of a character that stand alone. Where text becomes UTF-8, all of them become one and the same
 * character.
 */
const LONE = /\p{Cs}/gu

/**
 * A name with each lone surrogate as its escape. No well-formed name holds a backslash, so that no two names
 * meet.
 */
const wellFormed = (name: string): string =>
  name.replaceAll(LONE, (half) => String.raw`\u${half.charCodeAt(0).toString(16)}`)

/** What names a connection: a program may give lone surrogates in it. */
export const connectionName = schema(
  'the name of a connection',
  (value) => typeof value === 'string' && isConnectionName(value.replaceAll(LONE, '-')),
  `Name it with ${CONNECTION_NAME_RULE}.`,
)

/**
 * The name of a connection as rows, leases and records hold it. Names from programs may hold lone surrogates,
 * which are escaped. Throws `config_invalid` when it cannot be a name.
 */
export function checkedConnection(name: string): string {
  checkOptions('a connection', ['name', name, required(connectionName)])
  return wellFormed(name)
}
