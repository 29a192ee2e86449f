import type * as z from 'zod'
import type * as table from './setting-table.ts'
import { type Setting, settings } from './setting-table.ts'

/** The key of a setting, as `clientId`: its name in the configuration file. */
export type Key = keyof (typeof table)['settings']

/** The value of a setting, parsed. */
export type SettingValue<K extends Key> = z.output<(typeof table)['settings'][K]['kind']>

/** The keys of settings that have a default. */
export type DefaultedKey = {
  [K in Key]: (typeof table)['settings'][K] extends { readonly fallback: string } ? K : never
}[Key]

/** The values of all settings. One without a default may be absent. */
export type Settings = { readonly [K in DefaultedKey]: SettingValue<K> } & {
  readonly [K in Exclude<Key, DefaultedKey>]?: SettingValue<K>
}

/** All settings with their keys, in the order of the documentation. */
export const settingEntries = Object.entries(settings) as readonly (readonly [Key, Setting])[]

/** The name of a variable as a key of the configuration file: `GENESYS_CLIENT_ID` as `clientId`. */
export const camelCase = (name: string): string =>
  name
    .replace(/^(GENESYS|GUESTPASS)_/, '')
    .toLowerCase()
    .replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase())

/** The flag of a setting, as `--client-id`. Secrets have none. */
export function flagName(key: Key): string | undefined {
  const { secret }: Setting = settings[key]
  if (secret) return undefined
  if (key === 'patienceSeconds') return '--patience'
  return key === 'databaseUrl' ? '--database' : `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** Options of programs whose name differs from the key of their setting. */
const renamedOptions: Readonly<Partial<Record<Key, string>>> = {
  databaseUrl: 'store',
  crmBaseUrl: 'crm',
  idpWebhookUrl: 'webhooks.idp',
  idpWebhookIncludeToken: 'webhooks.idp.includeToken',
  idmWebhookUrl: 'webhooks.idm',
  analyticsWebhookUrl: 'webhooks.analytics',
  webhookSecret: 'webhooks.secret',
}

/**
 * Settings without an option for programs: there, `env` is the environment, and the others are for the service
 * only.
 */
const withoutOption: ReadonlySet<Key> = new Set<Key>([
  'env',
  'apiKeys',
  'apiKeyQuota',
  'publicUrl',
  'trustedProxies',
  'corsOrigins',
  'drainSeconds',
])

/** The option of a setting in a program, as `clientId` or `webhooks.idm`. Undefined if it has none. */
export const optionName = (key: Key): string | undefined =>
  withoutOption.has(key) ? undefined : (renamedOptions[key] ?? key)

/**
 * The name under which a user can set a setting for a connection, as `GENESYS_REGION` or
 * `connections.acme.region`. `inProgram`: the option, if there is one. Default false.
 */
export function settingName(key: Key, connection: string, inProgram = false): string {
  const { names, of }: Setting = settings[key]
  if (inProgram) return optionName(key) ?? names[0]
  return of === 'program' || connection === 'default' ? names[0] : `connections.${connection}.${key}`
}

const keysByName: ReadonlyMap<string, Key> = new Map(
  settingEntries.flatMap(([key, { names }]) => names.map((name) => [name, key] as const)),
)
const keysByFileName: ReadonlyMap<string, Key> = new Map(
  [...keysByName].flatMap(([name, key]) => [[name, key] as const, [camelCase(name), key] as const]),
)

/** The setting of a variable of the environment. */
export const keyOfVariable = (name: string): Key | undefined => keysByName.get(name)

const FILE = '_FILE'

/** The setting whose secret is in a file that a variable names, as GENESYS_CLIENT_SECRET_FILE does. */
export function keyOfSecretFile(name: string): Key | undefined {
  const key = name.endsWith(FILE) ? keyOfVariable(name.slice(0, -FILE.length)) : undefined
  const setting: Setting | undefined = key && settings[key]
  return setting?.secret || setting?.inFile ? key : undefined
}

/** The setting of a key of the configuration file: the key in camel case, or the name of the variable. */
export const keyOfFileName = (name: string): Key | undefined => keysByFileName.get(name)

/** Variables that are read outside the configuration, so that they work when it has mistakes. */
const otherVariables = ['GUESTPASS_DEBUG']

export const knownVariables: readonly string[] = [...keysByName.keys(), ...otherVariables]
export const knownFileNames: readonly string[] = [...keysByFileName.keys(), 'connections']
