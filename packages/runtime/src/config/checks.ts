import type { Field } from '@guestpass/core'
import { asGuestpassError } from '@guestpass/core/store-kit'
import { proxies } from '@guestpass/core/node'
import { isPlainHttp } from './kinds.ts'
import type { UnknownName, Variables, WrittenSetting } from './layers.ts'
import { type Key, type Settings, settingName } from './settings.ts'
import { type Setting, settings } from './setting-table.ts'

/**
 * What a program needs of its configuration: settings by their keys, or `hosts`, the addresses of the
 * upstream.
 */
export type Need = Key | 'hosts'

/** How faults name settings: for a connection; `inProgram`: by the options of a program. */
export interface Naming {
  readonly connection: string
  readonly inProgram: boolean
}

/** The faults of settings that are needed and not set. `unknownNames`: those of the sources. */
export const missingSettings = (
  needs: readonly Need[],
  chosen: ReadonlyMap<Key, WrittenSetting>,
  naming: Naming,
  unknownNames: readonly UnknownName[],
): Field[] =>
  needs
    .filter((need) => need !== 'hosts')
    .filter((key) => !chosen.has(key))
    .map((key) => ({
      field: settingName(key, naming.connection, naming.inProgram),
      message: 'is not set',
      remedy: [...misspellingsOf([key], unknownNames), `${whereToSet(key, naming)} to ${settings[key].write}.`].join(
        ' ',
      ),
    }))

/** The beginning of a hint about a name that is no setting. */
export const misspelling = ({ name, place }: UnknownName): string => `${name} in ${place} is no setting.`

/** Hints about misspelt names of the settings. Beside a hint, the warning about the name is not shown. */
export const misspellingsOf = (keys: readonly Key[], unknownNames: readonly UnknownName[]): readonly string[] => {
  const meant = new Set<string>(keys.flatMap((key) => [key, ...settings[key].names]))
  return unknownNames
    .filter((one) => one.meant !== undefined && meant.has(one.meant))
    .map((one) => `${misspelling(one)} Did you mean ${one.meant}?`)
}

function whereToSet(key: Key, { connection, inProgram }: Naming): string {
  const { of, names }: Setting = settings[key]
  const walled = of === 'connection' && connection !== 'default'
  if (inProgram) return `Set the option${walled ? '' : `, or ${names[0]} in the environment,`}`
  return walled
    ? 'Set it in guestpass.config.json (the environment is for the connection default)'
    : `Set it in the environment, or ${key} in guestpass.config.json`
}

/** The faults of values that are each valid but contradict each other. */
export function conflictingSettings(
  values: Settings,
  chosen: ReadonlyMap<Key, WrittenSetting>,
  { connection, inProgram }: Naming,
): Field[] {
  const faults: Field[] = []
  const nameOf = (key: Key): string =>
    inProgram ? settingName(key, connection, inProgram) : (settings[key] as Setting).names[0]
  const { clientAuth, clientSecret, privateKey } = values
  if ((clientAuth === 'basic' || clientAuth === 'body') && !clientSecret && !chosen.has('clientSecret')) {
    const name = chosen.get('clientAuth')?.name ?? 'clientAuth'
    faults.push({
      field: name,
      message: `is ${clientAuth}, but there is no client secret`,
      remedy: `Set ${nameOf('clientSecret')}, or write auto or none.`,
    })
  }
  if (clientAuth === 'private_key_jwt' && !privateKey && !chosen.has('privateKey')) {
    faults.push({
      field: chosen.get('clientAuth')?.name ?? 'clientAuth',
      message: 'is private_key_jwt, but there is no private key',
      remedy: `Set ${nameOf('privateKey')} to ${settings.privateKey.write}.`,
    })
  }
  // Absent if it could not be read.
  const { databaseUrl }: Partial<Settings> = values
  if (databaseUrl?.kind === 'postgres' && !values.encryptionKey && !chosen.has('encryptionKey')) {
    faults.push({
      field: nameOf('encryptionKey'),
      message: 'is not set, PostgreSQL needs it',
      remedy: `Set ${nameOf('encryptionKey')} to ${settings.encryptionKey.write}, the same in all processes.`,
    })
  }
  return faults
}

/** The faults of variables that should name a proxy. */
export function proxyFaults(env: Variables): readonly Field[] {
  try {
    proxies(env)
    return []
  } catch (thrown) {
    return asGuestpassError(thrown).fields ?? []
  }
}

/** Warnings for addresses to which personal data would be sent unencrypted. Insecure hosts have their own. */
export const plainHttpWarnings = (values: Settings, chosen: ReadonlyMap<Key, WrittenSetting>): string[] =>
  (['idpWebhookUrl', 'idmWebhookUrl', 'analyticsWebhookUrl', 'crmBaseUrl'] as const).flatMap((key) => {
    const address = values[key]
    return address && isPlainHttp(address) && !isInsecureHost(new URL(address), values)
      ? [`${chosen.get(key)?.name} is plain http: others can read what is sent there`]
      : []
  })

const isInsecureHost = ({ host, hostname }: URL, { insecureHosts = [] }: Settings): boolean =>
  insecureHosts.some((one) => [host, hostname].includes(one.toLowerCase()))

/** Warnings for hosts that are reached over plain http on purpose. */
export const insecureHostWarnings = (
  { insecureHosts }: Settings,
  chosen: ReadonlyMap<Key, WrittenSetting>,
): string[] =>
  insecureHosts
    ? [
        `${chosen.get('insecureHosts')?.name} names ${insecureHosts.join(', ')}: secrets, tokens and personal data may travel there over plain http, where others can read them`,
      ]
    : []
