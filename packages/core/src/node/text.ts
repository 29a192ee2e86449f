/**
 * The error of a file, or of a line of it, that is not text in a supported encoding. `message` completes "the
 * file …", and never contains its text.
 */
export class NotText extends Error {
  override readonly name = 'NotText'
  /** The first line that cannot be read, from 1; undefined for the whole file. */
  readonly line: number | undefined
  /** What to do, as a sentence. */
  readonly remedy = 'Save it as UTF-8 (in PowerShell: Out-File -Encoding utf8).'

  constructor(what: string, line?: number) {
    super(line === undefined ? what : `${what} (line ${line})`)
    this.line = line
  }
}

/** A line of a text, without its line end. */
export interface TextLine {
  readonly text: string
  /**
   * Why the line cannot be read, as `is not UTF-8`. Its text has U+FFFD for the bytes that could not be read.
   */
  readonly fault?: string
}

type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be'

const MARK_BYTES = 4
const NOT_UTF_8 = 'is not UTF-8'

/** The encoding by the byte order mark, else UTF-8. Throws `NotText` for UTF-32. */
function encodingOf(bytes: Uint8Array): Encoding {
  const [a, b, c, d] = bytes
  if ((a === 0xff && b === 0xfe && c === 0 && d === 0) || (a === 0 && b === 0 && c === 0xfe && d === 0xff))
    throw new NotText('is UTF-32')
  if (a === 0xff && b === 0xfe) return 'utf-16le'
  return a === 0xfe && b === 0xff ? 'utf-16be' : 'utf-8'
}

const withoutMark = (bytes: Uint8Array): Uint8Array =>
  bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes

/**
 * The bytes of a file. The first chunk has at least the length of a byte order mark, where there are as many
 * bytes.
 */
async function* withWholeMark(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let head: Uint8Array | undefined = new Uint8Array()
  for await (const chunk of chunks) {
    if (!head) yield chunk
    else if (head.length + chunk.length < MARK_BYTES) head = Buffer.concat([head, chunk])
    else {
      yield Buffer.concat([head, chunk])
      head = undefined
    }
  }
  if (head) yield head
}

/**
 * Decodes each byte of UTF-8 to one character, so that lines can be split before they are decoded. Decodes
 * UTF-16 fully.
 */
async function* charactersOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<{ text: string; encoding: Encoding }> {
  let encoding: Encoding | undefined
  let decoder: TextDecoder | undefined
  for await (const chunk of withWholeMark(chunks)) {
    const bytes = encoding ? chunk : withoutMark(chunk)
    encoding ??= encodingOf(chunk)
    if (encoding !== 'utf-8') decoder ??= new TextDecoder(encoding)
    yield { encoding, text: decoder ? decoder.decode(bytes, { stream: true }) : Buffer.from(bytes).toString('latin1') }
  }
  const rest = decoder?.decode()
  if (rest) yield { encoding: encoding ?? 'utf-8', text: rest }
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function lineOf(characters: string, encoding: Encoding): TextLine {
  if (characters.includes('\0'))
    return {
      text: characters.replaceAll('\0', '\uFFFD'),
      fault: 'holds NUL bytes, as UTF-16 without a byte order mark does',
    }
  if (encoding !== 'utf-8')
    return characters.includes('\uFFFD') ? { text: characters, fault: 'is not UTF-16' } : { text: characters }
  if (!/[\u0080-\u00FF]/.test(characters)) return { text: characters }
  const bytes = Buffer.from(characters, 'latin1')
  try {
    return { text: strict.decode(bytes) }
  } catch {
    return { text: bytes.toString('utf8'), fault: NOT_UTF_8 }
  }
}

/**
 * Splits a text into lines. Lines end with LF, CRLF or CR, but not at U+2028 and U+2029 as those of
 * `node:readline`, because JSON texts and CSV fields may contain these. A line that is not in the encoding
 * has a `fault`.
 *
 * @param chunks the bytes of a file: UTF-8, or UTF-16 with a byte order mark, which is skipped
 *
 * Rejects with `NotText` for UTF-32.
 */
export async function* textLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<TextLine> {
  let rest = ''
  let last: Encoding = 'utf-8'
  for await (const { text, encoding } of charactersOf(chunks)) {
    last = encoding
    // A CR at the end may be the first half of a CRLF.
    const lines = `${rest}${text}`.split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    for (const line of lines) yield lineOf(line, encoding)
  }
  if (rest !== '') yield lineOf(rest.replace(/\r$/, ''), last)
}

/**
 * Decodes a text.
 *
 * @param bytes UTF-8, or UTF-16 with a byte order mark, which is skipped
 *
 * Throws `NotText`, with the first line that cannot be read.
 */
export function decodedText(bytes: Uint8Array): string {
  const encoding = encodingOf(bytes)
  if (encoding !== 'utf-8') return wholeText(new TextDecoder(encoding).decode(bytes), encoding)
  return wholeText(Buffer.from(withoutMark(bytes)).toString('latin1'), encoding)
}

function wholeText(characters: string, encoding: Encoding): string {
  const { text, fault } = lineOf(characters, encoding)
  if (fault === undefined) return text
  const line = characters.split(/\r\n|\n|\r/).findIndex((one) => lineOf(one, encoding).fault !== undefined)
  throw new NotText(fault, line + 1)
}
