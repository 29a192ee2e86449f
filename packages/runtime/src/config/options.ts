import { Secret } from '@guestpass/core'
import * as schemas from '@guestpass/core/options'
import { CONNECTION_NAME_RULE, isConnectionName, closestName } from '@guestpass/core/runtime-kit'
import { type Form, formOf } from './kinds.ts'
import type { Layer, LayerFault, Variables, WrittenSetting } from './layers.ts'
import { settingEntries, type Key, optionName } from './settings.ts'
import { type Setting, settings } from './setting-table.ts'

/** The result of `readOptions`. */
export interface ParsedOptions {
  /** The settings and the faults, for `ConfigSources.options`. */
  readonly layer: Layer
  /** False if the other sources are not known, so that no setting can be reported as missing. */
  readonly isComplete: boolean
  readonly connection?: string
  readonly env?: Variables
  readonly cwd?: string
}

/** The value of `store` for a store in memory. */
const MEMORY = 'memory'
/** The same as a setting. */
const MEMORY_URL = 'memory:'

const settingOptions: ReadonlyMap<string, Key> = new Map(
  settingEntries.flatMap(([key]) => (optionName(key) === key ? [[key, key] as const] : [])),
)

const WEBHOOKS = ['idp', 'idm', 'analytics', 'secret']
const OWN_OPTIONS = ['connection', 'store', 'crm', 'webhooks', 'env', 'cwd']

/** Options by the other names of their settings, for suggestions. */
const optionsByOtherName: ReadonlyMap<string, string> = new Map(
  settingEntries.flatMap(([key, { names }]) => {
    const option = optionName(key)
    return option === undefined ? [] : [...names, key].filter((name) => name !== option).map((name) => [name, option])
  }),
)

const object = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  schemas.isObject(value) ? value : undefined

/** Describes a value in a message, as the core library does, but never shows a number: it may be a secret. */
function describeValue(value: unknown): string {
  if (value === null) return 'is null'
  if (Array.isArray(value)) return 'is a list'
  if (value instanceof Secret) return 'is a Secret'
  if (typeof value === 'string') return value.trim() === '' ? 'is an empty text' : 'is a text'
  if (typeof value === 'boolean') return `is ${value}`
  if (typeof value === 'number') return 'is a number'
  return typeof value === 'object' ? 'is an object' : `is a ${typeof value}`
}

/**
 * Makes the fault of an option whose value has the wrong type. It names the given type, never the value.
 *
 * @param field the path of the option, as `webhooks.idp`
 * @param wanted a noun for what the option takes, as `a number`
 * @param remedy what to do, as a sentence
 * @param key the setting that the option gives, which then does not count as missing. Default: none
 */
export const optionFault = (field: string, value: unknown, wanted: string, remedy: string, key?: Key): LayerFault => ({
  field,
  message: `${describeValue(value)}, not ${wanted}`,
  remedy,
  ...(key ? { key } : {}),
})

/**
 * The fault of an unknown option. `known`: the names for suggestions. `prefix`: the path of the option, as
 * `webhooks.`.
 */
function unknownOption(name: string, known: readonly string[], prefix = ''): LayerFault {
  const close = optionsByOtherName.get(name) ?? closestName(name, known)
  return {
    field: `${prefix}${name.slice(0, 60)}`,
    message: 'is not an option',
    remedy: close ? `Did you mean ${close.includes('.') ? close : prefix + close}?` : `Known are ${known.join(', ')}.`,
  }
}

const wantedForms: Readonly<Record<Form, string>> = {
  text: 'a text',
  number: 'a number',
  boolean: 'true or false',
  list: 'a text or a list of texts',
  params: 'an object of texts',
}

const textsOf = (value: unknown, secret?: boolean): string | undefined => {
  const text = secret && value instanceof Secret ? value.reveal() : value
  return typeof text === 'string' && text.trim() !== '' ? text.trim() : undefined
}

/** A value as a variable would hold it; undefined if a variable cannot. */
const writtenForms: Readonly<Record<Form, (value: unknown, secret?: boolean) => string | undefined>> = {
  text: textsOf,
  number: (value) => (typeof value === 'number' && Number.isFinite(value) ? String(value) : undefined),
  boolean: (value) => (typeof value === 'boolean' ? String(value) : undefined),
  list(value, secret) {
    if (!Array.isArray(value)) return textsOf(value, secret)
    const texts = value.map((item) => textsOf(item, secret))
    return texts.length > 0 && texts.every((text) => text !== undefined) ? texts.join(',') : undefined
  },
  params(value) {
    const pairs = Object.entries(object(value) ?? {}).flatMap(([name, one]) =>
      (Array.isArray(one) ? one : [one]).map((text: unknown) => [name, text] as const),
    )
    const isText = pairs.length > 0 && pairs.every(([, text]) => typeof text === 'string')
    return isText ? new URLSearchParams(pairs as [string, string][]).toString() : undefined
  },
}

interface OptionReading {
  readonly written: WrittenSetting[]
  readonly faults: LayerFault[]
}

/** Reads the option of a setting. A value of undefined counts as not given. */
function readSetting({ written: all, faults }: OptionReading, key: Key, name: string, value: unknown): void {
  if (value === undefined) return
  const { kind, secret, write }: Setting = settings[key]
  const form = formOf(kind)
  const text = writtenForms[form](value, secret)
  if (text !== undefined) all.push({ key, name, text, origin: 'option' })
  else {
    const remedy = form === 'params' ? "Give an object, as { prompt: 'consent' }." : `Give ${write}.`
    faults.push(optionFault(name, value, secret ? `${wantedForms[form]} or a Secret` : wantedForms[form], remedy, key))
  }
}

