/** Names for lifetimes of a guest token, in seconds. */
export const durations = {
  shortSession: 3_600,
  standardSession: 7_200,
  extendedSession: 14_400,
  maxLifetime: 86_400,
} as const

/** The longest lifetime of a guest token, in seconds. */
export const LONGEST_DURATION = durations.maxLifetime

const aliases = {
  short: 'shortSession',
  standard: 'standardSession',
  extended: 'extendedSession',
  max: 'maxLifetime',
} as const

/** How many seconds the letter after a number means. */
const units: Readonly<Record<string, number>> = { '': 1, m: 60, h: 3_600 }

/**
 * The seconds of a lifetime that is given by name, or as a number with or without a unit. Any other value is
 * returned as it is.
 */
export function secondsOf(value: unknown): unknown {
  if (typeof value !== 'string') return value
  const named = Object.hasOwn(aliases, value) ? aliases[value as keyof typeof aliases] : value
  if (Object.hasOwn(durations, named)) return durations[named as keyof typeof durations]
  const [, number, unit = ''] = /^(\d{1,9})([mh]?)$/.exec(value) ?? []
  return number === undefined ? value : Number(number) * (units[unit] ?? Number.NaN)
}
