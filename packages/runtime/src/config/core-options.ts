import { type Field, GuestpassError } from '@guestpass/core'
import type { Key } from './settings.ts'

/**
 * Options of the core library, and the setting that fills each. The messages of core name its options in backticks, as
 * `client.secret`, also with a value, as `gateway: true`; a program that fills them says the names that its own user knows.
 */
const settingOf: Readonly<Record<string, Key>> = {
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
  'policy.limit': 'rateLimit',
}

/** What the user of a program calls a setting, as `GENESYS_REGION` or `region`. */
export type SettingName = (key: Key) => string

/** An option in backticks, with a value or without. Quotes around the value are left out. */
const NAMED = /`([a-z]\w*(?:\.\w+)?)(?:: '?([\w-]+)'?)?`/g

/** A variable takes its value after `=`; an option, or a member of a file, after a colon. */
const withValue = (name: string, value: string): string =>
  /^[A-Z\d_]+$/.test(name) ? `${name}=${value}` : `${name}: ${value}`

function renamed(text: string, nameOf: SettingName): string {
  return text.replaceAll(NAMED, (all, option: string, value?: string) => {
    const key = Object.hasOwn(settingOf, option) ? settingOf[option] : undefined
    if (key === undefined) return all
    return value === undefined ? nameOf(key) : withValue(nameOf(key), value)
  })
}

const renamedField = ({ field, message, remedy }: Field, nameOf: SettingName): Field => {
  // A name without a dot may be that of a member of the configuration file, which its user wrote.
  const key = field.includes('.') && Object.hasOwn(settingOf, field) ? settingOf[field] : undefined
  return {
    field: key === undefined ? field : nameOf(key),
    message: renamed(message, nameOf),
    remedy: renamed(remedy, nameOf),
  }
}

/** An error with options of the core library under the names of their settings; the same one where it names none. */
export function withSettingNames(error: GuestpassError, nameOf: SettingName): GuestpassError {
  // Faults of a request name the members of the request, which may have the name of an option.
  if (error.code === 'invalid_input') return error
  return restated(error, {
    message: renamed(error.message, nameOf),
    fields: error.fields?.map((field) => renamedField(field, nameOf)),
  })
}

/** The error with another message and other fields, and everything else as it was, its stack too; the same one where nothing differs. */
export function restated(
  error: GuestpassError,
  next: { readonly message: string; readonly fields?: readonly Field[] | undefined },
): GuestpassError {
  const { code, message, stack, fields: formerFields, ...facts } = error
  const fields = next.fields ?? formerFields
  if (next.message === message && JSON.stringify(fields) === JSON.stringify(formerFields)) return error
  const made = new GuestpassError(code, next.message, { ...facts, ...(fields ? { fields } : {}), cause: error.cause })
  // Where it happened, under the message that is shown.
  if (stack !== undefined) made.stack = stack.replace(message, () => next.message)
  return made
}