function readStore(reading: OptionReading, value: unknown): void {
  const text = typeof value === 'string' ? value.trim() : ''
  const place = text === MEMORY ? MEMORY_URL : value
  const remedy = `Give '${MEMORY}', the path of a file, or a postgres:// address.`
  if (value !== undefined && text === '')
    reading.faults.push(optionFault('store', value, 'a text', remedy, 'databaseUrl'))
  else if (/^:?memory:?$/i.test(text) && text !== MEMORY)
    reading.faults.push({ key: 'databaseUrl', field: 'store', message: 'is not a path', remedy: `Write '${MEMORY}'.` })
  else readSetting(reading, 'databaseUrl', 'store', place)
}

function readWebhooks(reading: OptionReading, value: unknown): void {
  if (value === undefined) return
  const given = object(value)
  if (!given) {
    const remedy = "Give { idp: 'https://…', idm: 'https://…', analytics: 'https://…' }, any of them."
    reading.faults.push(optionFault('webhooks', value, 'an object', remedy))
    return
  }
  const { idp, idm, analytics, secret, ...others } = given
  readIdp(reading, idp)
  readSetting(reading, 'idmWebhookUrl', 'webhooks.idm', idm)
  readSetting(reading, 'analyticsWebhookUrl', 'webhooks.analytics', analytics)
  readSetting(reading, 'webhookSecret', 'webhooks.secret', secret)
  for (const name of Object.keys(others)) reading.faults.push(unknownOption(name, WEBHOOKS, 'webhooks.'))
}

function readIdp(reading: OptionReading, value: unknown): void {
  const given = object(value)
  if (!given || value instanceof Secret) return readSetting(reading, 'idpWebhookUrl', 'webhooks.idp', value)
  const { url, includeToken, ...others } = given
  const remedy = 'Give its address.'
  if (url === undefined)
    reading.faults.push({ key: 'idpWebhookUrl', field: 'webhooks.idp.url', message: 'is not set', remedy })
  readSetting(reading, 'idpWebhookUrl', 'webhooks.idp.url', url)
  readSetting(reading, 'idpWebhookIncludeToken', 'webhooks.idp.includeToken', includeToken)
  for (const name of Object.keys(others))
    reading.faults.push(unknownOption(name, ['url', 'includeToken'], 'webhooks.idp.'))
}

const isVariables = (value: unknown): value is Variables =>
  object(value) !== undefined &&
  Object.values(value as object).every((one) => ['string', 'undefined'].includes(typeof one))

/** Reads the options that name the connection and the other sources of settings. */
function readPlaces({ faults }: OptionReading, { connection, env, cwd }: Readonly<Record<string, unknown>>) {
  const isName = typeof connection === 'string' && isConnectionName(connection)
  const named = connection === undefined || isName
  if (!named) {
    const remedy = `Name it with ${CONNECTION_NAME_RULE}.`
    faults.push({
      field: 'connection',
      message: `${describeValue(connection)} that does not name a connection`,
      remedy,
    })
  }
  const isEnvironment = env === undefined || isVariables(env)
  if (!isEnvironment) {
    const remedy = 'Give an object of texts, {} for none, or leave it out.'
    faults.push(optionFault('env', env, 'an object of texts', remedy))
  }
  const folder = textsOf(cwd)
  const isFolder = cwd === undefined || folder !== undefined
  if (!isFolder) faults.push(optionFault('cwd', cwd, 'a text', 'Give the path of a folder.'))
  return {
    isComplete: named && isEnvironment && isFolder,
    ...(isName ? { connection } : {}),
    ...(isEnvironment && env !== undefined ? { env } : {}),
    ...(folder === undefined ? {} : { cwd: folder }),
  }
}

/**
 * Reads the options that a program gave, as a layer for `readConfig`. Values of undefined count as not given.
 * Never throws: faults are in the layer, each with its field and remedy, so that all are reported together.
 *
 * @param options `ConfigOptions`, or any value of a program without types
 * @param others names of further options, which the caller checks itself. Default: none
 */
export function readOptions(options: unknown, others: readonly string[] = []): ParsedOptions {
  const reading: OptionReading = { written: [], faults: [] }
  const given = options === undefined ? {} : options instanceof Secret ? undefined : object(options)
  if (!given) {
    const remedy = "Give an object, as { region: 'mypurecloud.ie' }, or nothing."
    const faults = [optionFault('options', options, 'an object', remedy)]
    return { layer: { ...reading, unknownNames: [], warnings: [], faults }, isComplete: false, env: {} }
  }
  const known = [...OWN_OPTIONS, ...others, ...settingOptions.keys()]
  for (const [name, value] of Object.entries(given)) {
    const key = settingOptions.get(name)
    if (key) readSetting(reading, key, name, value)
    else if (!known.includes(name)) reading.faults.push(unknownOption(name, known))
  }
  readStore(reading, given['store'])
  readSetting(reading, 'crmBaseUrl', 'crm', given['crm'])
  readWebhooks(reading, given['webhooks'])
  const places = readPlaces(reading, given)
  return { layer: { ...reading, unknownNames: [], warnings: [] }, ...places }
}
