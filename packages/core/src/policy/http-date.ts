import type { Instant } from '../domain/time.ts'

const DAYS = 'Mon|Tue|Wed|Thu|Fri|Sat|Sun'
const LONG_DAYS = 'Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday'
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const MONTH = `(?<month>${MONTHS.join('|')})`
const TIME = String.raw`(?<hour>\d\d):(?<minute>\d\d):(?<second>\d\d)`

const IMF_FIXDATE = new RegExp(String.raw`^(?:${DAYS}), (?<day>\d\d) ${MONTH} (?<year>\d{4}) ${TIME} GMT$`)
const RFC_850 = new RegExp(String.raw`^(?:${LONG_DAYS}), (?<day>\d\d)-${MONTH}-(?<year>\d\d) ${TIME} GMT$`)
const ASCTIME = new RegExp(String.raw`^(?:${DAYS}) ${MONTH} (?<day>\d\d| \d) ${TIME} (?<year>\d{4})$`)

/**
 * Reads an HTTP date in any of its three grammars (RFC 9110, 5.6.7). Undefined for anything else, also for
 * days that no calendar has. The name of the weekday is not compared with the date.
 *
 * @param now gives a year of two digits its century
 */
export function httpDate(text: string, now: Instant): Instant | undefined {
  const short = RFC_850.exec(text)
  if (short?.groups) return withCentury(short.groups, now)
  const { groups } = IMF_FIXDATE.exec(text) ?? ASCTIME.exec(text) ?? {}
  return groups && instantOf(groups, Number(groups['year']))
}

type Parts = Readonly<Record<string, string>>

/**
 * A date more than 50 years ahead counts as the latest past year with the same two digits (RFC 9110, 5.6.7).
 */
function withCentury(parts: Parts, now: Instant): Instant | undefined {
  const horizon = new Date(now)
  horizon.setUTCFullYear(horizon.getUTCFullYear() + 50)
  const latest = horizon.getUTCFullYear()
  const year = latest - ((latest - Number(parts['year'])) % 100)
  const at = instantOf(parts, year)
  return at === undefined || at > horizon.getTime() ? instantOf(parts, year - 100) : at
}

function instantOf(parts: Parts, year: number): Instant | undefined {
  const day = Number(parts['day'])
  const hour = Number(parts['hour'])
  const minute = Number(parts['minute'])
  const second = Number(parts['second'])
  // 60 is a leap second, which the grammar allows.
  if (hour > 23 || minute > 59 || second > 60) return undefined
  const date = new Date(0)
  // Not Date.UTC: it reads the years 0 to 99 as 1900 to 1999.
  date.setUTCFullYear(year, MONTHS.indexOf(parts['month'] ?? ''), day)
  return date.getUTCDate() === day ? date.setUTCHours(hour, minute, second) : undefined
}
