/** Reads a body to its end. Undefined if it has more than `most` bytes: then it is read no further. */
export async function readAtMost(
  body: ReadableStream<Uint8Array> | null,
  most: number,
): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = []
  let size = 0
  const reader = body?.getReader()
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    size += part.value.byteLength
    parts.push(part.value)
    if (size <= most) continue
    await reader?.cancel()
    return undefined
  }
  const whole = new Uint8Array(size)
  parts.reduce((at, part) => (whole.set(part, at), at + part.byteLength), 0)
  return whole
}
