import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DAY, SECOND } from '../../src/domain/time.ts'
import { httpDate } from '../../src/policy/http-date.ts'
import { MAX_RETRY_AFTER, retryAfter } from '../../src/policy/retry-after.ts'

const now = Date.UTC(2026, 0, 1)
const names = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const two = (value: number, fill = '0'): string => String(value).padStart(2, fill)
const dayName = (date: Date): string => names[date.getUTCDay()] as string
const month = (date: Date): string => months[date.getUTCMonth()] as string
const time = (date: Date): string =>
  `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`
const year = (date: Date): string => String(date.getUTCFullYear()).padStart(4, '0')

const imf = (d: Date): string =>
  `${dayName(d).slice(0, 3)}, ${two(d.getUTCDate())} ${month(d)} ${year(d)} ${time(d)} GMT`
const rfc850 = (d: Date): string =>
  `${dayName(d)}, ${two(d.getUTCDate())}-${month(d)}-${year(d).slice(2)} ${time(d)} GMT`
const asctime = (d: Date): string =>
  `${dayName(d).slice(0, 3)} ${month(d)} ${two(d.getUTCDate(), ' ')} ${time(d)} ${year(d)}`

/** Whole seconds from the year 0 to the year 9999. */
const anySecond = fc.integer({
  min: Date.parse('0000-01-01T00:00:00Z') / SECOND,
  max: Date.UTC(9999, 11, 31, 23, 59, 59) / SECOND,
})

describe('dates of HTTP', () => {
  test('the three examples of RFC 9110 are one and the same moment', () => {
    const at = Date.UTC(1994, 10, 6, 8, 49, 37)
    expect(httpDate('Sun, 06 Nov 1994 08:49:37 GMT', now)).toBe(at)
    expect(httpDate('Sunday, 06-Nov-94 08:49:37 GMT', now)).toBe(at)
    expect(httpDate('Sun Nov  6 08:49:37 1994', now)).toBe(at)
  })

  test('IMF-fixdate and asctime come back as they were written, whatever the date', () => {
    fc.assert(
      fc.property(anySecond, (seconds) => {
        const date = new Date(seconds * SECOND)
        expect(httpDate(imf(date), now)).toBe(date.getTime())
        expect(httpDate(asctime(date), now)).toBe(date.getTime())
      }),
      { numRuns: 20_000 },
    )
  })

  test('RFC 850 dates from almost 50 years ago to 50 years ahead come back as they were written, in any century', () => {
    const limits = { min: Date.UTC(1000, 0, 1) / SECOND, max: Date.UTC(9900, 0, 1) / SECOND }
    fc.assert(
      fc.property(fc.integer(limits), fc.double({ min: -1, max: 1, noNaN: true }), (from, part) => {
        const at = Math.round(from + part * 49.9 * 365.2425 * 86_400) * SECOND + 0
        expect(httpDate(rfc850(new Date(at)), from * SECOND)).toBe(at)
      }),
      { numRuns: 20_000 },
    )
  })

  test('a two-digit year lies at most 50 years ahead, to the second', () => {
    expect(httpDate('Wednesday, 01-Jan-76 00:00:00 GMT', now)).toBe(Date.UTC(2076, 0, 1))
    expect(httpDate('Wednesday, 01-Jan-76 00:00:01 GMT', now)).toBe(Date.UTC(1976, 0, 1, 0, 0, 1))
    expect(httpDate('Tuesday, 29-Feb-00 00:00:00 GMT', Date.UTC(2060, 0, 1))).toBe(Date.UTC(2000, 1, 29))
  })

  test('a leap second counts as the second after', () => {
    expect(httpDate('Sat, 31 Dec 2016 23:59:60 GMT', now)).toBe(Date.UTC(2017, 0, 1))
  })

  test.each([
    'Sun, 6 Nov 1994 08:49:37 GMT',
    'sun, 06 nov 1994 08:49:37 gmt',
    'Sun, 06 Nov 1994 08:49:37 UTC',
    'Sun, 06 Nov 1994 08:49:37 +0000',
    'Sun, 06 Nov 94 08:49:37 GMT',
    'Sun, 31 Feb 1994 08:49:37 GMT',
    'Sun, 00 Nov 1994 08:49:37 GMT',
    'Sun, 29 Feb 2023 08:49:37 GMT',
    'Sun, 06 Nov 1994 24:00:00 GMT',
    'Sun, 06 Nov 1994 23:60:00 GMT',
    'Sun, 06 Nov 1994 23:00:61 GMT',
    'Sun, 06-Nov-94 08:49:37 GMT',
    'Sunday, 06-Nov-1994 08:49:37 GMT',
    'Sun Nov 6 08:49:37 1994',
    'Sun Nov 06 08:49:37 1994 GMT',
    '1994-11-06T08:49:37Z',
    '2026',
    '',
  ])('%j is no date', (text) => {
    expect(httpDate(text, now)).toBeUndefined()
  })
})

