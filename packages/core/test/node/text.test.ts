import { describe, expect, it } from 'vitest'
import { decodedText, NotText, type TextLine, textLines } from '../../src/node/index.ts'

const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1')
const marked = (text: string): Uint8Array => Buffer.from(`\uFEFF${text}`)
const utf16le = (text: string): Uint8Array => Buffer.from(`\uFEFF${text}`, 'utf16le')
const utf16be = (text: string): Uint8Array => Buffer.from(utf16le(text)).swap16()

/** The lines of bytes that come in chunks of this size. */
async function linesIn(bytes: Uint8Array, size: number): Promise<readonly TextLine[]> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
  }
  const lines: TextLine[] = []
  for await (const line of textLines(chunks())) lines.push(line)
  return lines
}

const text = 'Ünïcode 🎉\r\n\u2028 within\n\nlast'
const lines = [{ text: 'Ünïcode 🎉' }, { text: '\u2028 within' }, { text: '' }, { text: 'last' }]

describe('a text', () => {
  it.each([
    ['UTF-8', Buffer.from(text)],
    ['UTF-8 with a mark', marked(text)],
    ['UTF-16, little-endian', utf16le(text)],
    ['UTF-16, big-endian', utf16be(text)],
  ])('is read in %s, whole and by lines, however it is cut', async (_, bytes) => {
    expect(decodedText(bytes)).toBe(text)
    for (const size of [1, 2, 3, 5, 1_000]) expect(await linesIn(bytes, size)).toEqual(lines)
  })

  it('may be empty, or a mark alone', async () => {
    for (const bytes of [new Uint8Array(), marked(''), utf16le('')]) {
      expect(decodedText(bytes)).toBe('')
      expect(await linesIn(bytes, 1)).toEqual([])
    }
  })

  it('keeps a mark that is not at its beginning', () => {
    expect(decodedText(marked('a\uFEFF'))).toBe('a\uFEFF')
    expect(decodedText(Buffer.concat([marked(''), marked('a')]))).toBe('\uFEFFa')
  })

  it.each([
    ['Latin letters in windows-1252', latin1('a\nJ\xfcrgen\n'), 'is not UTF-8 (line 2)'],
    ['a letter that is cut off', Buffer.from('a\u00fc').subarray(0, 2), 'is not UTF-8 (line 1)'],
    ['UTF-16 without a mark', Buffer.from('ab', 'utf16le'), 'NUL bytes'],
    ['half a pair in UTF-16', utf16le('a\n\ud800b'), 'is not UTF-16 (line 2)'],
    ['UTF-32', Uint8Array.of(0xff, 0xfe, 0, 0, 0x61, 0, 0, 0), 'is UTF-32'],
    ['UTF-32, big-endian', Uint8Array.of(0, 0, 0xfe, 0xff, 0, 0, 0, 0x61), 'is UTF-32'],
  ])('is refused with %s', (_, bytes, message) => {
    expect(() => decodedText(bytes)).toThrow(NotText)
    expect(() => decodedText(bytes)).toThrow(message)
  })

  it('reports for each line whether it could be read', async () => {
    expect(await linesIn(latin1('fine\nJ\xfcrgen\rfine'), 1)).toEqual([
      { text: 'fine' },
      { text: 'J\uFFFDrgen', fault: 'is not UTF-8' },
      { text: 'fine' },
    ])
  })
})
