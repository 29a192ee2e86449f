/** One ASN.1 value in DER (X.690): its tag, its contents, and the bytes after it. */
interface Der {
  readonly tag: number
  readonly contents: Uint8Array
  readonly rest: Uint8Array
}

export const DER_TAG = { integer: 0x02, bits: 0x03, id: 0x06, sequence: 0x30, first: 0xa0 } as const

/**
 * The length at the start of the bytes, and where the contents begin; undefined for forms that DER does not
 * have.
 */
function lengthOf(bytes: Uint8Array): { readonly length: number; readonly from: number } | undefined {
  const first = bytes[1]
  if (first === undefined) return undefined
  if (first < 0x80) return { length: first, from: 2 }
  const digits = first - 0x80
  if (digits < 1 || digits > 3 || bytes.length < 2 + digits) return undefined
  let length = 0
  for (const digit of bytes.subarray(2, 2 + digits)) length = length * 256 + digit
  return { length, from: 2 + digits }
}

/** The first value of the bytes; undefined when they do not hold one whole. */
export function readDer(bytes: Uint8Array): Der | undefined {
  const [tag] = bytes
  const found = lengthOf(bytes)
  if (tag === undefined || !found || found.from + found.length > bytes.length) return undefined
  const end = found.from + found.length
  return { tag, contents: bytes.subarray(found.from, end), rest: bytes.subarray(end) }
}

/** The contents of a value that must have this tag. */
export const derContents = (bytes: Uint8Array | undefined, tag: number): Uint8Array | undefined => {
  const value = bytes && readDer(bytes)
  return value?.tag === tag ? value.contents : undefined
}

/** What follows the first value. */
export const afterFirstDer = (bytes: Uint8Array | undefined): Uint8Array | undefined => bytes && readDer(bytes)?.rest

/** The whole of the bytes, when they are one value of this tag and nothing more. */
export const soleDerContents = (bytes: Uint8Array | undefined, tag: number): Uint8Array | undefined => {
  const value = bytes && readDer(bytes)
  return value?.tag === tag && value.rest.length === 0 ? value.contents : undefined
}
