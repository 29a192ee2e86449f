import { type Field, GuestpassError, type Hosts, Secret } from '@guestpass/core'
import { nearest } from '@guestpass/core/runtime-kit'
import type * as z from 'zod'
import {
  conflictingSettings,
  insecureHostWarnings,
  missingSettings,
  type Naming,
  type Need,
  proxyFaults,
  plainHttpWarnings,
} from './checks.ts'
import { withSettingNames } from './core-options.ts'
import { configFile, dotenvFile, type Files, systemFiles } from './files.ts'
import {
  type Flags,
  fileLayers,
  flagLayer,
  type Layer,
  type Origin,
  originText,
  type Variables,
  variableLayer,
  type WrittenSetting,
} from './layers.ts'
import { withSecretFiles } from './secret-files.ts'
import { settingEntries, type Key, type Setting, type Settings, settings, settingName } from './settings.ts'
import { upstreamHosts, overriddenAddressWarnings, placeKeys } from './upstream.ts'

export interface ConfigSources<N extends Need = Need> {
  readonly env: Variables
  /** The folder of `guestpass.config.json|ts` and `.env`. */
  readonly cwd: string
  readonly flags?: Flags
  /** What a program gives by itself. Faults are then named as its options. */
  readonly options?: Layer
  /** Default `default`. */
  readonly connection?: string
  readonly needs?: readonly N[]
  readonly files?: Files
}

/** The configuration of one connection and of the program. */
export interface Config {
  readonly connection: string
  /** Every connection there is. */
  readonly connections: readonly string[]
  readonly settings: Settings
  /** Where each value comes from, and under which name. */
  readonly origins: Readonly<Partial<Record<Key, { readonly origin: Origin; readonly name: string }>>>
  /** Absent where no upstream is named; present when `hosts` is needed. */
  readonly hosts?: Hosts
  readonly warnings: readonly string[]
}

/** A configuration in which what was needed is there. */
export type ConfigWith<N extends Need> = Config & {
  readonly settings: { readonly [K in Extract<N, Key>]-?: NonNullable<Settings[K]> }
} & ('hosts' extends N ? { readonly hosts: Hosts } : unknown)

/**
 * Reads the configuration: flags, environment, configuration file, `.env`, in this order. Settings of a connection other
 * than `default` come from its own object in the file and from flags only.
 * @throws GuestpassError `config_invalid`, with every mistake as a field.
 */
export async function readConfig<const N extends Need = never>(sources: ConfigSources<N>): Promise<ConfigWith<N>> {
  const { env, cwd, flags = {}, options, connection = 'default', needs = [], files = systemFiles } = sources
  const [file, dotenv] = await Promise.all([configFile(cwd, files), dotenvFile(cwd, files)])
  const { layers: inFile, connections: named } = file.origin
    ? fileLayers(file.content, file.origin, connection)
    : { layers: [], connections: [] }
  const layers = [
    ...(options ? [options] : []),
    flagLayer(flags),
    variableLayer(env, 'environment', connection),
    ...inFile,
    variableLayer(dotenv.content ?? {}, '.env', connection),
  ]
  const naming = { connection, inProgram: options !== undefined }
  const connections = [...new Set(['default', ...named, ...(options && isOfConnection(options) ? [connection] : [])])]
  const faults: Field[] = [file.fault, dotenv.fault].filter((fault) => fault !== undefined)
  // A file that cannot be read may well hold the connection.
  if (!file.fault && !connections.includes(connection)) faults.push(unknownConnection(naming, connections))
  faults.push(...layers.flatMap((layer) => layer.faults.map(({ key: _hidden, ...fault }) => fault)))

  const refused = new Set(layers.flatMap((layer) => layer.faults.flatMap(({ key }) => key ?? [])))
  const chosen = new Map<Key, WrittenSetting>()
  for (const [key] of settingEntries) {
    const found = refused.has(key) ? undefined : choose(key, layers, faults)
    if (found) chosen.set(key, found)
  }
  const values = parse(await withSecretFiles(chosen, { cwd, files }, faults), faults)
  const { insecureHosts } = values as Partial<Settings>
  const isOpen = !placeKeys.some((key) => refused.has(key))
  const hosts = isOpen ? upstreamHosts(chosen, needs, naming, insecureHosts, faults) : undefined
  const wanted = needs.filter((need) => need === 'hosts' || !refused.has(need))
  faults.push(
    ...missingSettings(wanted, chosen, naming),
    ...conflictingSettings(values as Settings, chosen, naming),
    ...proxyFaults(env),
  )
  if (faults.length > 0)
    throw withSettingNames(configError(faults), (key) => settingName(key, connection, naming.inProgram))
  const origins = Object.fromEntries(Array.from(chosen, ([key, { origin, name }]) => [key, { origin, name }]))
  const warnings = [
    ...layers.flatMap((layer) => layer.warnings),
    ...overriddenAddressWarnings(chosen, hosts),
    ...plainHttpWarnings(values as Settings, chosen),
    ...insecureHostWarnings(values as Settings, chosen),
  ]
  // Every key was parsed by its own kind, those with a default are always there, and what is needed was looked for.
  return { connection, connections, settings: values, origins, ...(hosts ? { hosts } : {}), warnings } as ConfigWith<N>
}

