import type { Instant, Millis } from '../domain/time.ts'

/** The format of a mirrored document: how it is asked for, read, stored and turned into a value. */
export interface DocumentFormat<Content, Value> {
  /** Its name in sentences, as `key-set`. */
  readonly document: string
  /** What is missing without it, as the subject of a sentence: `The signing keys`. */
  readonly subject: string
  /** The code of the error if there is no document. */
  readonly code: 'keys_unavailable' | 'upstream_unavailable'
  /** What to do if there is no document, as a sentence without its full stop. */
  readonly remedy: string
  /** The Accept header of the request. */
  readonly accept: string
  /** The content of an answer, reduced to what is used. Throws `DocumentFault` for anything else. */
  read(bytes: Uint8Array, url: string): Content
  /** What of the content a store remembers, as members of a JSON object; `url`, `at` and `etag` are taken. */
  toFact(content: Content): Readonly<Record<string, unknown>>
  /** The content that a store remembered; undefined for anything else that may be in its place. */
  fromFact(fact: Readonly<Record<string, unknown>>): Content | undefined
  /**
   * The value that callers get; the value before, if nothing changed. Rejects with `DocumentFault` if it
   * cannot be used.
   */
  make(content: Content, before: { readonly content: Content; readonly value: Value } | undefined): Promise<Value>
}

/** A document mirrored from a URL. */
export interface Copy<Content, Value> {
  readonly url: string
  readonly value: Value
  readonly content: Content
  readonly etag?: string | undefined
  /** Milliseconds since the URL last confirmed it. */
  readonly age: () => Millis
  /** The age at which the URL is asked again. */
  readonly dueAt: Millis
}

/** A copy as a store remembers it between processes. */
interface StoredCopy<Content> {
  /** Wall time of the confirmation. */
  readonly at: Instant
  readonly etag?: string | undefined
  readonly content: Content
}

/** A remembered copy of this URL; undefined for anything else that may be in its place. */
export function readStoredCopy<Content>(
  value: unknown,
  url: string,
  format: Pick<DocumentFormat<Content, unknown>, 'fromFact'>,
): StoredCopy<Content> | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const fact = value as Readonly<Record<string, unknown>>
  const { at, etag } = fact
  if (fact['url'] !== url || typeof at !== 'number' || !Number.isFinite(at)) return undefined
  if (etag !== undefined && typeof etag !== 'string') return undefined
  const content = format.fromFact(fact)
  return content === undefined ? undefined : { at, etag, content }
}
