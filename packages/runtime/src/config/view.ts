import { type ExtraParams, Secret } from '@guestpass/core'
import type { Config } from './config.ts'
import { settingEntries } from './settings.ts'

/** Shown in place of a secret value. */
const MASK = '…'

/** One setting with its value, as `guestpass config` shows it. */
export interface ShownSetting {
  /** The name of the variable. */
  readonly name: string
  /** The parsed value as JSON, with secrets masked. */
  readonly value: unknown
  /** Where it was given: see `Origin`. */
  readonly origin: string
  /** The name that the user wrote, if it is not `name`. */
  readonly as?: string
}

/**
 * Free parameters whose values are neither secret nor personal. The values of others, as `login_hint`, are
 * masked.
 */
const PLAIN: ReadonlySet<string> = new Set([
  'access_type',
  'acr_values',
  'audience',
  'display',
  'max_age',
  'org',
  'prompt',
  'provider',
  'resource',
  'ui_locales',
])

const shownParams = (params: ExtraParams): ExtraParams =>
  Object.fromEntries(Object.entries(params).map(([name, value]) => [name, PLAIN.has(name) ? value : MASK]))

/** The value of a setting with every secret masked. */
function shownSetting(key: string, value: unknown): unknown {
  const isParams = key === 'authorizeParams' || key === 'tokenParams'
  return shown(isParams ? shownParams(value as ExtraParams) : value)
}

function shown(value: unknown): unknown {
  if (value instanceof Secret) return value.mask()
  if (Array.isArray(value)) return value.map(shown)
  if (typeof value !== 'object' || value === null) return value
  if ('place' in value) return value.place
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, shown(part)]))
}

/**
 * Gives the settings that are set or have a default, with secrets masked, in the order of the documentation.
 */
export const shownSettings = (config: Config): readonly ShownSetting[] =>
  settingEntries.flatMap(([key, { names }]) => {
    const from = config.origins[key]
    if (!from) return []
    const [name] = names
    return [
      {
        name,
        value: shownSetting(key, config.settings[key]),
        origin: from.origin,
        ...(from.name === name ? {} : { as: from.name }),
      },
    ]
  })
