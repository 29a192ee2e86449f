/** How many encodings within each other are decoded, as of a URL in JSON in HTML. */
const ROUNDS = 3

/**
 * Combining marks by the names that HTML has for letters with them: `&eacute;` is e with the mark of `acute`.
 */
const MARKS: Readonly<Record<string, string>> = {
  acute: '\u0301',
  grave: '\u0300',
  circ: '\u0302',
  tilde: '\u0303',
  uml: '\u0308',
  ring: '\u030A',
  cedil: '\u0327',
  caron: '\u030C',
}

const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  commat: '@',
  plus: '+',
  num: '#',
  percnt: '%',
  szlig: 'ß',
  oslash: 'ø',
  aelig: 'æ',
}

const character = (code: number): string => (code <= 0x10ffff ? String.fromCodePoint(code) : '\uFFFD')

/**
 * Text without the encodings of JSON, HTML and URLs, however deep they lie within each other up to three
 * times.
 */
export function decodeText(text: string): string {
  let now = text
  for (let round = 0; round < ROUNDS; round += 1) {
    const next = percentDecoded(htmlDecoded(jsonDecoded(now)))
    if (next === now) break
    now = next
  }
  return now.toWellFormed().normalize('NFC')
}

const jsonDecoded = (text: string): string =>
  text.replaceAll(/\\(?:u([0-9a-f]{4})|(["\\/])|[bfnrt](?![a-z]))/gi, (_all, code?: string, plain?: string) =>
    code === undefined ? (plain ?? ' ') : String.fromCharCode(Number.parseInt(code, 16)),
  )

const htmlDecoded = (text: string): string =>
  text
    .replaceAll(/&#(?:x([0-9a-f]{1,6})|(\d{1,7}));/gi, (_all, hex?: string, decimal?: string) =>
      character(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)),
    )
    .replaceAll(/&([A-Za-z])(acute|grave|circ|tilde|uml|ring|cedil|caron);/g, (_all, letter: string, mark: string) =>
      `${letter}${MARKS[mark]}`.normalize('NFC'),
    )
    .replaceAll(/&([A-Za-z]{2,6});/g, (all, name: string) => (Object.hasOwn(NAMED, name) ? `${NAMED[name]}` : all))

const percentDecoded = (text: string): string =>
  text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (encoded) => {
    try {
      return decodeURIComponent(encoded)
    } catch {
      return encoded
    }
  })
