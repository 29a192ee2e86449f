import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib'
import { type HttpAnswer, HttpFault, MAX_ANSWER_BYTES } from '../ports/http.ts'

type Decode = (bytes: Uint8Array, options: { readonly maxOutputLength: number }) => Uint8Array

/** The content codings (RFC 9110, section 8.4.1). Some senders of `deflate` leave out the zlib header. */
const codings: Readonly<Record<string, Decode>> = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  br: brotliDecompressSync,
  deflate: (bytes, options) => (((bytes[0] ?? 0) & 0x0f) === 8 ? inflateSync : inflateRawSync)(bytes, options),
}

/**
 * Decodes the content coding of an answer, and removes its header. An unknown coding stays, with its header.
 * JSON without a coding is taken as it is, whatever the header says. Throws `HttpFault`: `oversized` when the
 * decoded body is over 1 MiB, `lost` when the body is truncated.
 */
export function withoutCoding(answer: HttpAnswer): HttpAnswer {
  const { 'content-encoding': named, ...headers } = answer.headers
  if (named === undefined) return answer
  const names = named
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'identity')
  const known = names.map((name) => (Object.hasOwn(codings, name) ? codings[name] : undefined))
  if (names.length > 2 || known.includes(undefined)) return isPlainJson(answer.bytes) ? { ...answer, headers } : answer
  const steps = answer.bytes.length === 0 ? [] : (known as Decode[]).toReversed()
  return { ...answer, headers, bytes: steps.reduce(decode, answer.bytes) }
}

function decode(bytes: Uint8Array, decoder: Decode): Uint8Array {
  try {
    return decoder(bytes, { maxOutputLength: MAX_ANSWER_BYTES })
  } catch (thrown) {
    if ((thrown as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE')
      throw new HttpFault('oversized', `the answer is over ${MAX_ANSWER_BYTES} bytes`)
    if (isPlainJson(bytes)) return bytes
    throw new HttpFault('lost', 'the answer cannot be unpacked: it breaks off or is not what it says')
  }
}

/** Some gateways decode an answer and leave the header. Some servers write a charset into the header. */
const isPlainJson = (bytes: Uint8Array): boolean => /^\s*[{[]/.test(new TextDecoder().decode(bytes.subarray(0, 64)))
