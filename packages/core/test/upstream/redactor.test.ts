import { describe, expect, it } from 'vitest'
import { profileSecret } from '../../src/domain/profile.ts'
import { Secret } from '../../src/domain/secret.ts'
import { createRedactor, excerptOf } from '../../src/upstream/redactor.ts'
import { personalTexts, personalTextsOf } from '../../src/upstream/personal-texts.ts'

const VALUE = 'Zoë & Ñuñez, "type two"/x'
const percent = (text: string): string =>
  [...new TextEncoder().encode(text)].map((byte) => `%${byte.toString(16)}`).join('')
const unicode = (text: string): string =>
  text.replaceAll(/[^ -~]|["\\]/g, (one) => String.raw`\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)

describe('an upstream text that repeats what a request carried', () => {
  it.each<[string, string]>([
    ['as it was sent', VALUE],
    ['in lower case', VALUE.toLowerCase()],
    ['in upper case', VALUE.toUpperCase()],
    ['in JSON', JSON.stringify(VALUE)],
    ['in JSON within JSON', JSON.stringify(JSON.stringify(VALUE))],
    ['in JSON without letters beyond ASCII', `"${unicode(VALUE)}"`],
    ['in JSON with escaped slashes', JSON.stringify(VALUE).replaceAll('/', '\\/')],
    ['percent-encoded', encodeURIComponent(VALUE)],
    ['percent-encoded, lower-case digits', encodeURIComponent(VALUE).toLowerCase()],
    ['percent-encoded, every byte', percent(VALUE)],
    ['percent-encoded twice', encodeURIComponent(encodeURIComponent(VALUE))],
    ['as a form', new URLSearchParams({ a: VALUE }).toString()],
    ['in HTML', VALUE.replace('&', '&amp;').replaceAll('"', '&quot;')],
    ['in HTML with numbers', VALUE.replaceAll(/\W/gu, (one) => `&#${one.codePointAt(0)};`)],
    ['in HTML with hexadecimal numbers', VALUE.replaceAll(/\W/gu, (one) => `&#x${one.codePointAt(0)?.toString(16)};`)],
    ['in HTML with named letters', VALUE.replace('ë', '&euml;').replaceAll('ñ', '&ntilde;').replace('Ñ', '&Ntilde;')],
    ['with combining accents', VALUE.normalize('NFD')],
    ['without accents', VALUE.normalize('NFD').replaceAll(/\p{M}/gu, '')],
    ['with other blanks', VALUE.replaceAll(' ', '  \n\t ')],
    ['with its end cut off', VALUE.slice(0, 12)],
    ['cut off by an ellipsis', `${VALUE.slice(0, 12)}…" and more`],
    ['cut off by three dots', `${VALUE.slice(0, 12)}... and more`],
  ])('does not show it %s', (_, echoed) => {
    const clean = createRedactor(personalTexts([], { diagnosis: VALUE }))
    const shown = clean(`attributes not accepted: ${echoed}`, 500)
    expect(shown).toMatch(/^attributes not accepted: /)
    expect(shown).toContain('[removed]')
    expect(shown).not.toMatch(/zo|u.ez|type two/i)
  })

  it.each<[string, string]>([
    ['Lovelace', 'no account for LOVELACE, Ada'],
    ['ada', 'no account for LOVELACE, Ada'],
    ['ada.lovelace', 'user Ada.Lovelace exists'],
    ['ß', 'STRASSE 5 is too long'],
    ['5550199', 'phone 5550199 is not valid'],
    ['1985', 'born 1985'],
    ['A\\+', 'bloodGroup is {"bloodGroup":"A+"}'],
    ['deep', 'not deep inside'],
  ])('does not show %s in %j', (part, echoed) => {
    const people = personalTexts(['ada.lovelace@x.example', 'Ada Lovelace'], {
      street: 'Straße 5',
      phone: 5_550_199,
      born: { year: 1985, of: ['deep'] },
      bloodGroup: 'A+',
    })
    expect(createRedactor(people)(echoed, 200)).not.toMatch(new RegExp(part, 'i'))
    expect(createRedactor(people)(echoed, 200)).toContain('[removed]')
  })

  it('does not show what is stored of a person, what the CRM knows included', () => {
    const profile = { email: 'ada@x.example', attributes: { plan: 'premium' }, crm: { customerId: 'C-778899' } }
    const people = personalTextsOf(profileSecret(profile))
    expect(createRedactor(people)('guest c-778899 (ada, premium) is locked', 200)).toBe(
      'guest [removed] ([removed], [removed]) is locked',
    )
  })

  it('keeps words of which a short name is a part', () => {
    expect(createRedactor(personalTexts(['Ann'], { plan: 'pro' }))('the channel was not provided', 200)).toBe(
      'the channel was not provided',
    )
  })

  it('does not show it where a page marks it up, or behind 64 KiB', () => {
    const clean = createRedactor(personalTexts([], { diagnosis: 'diabetes type two' }))
    expect(excerptOf('<p title="diabetes type two">Not&nbsp;taken: <b>Diabetes type</b> two</p>', clean, 200)).toBe(
      'Not taken: [removed]',
    )
    const long = `${'<br>'.repeat(16_383)}dia${'betes type two'.repeat(3)}`
    expect(excerptOf(long, clean, 200)).not.toContain('diabetes')
  })

  it('is cleaned whatever else it holds, and whatever it repeats', () => {
    const clean = createRedactor([new Secret(`${'a'.repeat(2_000)}b`)])
    expect(clean(`${'"'.repeat(65_535)}x`, 200).length).toBe(200)
    for (const filler of ['a', '%25', '\\\\', '&amp;', '...', '&#37;25', '"', '…a'])
      expect(clean(filler.repeat(Math.ceil(1_048_576 / filler.length)), 200).length).toBeLessThanOrEqual(200)
  })

  it('does not show secrets with characters that encodings use', () => {
    for (const secret of ['a%41b+c d/e', 'x\\u0041"y', '&amp;z&#65;', 'q%%zz'])
      for (const form of [secret, JSON.stringify(secret), encodeURIComponent(secret)])
        expect(createRedactor([new Secret(secret)])(`bad: ${form} end`, 200)).toMatch(/^bad: "?\[removed\]"? end$/)
  })
})
