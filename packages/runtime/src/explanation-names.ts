import type { Cause, Explanation } from '@guestpass/core/runtime-kit'
import type { Config } from './config/config.ts'
import { settingNamesIn, settingOfOption, type SettingName } from './config/core-options.ts'
import { settings } from './config/setting-table.ts'
import { type Key, settingName } from './config/settings.ts'
import { shownSettings } from './config/view.ts'
import { commandFor } from './remedies.ts'

/** How the reader of an explanation names settings, members of a request and the background work. */
export interface ExplanationNames {
  readonly nameOf: SettingName
  /** Writes a member of a request, with its value where there is one. */
  readonly member: (name: string, value?: string) => string
  /** The call that renews guests in the background. */
  readonly keeper: string
}

/** The names of the command line: variables, flags and commands. */
export const commandNames = ({ connection }: Pick<Config, 'connection'>): ExplanationNames => ({
  nameOf: (key) => settingName(key, connection),
  member: (name, value) => `${flags[name] ?? name}${value === undefined ? '' : ` ${value}`}`,
  keeper: `\`${commandFor(connection, 'keep')}\``,
})

/**
 * The names in a program that opened `guestpass()`: members of requests, and `start()`.
 *
 * @param nameOf how the program names its settings
 *
 * @example
 * ```ts
 * import { programNames, settingName } from '@guestpass/runtime'
 *
 * const { nameOf, member } = programNames((key) => settingName(key, 'default', true))
 * console.log(nameOf('rateLimit'), member('onDuplicate', 'reuse')) // rateLimit `onDuplicate: 'reuse'`
 * ```
 */
export const programNames = (nameOf: SettingName): ExplanationNames => ({
  nameOf,
  member: (name, value) => (value === undefined ? `\`${name}\`` : `\`${name}: '${value}'\``),
  keeper: '`start()`',
})

const flags: Readonly<Record<string, string>> = { onDuplicate: '--on-duplicate', subject: '--subject' }

/** The setting that decides, as its reader knows it. */
export interface NamedSetting {
  /** Its name, or what it is if nothing sets it. */
  readonly name: string
  /** Its value, with secrets masked; its default as text where none is set. */
  readonly value: unknown
  /** It is fixed: no option and no variable sets it. */
  readonly configurable?: false
}

/** An explanation whose sentences name settings as the reader knows them. */
export interface NamedExplanation extends Omit<Explanation, 'setting'> {
  readonly setting?: NamedSetting
}

/**
 * Gives an explanation of the core library with the names that its reader knows.
 *
 * @param config where the value of the setting that decides is taken from
 * @param names `programNames(…)` for a program
 */
export function namedExplanation(
  { setting, ...explanation }: Explanation,
  config: Config,
  names: ExplanationNames,
): NamedExplanation {
  const written = (text: string): string => namedText(text, names)
  const named = setting && settingValue(setting, config, names)
  const chosen = chosenByRequest[explanation.cause]
  const decides = named && (chosen === undefined || chosen === named.value)
  return {
    ...explanation,
    what: settingNamesIn(explanation.what, names.nameOf),
    why: written(explanation.why),
    rule: written(explanation.rule),
    prevention: written(explanation.prevention),
    ...(decides ? { setting: named } : {}),
  }
}

/** Values of `onDuplicate` that caused what happened. If the setting has another one, the request gave it. */
const chosenByRequest: Readonly<Partial<Record<Cause, string>>> = { reused: 'reuse', replaced: 'replace' }

/** A member of a request, which may have the name of a setting. */
const MEMBER = /(`(?:onDuplicate|subject)(?:: \w+)?`)/

const namedText = (text: string, { nameOf, member, keeper }: ExplanationNames): string =>
  text
    .replaceAll('`keeper()`', keeper)
    .replaceAll('`keepForMs`', '24 h')
    .split(MEMBER)
    .map((part) => {
      const [, name, value] = /^`(\w+)(?:: (\w+))?`$/.exec(part) ?? []
      return MEMBER.test(part) && name !== undefined ? member(name, value) : settingNamesIn(part, nameOf)
    })
    .join('')

/** Options of the core library that nothing sets, by what they are. */
const fixed: Readonly<Record<string, string>> = {
  windows: 'when tokens are renewed before their end',
  keepForMs: 'how long a guest is renewed that no caller asks for',
  'policy.retry': 'how often a call is repeated',
  'policy.breaker': 'when the circuit breaker opens',
}

/** The setting by which users change the deadline of calls. */
const DEADLINE: Key = 'patienceSeconds'

function settingValue(
  { option, fallback }: NonNullable<Explanation['setting']>,
  config: Config,
  { nameOf }: ExplanationNames,
): NamedSetting {
  const key = option === 'policy.deadlineMs' ? DEADLINE : settingOfOption(option)
  if (key === undefined) return { name: fixed[option] ?? option, value: fallback, configurable: false }
  const shown = shownSettings(config).find(({ name }) => name === settings[key].names[0])
  return { name: nameOf(key), value: shown?.value ?? fallback }
}
