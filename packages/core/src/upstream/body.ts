/** Reads a value of an answer. Throws a `BodyFault` if the value does not fit. */
export type Reader<T> = (value: unknown) => T

/** The type that a reader returns. */
export type Read<R> = R extends Reader<infer T> ? T : never

/** A value that does not fit, and its path. The message shows nothing of the answer. */
export class BodyFault extends Error {
  override readonly name = 'BodyFault'
  readonly path: readonly string[]

  constructor(message: string, path: readonly string[] = []) {
    super(message)
    this.path = path
  }
}

type Members = Readonly<Record<string, Reader<unknown>>>
type ObjectOf<M extends Members> = { readonly [Name in keyof M]: Read<M[Name]> }

/** Accepts any value. */
export const anything: Reader<unknown> = (value) => value

/** A text of 1 to `most` characters for which `is` holds. */
export const text =
  ({ most = Number.POSITIVE_INFINITY, is = () => true }: { most?: number; is?: (value: string) => boolean } = {}) =>
  (value: unknown): string => {
    if (typeof value === 'string' && value !== '' && value.length <= most && is(value)) return value
    throw new BodyFault(value === undefined ? 'missing' : 'not a text that can be used')
  }

/**
 * Makes a member optional: a value that does not fit counts as missing, so that the rest of the answer is
 * used.
 */
export const lenient =
  <T>(reader: Reader<T>): Reader<T | undefined> =>
  (value) => {
    try {
      return reader(value)
    } catch (thrown) {
      if (thrown instanceof BodyFault) return undefined
      throw thrown
    }
  }

/** Reads the members of a JSON object. Other members are dropped. */
export const object =
  <M extends Members>(members: M): Reader<ObjectOf<M>> =>
  (value) => {
    const given = objectIn(value)
    const read = Object.entries(members).map(([name, reader]) => [name, memberOf(given, name, reader)] as const)
    return Object.fromEntries(read) as ObjectOf<M>
  }

/** Reads the members of a JSON object. Other members are kept. */
export const openObject = <M extends Members>(members: M): Reader<ObjectOf<M> & Readonly<Record<string, unknown>>> => {
  const known = object(members)
  return (value) => ({ ...objectIn(value), ...known(value) })
}

/** The members of a JSON object, without `__proto__`. */
function objectIn(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new BodyFault('not an object')
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== '__proto__'))
}

function memberOf(given: Readonly<Record<string, unknown>>, name: string, reader: Reader<unknown>): unknown {
  try {
    return reader(given[name])
  } catch (thrown) {
    throw thrown instanceof BodyFault ? new BodyFault(thrown.message, [name, ...thrown.path]) : thrown
  }
}
