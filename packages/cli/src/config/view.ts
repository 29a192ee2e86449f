import { Secret } from '@guestpass/core'
import type { Config } from './config.ts'
import { entries } from './settings.ts'

/** One setting in force, as it may be shown. */
export interface Shown {
  /** The variable's name. */
  readonly name: string
  readonly value: unknown
  readonly origin: string
  /** The name that it was written under, where that is another. */
  readonly as?: string
}

/** A value with every secret masked. */
function shown(value: unknown): unknown {
  if (value instanceof Secret) return value.mask()
  if (Array.isArray(value)) return value.map(shown)
  if (typeof value !== 'object' || value === null) return value
  if ('place' in value) return value.place
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, shown(part)]))
}

/** The settings in force, in the order of their documentation. */
export const shownSettings = (config: Config): readonly Shown[] =>
  entries.flatMap(([key, { names }]) => {
    const from = config.origins[key]
    if (!from) return []
    const [name] = names
    return [
      {
        name,
        value: shown(config.settings[key]),
        origin: from.origin,
        ...(from.name === name ? {} : { as: from.name }),
      },
    ]
  })