const configError = (fields: readonly Field[]): GuestpassError =>
  new GuestpassError(
    'config_invalid',
    fields.length === 1 ? 'The configuration has a mistake.' : `The configuration has ${fields.length} mistakes.`,
    { fields },
  )

/** Whether a program says itself what a connection is. */
const isOfConnection = ({ written, faults }: Layer): boolean =>
  [...written, ...faults].some(({ key }) => key !== undefined && settings[key].of === 'connection')

function unknownConnection({ connection, inProgram }: Naming, connections: readonly string[]): Field {
  const close = nearest(connection, connections)
  return {
    field: inProgram ? 'connection' : '--connection',
    message: `there is no connection ${JSON.stringify(connection.slice(0, 60))}`,
    remedy: `${close ? `Did you mean ${close}? ` : ''}Known: ${connections.join(', ')}. Connections stand under "connections" in guestpass.config.json${inProgram ? ', or their settings are options' : ''}.`,
  }
}

/** What the first source that mentions a setting says of it. Two names of one setting in one source must agree. */
function choose(key: Key, layers: readonly Layer[], faults: Field[]): WrittenSetting | undefined {
  for (const layer of layers) {
    const [first, ...others] = layer.written.filter((one) => one.key === key)
    if (!first) continue
    const other = others.find((one) => one.text !== first.text || one.isPath !== first.isPath)
    if (other) {
      faults.push({
        field: first.name,
        message: `differs from ${other.name}, which sets the same ${originText(first.origin)}`,
        remedy: 'Keep one of the two.',
      })
    }
    return first
  }
  const { fallback, names }: Setting = settings[key]
  return fallback === undefined ? undefined : { key, name: names[0], text: fallback, origin: 'default' }
}

function parse(chosen: ReadonlyMap<Key, WrittenSetting>, faults: Field[]): Partial<Record<Key, unknown>> {
  const values: Partial<Record<Key, unknown>> = {}
  for (const { key, name, text, origin } of chosen.values()) {
    const { kind, write }: Setting = settings[key]
    const parsed = kind.safeParse(text)
    // What is not UTF-8 in the environment arrives so. A secret would be refused upstream, and a name sent as that.
    if (text.includes('\uFFFD')) {
      faults.push({ field: name, message: `is not UTF-8 ${originText(origin)}`, remedy: 'Write it in UTF-8.' })
    } else if (parsed.success) values[key] = parsed.data
    else {
      const message = parsed.error.issues.map((issue) => issue.message).join('; ')
      faults.push({
        field: name,
        message: `${message} ${originText(origin)}`,
        remedy: remedyIn(parsed.error) ?? `Write ${write}.`,
      })
    }
  }
  return values
}

/** What a kind says to do about a fault, where it knows more than what can be written. */
function remedyIn({ issues }: z.ZodError): string | undefined {
  const [remedy] = issues.flatMap((issue) => (issue.code === 'custom' ? [issue.params?.['remedy'] as unknown] : []))
  return typeof remedy === 'string' ? remedy : undefined
}

/** Every secret of a configuration, so that it can be kept out of what is printed. */
export const secretsOf = (config: Config): readonly Secret[] =>
  Object.values(config.settings)
    .flat()
    .flatMap((value: unknown) => {
      if (value instanceof Secret) return [value]
      return typeof value === 'object' && value !== null
        ? Object.values(value).filter((part) => part instanceof Secret)
        : []
    })
