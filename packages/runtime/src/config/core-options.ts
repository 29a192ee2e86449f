import { type Field, GuestpassError } from '@guestpass/core'
import type { Key } from './settings.ts'

/**
 * The options of the libraries below, each with the setting that fills it. Messages of core, of the store and
 * of this package name them in backticks, as `client.secret`, or with a value, as `gateway: true`. A program
 * replaces them by the names that its user knows.
 */
const settings: Readonly<Record<string, Key>> = {
  'hosts.region': 'region',
  'hosts.env': 'env',
  'hosts.baseUrl': 'baseUrl',
  'hosts.oauthBaseUrl': 'oauthBaseUrl',
  'hosts.apiBaseUrl': 'apiBaseUrl',
  'hosts.issuer': 'issuer',
  'hosts.jwksUrl': 'jwksUrl',
  'hosts.tokenPath': 'tokenPath',
  'hosts.userTokenPath': 'userTokenPath',
  'hosts.authorizePath': 'authorizePath',
  'hosts.devicePath': 'devicePath',
  'hosts.revocationPath': 'revocationPath',
  'hosts.insecureHosts': 'insecureHosts',
  'client.id': 'clientId',
  'client.secret': 'clientSecret',
  'client.privateKey': 'privateKey',
  'client.basicEncoding': 'basicEncoding',
  clientAuth: 'clientAuth',
  scopes: 'scopes',
  authorizeParams: 'authorizeParams',
  tokenParams: 'tokenParams',
  accessTokenFormat: 'accessTokenFormat',
  refreshToken: 'refreshToken',
  refreshProfile: 'refreshProfile',
  gateway: 'gateway',
  publicKey: 'publicKey',
  algorithms: 'tokenAlgorithms',
  issuer: 'tokenIssuer',
  audience: 'tokenAudience',
  organization: 'tokenOrganization',
  preflight: 'preflight',
  onDuplicate: 'duplicates',
  crmUrl: 'crmBaseUrl',
  'webhooks.secret': 'webhookSecret',
  'webhooks.idp': 'idpWebhookUrl',
  'webhooks.idm': 'idmWebhookUrl',
  'webhooks.analytics': 'analyticsWebhookUrl',
  'policy.limit': 'rateLimit',
  encryptionKey: 'encryptionKey',
  databaseUrl: 'databaseUrl',
}
const settingOf: ReadonlyMap<string, Key> = new Map(Object.entries(settings))

/** Gives the setting that fills an option of the core library; undefined if none does. */
export const settingOfOption = (option: string): Key | undefined => settingOf.get(option)

/** Gives the name that the user of a program knows for a setting, as `GENESYS_REGION` or `region`. */
export type SettingName = (key: Key) => string

/** An option in backticks, with or without a value. */
const NAMED = /`([a-z]\w*(?:\.\w+)?)(?:: ('?)([\w-]+)\2)?`/g

/** `GENESYS_PREFLIGHT=off` for a variable; `preflight: 'off'` for an option or a member of a file. */
const withValue = (name: string, value: string, quote: string): string =>
  /^[A-Z\d_]+$/.test(name) ? `${name}=${value}` : `${name}: ${quote}${value}${quote}`

/** Replaces the options of the core library that a text names in backticks by the names of their settings. */
export function settingNamesIn(text: string, nameOf: SettingName): string {
  return renamedIn(text, nameOf, (option) => settingOf.get(option))
}

/** The setting of an option with a dot in its name: members of requests have none, and may have the name of an option. */
const settingOfDotted = (option: string): Key | undefined => (option.includes('.') ? settingOf.get(option) : undefined)

function renamedIn(text: string, nameOf: SettingName, keyOf: (option: string) => Key | undefined): string {
  return text.replaceAll(NAMED, (all, option: string, quote = '', value?: string) => {
    const key = keyOf(option)
    if (key === undefined) return all
    return value === undefined ? nameOf(key) : withValue(nameOf(key), value, quote)
  })
}

const renamedField = ({ field, message, remedy }: Field, nameOf: SettingName): Field => {
  // A name without a dot may be a member of the configuration file, as the user wrote it.
  const key = field.includes('.') ? settingOf.get(field) : undefined
  return {
    field: key === undefined ? field : nameOf(key),
    message: settingNamesIn(message, nameOf),
    remedy: settingNamesIn(remedy, nameOf),
  }
}

/**
 * Replaces options of the core library in an error by the names of their settings. Gives the same error if it
 * names none.
 */
export function withSettingNames(error: GuestpassError, nameOf: SettingName): GuestpassError {
  // Its fields are members of a request, which may have the name of an option.
  if (error.code === 'invalid_input') return withDottedNames(error, nameOf)
  return withMessage(error, {
    message: settingNamesIn(error.message, nameOf),
    fields: error.fields?.map((field) => renamedField(field, nameOf)),
  })
}

function withDottedNames(error: GuestpassError, nameOf: SettingName): GuestpassError {
  const renamed = (text: string): string => renamedIn(text, nameOf, settingOfDotted)
  return withMessage(error, {
    message: renamed(error.message),
    fields: error.fields?.map((field) => ({ ...field, remedy: renamed(field.remedy) })),
  })
}

/**
 * Copies an error with another message and other fields; code, facts, cause and stack stay. Gives the same
 * error if nothing differs.
 */
export function withMessage(
  error: GuestpassError,
  next: { readonly message: string; readonly fields?: readonly Field[] | undefined },
): GuestpassError {
  const { code, message, stack, fields: formerFields, ...facts } = error
  const fields = next.fields ?? formerFields
  if (next.message === message && JSON.stringify(fields) === JSON.stringify(formerFields)) return error
  const made = new GuestpassError(code, next.message, { ...facts, ...(fields ? { fields } : {}), cause: error.cause })
  // The stack begins with the message.
  if (stack !== undefined) made.stack = stack.replace(message, () => next.message)
  return made
}
