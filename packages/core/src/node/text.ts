/** A file, or one of its lines, is not text in an encoding that is read. `message` completes "the file …", and never shows what it holds. */
export class NotText extends Error {
  override readonly name = 'NotText'
  /** The line on which that shows, from 1; undefined where the whole file is meant. */
  readonly line: number | undefined
  /** What to do about it, as a sentence. */
  readonly remedy = 'Save it as UTF-8 (in PowerShell: Out-File -Encoding utf8).'

  constructor(what: string, line?: number) {
    super(line === undefined ? what : `${what} (line ${line})`)
    this.line = line
  }
}

/** A line of a text, without what ends it. */
export interface TextLine {
  readonly text: string
  /** Why the text is not what the file says, as `is not UTF-8`; what could not be read stands as U+FFFD. */
  readonly fault?: string
}

type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be'

const MARK_BYTES = 4
const NOT_UTF_8 = 'is not UTF-8'

/** The encoding that a byte order mark names, else UTF-8. Throws `NotText` for UTF-32. */
function encodingOf(bytes: Uint8Array): Encoding {
  const [a, b, c, d] = bytes
  if ((a === 0xff && b === 0xfe && c === 0 && d === 0) || (a === 0 && b === 0 && c === 0xfe && d === 0xff))
    throw new NotText('is UTF-32')
  if (a === 0xff && b === 0xfe) return 'utf-16le'
  return a === 0xfe && b === 0xff ? 'utf-16be' : 'utf-8'
}

const withoutMark = (bytes: Uint8Array): Uint8Array =>
  bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes

/** The bytes of a file; at least those of a byte order mark come first, where there are as many. */
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

/** A character for each byte of UTF-8, so that lines can be told apart before they are decoded; UTF-16 is decoded at once. */
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
 * The lines of a text that comes in chunks: UTF-8, or UTF-16 with a byte order mark. A mark is passed over. Lines end with LF, CRLF or CR;
 * unlike those of `node:readline` not at U+2028 and U+2029, which may stand within a JSON text or a CSV field. A line that is not in the
 * encoding comes with its fault. Rejects with `NotText` for UTF-32.
 */
export async function* textLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<TextLine> {
  let rest = ''
  let last: Encoding = 'utf-8'
  for await (const { text, encoding } of charactersOf(chunks)) {
    last = encoding
    // A CR at the very end may be the first half of a CRLF.
    const lines = `${rest}${text}`.split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    for (const line of lines) yield lineOf(line, encoding)
  }
  if (rest !== '') yield lineOf(rest.replace(/\r$/, ''), last)
}

/**
 * The text that bytes hold: UTF-8, or UTF-16 with a byte order mark, which is passed over. Throws `NotText`, with the first line that cannot
 * be read.
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
