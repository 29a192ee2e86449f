/** The body of a request as it was received, before any parser: bytes, or the same as text. */
export type RawBody = string | Uint8Array | ArrayBuffer

/** How to get the bytes. A body that was parsed and written again has another signature. */
const HOW =
  'Express: `express.raw({ type: "application/json" })` on this route, before any `express.json()`. ' +
  'Fastify: a content type parser with `parseAs: "buffer"`. Hono and web handlers: `await request.arrayBuffer()`. ' +
  'AWS Lambda: `Buffer.from(event.body, event.isBase64Encoded ? "base64" : "utf8")`'

/** A body as text, or as a clause why it has no text. */
export function bodyText(body: unknown): { readonly text: string } | { readonly fault: string } {
  if (typeof body === 'string') return { text: body }
  const bytes = bytesOf(body)
  if (!bytes) return { fault: `${nature(body)}; the raw bytes are needed, as they were received. ${HOW}` }
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) }
  } catch {
    return { fault: 'its body is not UTF-8' }
  }
}

function bytesOf(body: unknown): Uint8Array | undefined {
  if (body instanceof Uint8Array) return body
  // Also of another realm, as in tests with jsdom.
  const tag = Object.prototype.toString.call(body)
  if (tag === '[object Uint8Array]') return body as Uint8Array
  return tag === '[object ArrayBuffer]' ? new Uint8Array(body as ArrayBuffer) : undefined
}

function nature(body: unknown): string {
  if (body === undefined || body === null) return 'its body was not given'
  if (body instanceof Promise) return 'its body is a promise that was not awaited'
  return typeof body === 'object' && typeof (body as { getReader?: unknown }).getReader === 'function'
    ? 'its body is a stream that was not read'
    : 'its body was parsed already'
}