describe('Retry-After', () => {
  test.each([
    ['0', 0],
    ['1', 1_000],
    ['120', 120_000],
    ['  7 ', 7_000],
    ['007', 7_000],
    ['1.5', 1_500],
    ['2026', 2_026_000],
    ['31536000', MAX_RETRY_AFTER],
    ['31536001', MAX_RETRY_AFTER],
    ['9'.repeat(400), MAX_RETRY_AFTER],
  ])('%j is a delay of %d ms', (text, ms) => {
    expect(retryAfter(text, now)).toBe(ms)
  })

  test.each([
    '',
    ' ',
    '-1',
    '+1',
    '1e3',
    '0x10',
    '.5',
    '5.',
    '1,5',
    '5, 5',
    '5s',
    'NaN',
    'Infinity',
    'soon',
    'null',
    '٣',
    '1 2',
  ])('%j says nothing', (text) => {
    expect(retryAfter(text, now)).toBeUndefined()
  })

  test('no header says nothing', () => {
    expect(retryAfter(undefined, now)).toBeUndefined()
  })

  test('a date counts from the Date header of the answer, so that a wrong clock here changes nothing', () => {
    const answeredAt = new Date(Date.UTC(2026, 5, 1, 12))
    const until = new Date(answeredAt.getTime() + 90 * SECOND)
    for (const skew of [-DAY, 0, DAY]) {
      for (const write of [imf, rfc850, asctime]) {
        expect(retryAfter(write(until), answeredAt.getTime() + skew, imf(answeredAt))).toBe(90_000)
      }
    }
  })

  test('a date counts from the clock here when the answer has no readable Date header', () => {
    const until = imf(new Date(now + 30 * SECOND))
    expect(retryAfter(until, now)).toBe(30_000)
    expect(retryAfter(until, now, 'yesterday')).toBe(30_000)
  })

  test('a date that has passed is no wait, a date beyond a year is a year', () => {
    expect(retryAfter(imf(new Date(now - DAY)), now)).toBe(0)
    expect(retryAfter(imf(new Date(Date.UTC(9999, 0, 1))), now)).toBe(MAX_RETRY_AFTER)
  })

  test('whatever the texts, the answer is nothing or a finite wait from 0 to a year', () => {
    const digits = fc.stringMatching(/^[0-9.+e -]{0,30}$/)
    const nearly = anySecond.chain((seconds) => {
      const text = fc.constantFrom(imf, rfc850, asctime).map((write) => write(new Date(seconds * SECOND)))
      return fc
        .tuple(text, fc.nat(40), fc.string({ maxLength: 3 }))
        .map(([date, at, put]) => date.slice(0, at) + put + date.slice(at + 1))
    })
    const text = fc.oneof(fc.string(), digits, nearly)
    fc.assert(
      fc.property(text, fc.option(text, { nil: undefined }), fc.integer({ min: 0, max: 4e12 }), (value, date, at) => {
        const wait = retryAfter(value, at, date)
        expect(wait === undefined || (wait >= 0 && wait <= MAX_RETRY_AFTER)).toBe(true)
      }),
      { numRuns: 30_000 },
    )
  })
})
