import { type Field, GuestpassError, type Hosts, Secret } from '@guestpass/core'
import { closestName } from '@guestpass/core/runtime-kit'
import type * as z from 'zod'
import {
  conflictingSettings,
  insecureHostWarnings,
  missingSettings,
  misspelling,
  type Naming,
  type Need,
  proxyFaults,
  plainHttpWarnings,
} from './checks.ts'
import { withSettingNames } from './core-options.ts'
import { strayLineWarnings } from './dotenv.ts'
import { configFile, dotenvFile, type Files, systemFiles } from './files.ts'
import {
  type Flags,
  fileLayers,
  flagLayer,
  type Layer,
  type Origin,
  originText,
  type UnknownName,
  unknownNameWarning,
  type Variables,
  variableLayer,
  type WrittenSetting,
} from './layers.ts'
import { withSecretFiles } from './secret-files.ts'
import { settingEntries, type Key, type Settings, settingName } from './settings.ts'
import { type Setting, settings } from './setting-table.ts'
import { upstreamHosts, overriddenAddressWarnings, placeKeys } from './upstream.ts'

/** Where a configuration is read from. */
export interface ConfigSources<N extends Need = Need> {
  /** The environment: `process.env`. */
  readonly env: Variables
  /** The folder of `guestpass.config.json|ts` and `.env`. */
  readonly cwd: string
  /** The flags of a command line. Default: none. */
  readonly flags?: Flags
  /** The options of a program: `readOptions(…).layer`. Faults then name settings as options. Default: none. */
  readonly options?: Layer
  /** The name of the connection. Default `default`. */
  readonly connection?: string
  /** What must be set. Each one that is missing is a fault. Default: nothing. */
  readonly needs?: readonly N[]
  /** Reads the files. Default: the files of this machine. */
  readonly files?: Files
  /**
   * Takes warnings about what is ignored, as an unknown variable, before `config_invalid`. Default: nothing does.
   * The warnings of a valid configuration are its `warnings`.
   */
  readonly warn?: (warning: string) => void
}

/** A value that does not count, because a source before it has another one. */
export interface Contradiction {
  /** The name of the value that counts, and its source. */
  readonly used: { readonly name: string; readonly origin: Origin }
  /** The name of the other value, and its source. */
  readonly unused: { readonly name: string; readonly origin: Origin }
}

/** The configuration of one connection and of the program. */
export interface Config {
  /** The name of the connection whose settings were read. */
  readonly connection: string
  /** The names of all connections that are configured. */
  readonly connections: readonly string[]
  /** The parsed value of each setting, with defaults filled in. */
  readonly settings: Settings
  /** The source of each value, and the name that it has there. */
  readonly origins: Readonly<Partial<Record<Key, { readonly origin: Origin; readonly name: string }>>>
  /** The addresses of the upstream. Absent if none is set; always present if `hosts` is needed. */
  readonly hosts?: Hosts
  /** Settings of which two sources hold different values. */
  readonly contradictions: readonly Contradiction[]
  /** What should be looked at and is no mistake, as an unknown variable: clauses for the operator. */
  readonly warnings: readonly string[]
}

/** A configuration in which everything that was needed is set. */
export type ConfigWith<N extends Need> = Config & {
  readonly settings: { readonly [K in Extract<N, Key>]-?: NonNullable<Settings[K]> }
} & ('hosts' extends N ? { readonly hosts: Hosts } : unknown)

/**
 * Reads the configuration from options, flags, environment, configuration file and `.env`; the first source
 * that has a setting counts. Settings of a connection other than `default` come only from options, flags and
 * its own object in the file. Rejects with `config_invalid`, which has a field for every mistake.
 *
 * @example
 * ```ts
 * import { readConfig } from '@guestpass/runtime'
 *
 * const env = { GENESYS_REGION: 'mypurecloud.ie' }
 * const { settings, hosts } = await readConfig({ env, cwd: '.', needs: ['hosts'] })
 * console.log(hosts.api, settings.rateLimit)
 * ```
 */
export async function readConfig<const N extends Need = never>(sources: ConfigSources<N>): Promise<ConfigWith<N>> {
  const { env, cwd, options, connection = 'default', needs = [], files = systemFiles } = sources
  const { file, dotenv, layers, named } = await readLayers(sources, connection, files)
  const naming = { connection, inProgram: options !== undefined }
  const connections = [...new Set(['default', ...named, ...(options && isOfConnection(options) ? [connection] : [])])]
  const faults: Field[] = [file.fault, dotenv.fault].filter((fault) => fault !== undefined)
  // A file that cannot be read may have this connection.
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
  const unknownNames = layers.flatMap((layer) => layer.unknownNames)
  const hosts = isOpen ? upstreamHosts(chosen, needs, naming, { insecureHosts, unknownNames }, faults) : undefined
  const wanted = needs.filter((need) => need === 'hosts' || !refused.has(need))
  faults.push(
    ...missingSettings(wanted, chosen, naming, unknownNames),
    ...conflictingSettings(values as Settings, chosen, naming),
    ...proxyFaults(env),
  )
  const ignored = [...layers.flatMap((layer) => layer.warnings), ...strayLineWarnings(dotenv.strayLines ?? [])]
  if (faults.length > 0) {
    for (const warning of [...unnamedIn(faults, unknownNames), ...ignored]) sources.warn?.(warning)
    throw withSettingNames(configError(faults), (key) => settingName(key, connection, naming.inProgram))
  }
  const warnings = [
    ...unknownNames.map(unknownNameWarning),
    ...ignored,
    ...overriddenAddressWarnings(chosen, hosts),
    ...plainHttpWarnings(values as Settings, chosen),
    ...insecureHostWarnings(values as Settings, chosen),
  ]
  // Safe: every value was parsed by the kind of its setting, settings with a default have a value, and needed
  // ones were checked.
  return {
    connection,
    connections,
    settings: values,
    origins: originsOf(chosen),
    ...(hosts ? { hosts } : {}),
    contradictions: contradictionsIn(layers, chosen),
    warnings,
  } as ConfigWith<N>
}

/** Reads the files, and gives the layers of all sources by precedence. `named`: the connections in the file. */
async function readLayers({ env, cwd, flags = {}, options }: ConfigSources, connection: string, files: Files) {
  const [file, dotenv] = await Promise.all([configFile(cwd, files), dotenvFile(cwd, files)])
  const { layers: inFile, connections: named } = file.origin
    ? fileLayers(file.content, file.origin, connection)
    : { layers: [], connections: [] }
  const layers: readonly Layer[] = [
    ...(options ? [options] : []),
    flagLayer(flags),
    variableLayer(env, 'environment', connection),
    ...inFile,
    variableLayer(dotenv.content ?? {}, '.env', connection),
  ]
  return { file, dotenv, layers, named }
}

/** Warnings about unknown names that no fault mentions. */
const unnamedIn = (faults: readonly Field[], unknownNames: readonly UnknownName[]): readonly string[] =>
  unknownNames.filter((one) => !faults.some(({ remedy }) => remedy.includes(misspelling(one)))).map(unknownNameWarning)

const configError = (fields: readonly Field[]): GuestpassError =>
  new GuestpassError(
    'config_invalid',
    fields.length === 1 ? 'The configuration has a mistake.' : `The configuration has ${fields.length} mistakes.`,
    { fields },
  )

const originsOf = (chosen: ReadonlyMap<Key, WrittenSetting>): Config['origins'] =>
  Object.fromEntries(Array.from(chosen, ([key, { origin, name }]) => [key, { origin, name }]))

/** Whether options set anything of the connection. */
const isOfConnection = ({ written, faults }: Layer): boolean =>
  [...written, ...faults].some(({ key }) => key !== undefined && settings[key].of === 'connection')

function unknownConnection({ connection, inProgram }: Naming, connections: readonly string[]): Field {
  const close = closestName(connection, connections)
  return {
    field: inProgram ? 'connection' : '--connection',
    message: `there is no connection ${JSON.stringify(connection.slice(0, 60))}`,
    remedy: `${close ? `Did you mean ${close}? ` : ''}Known: ${connections.join(', ')}. Write it under "connections" in guestpass.config.json${inProgram ? ', or give its settings as options' : ''}.`,
  }
}

/**
 * The setting in the first source that has it, else its default. Two names of one setting in one source must
 * agree.
 */
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

/** Values of the environment and of files that differ. An option or a flag is meant to differ from them. */
function contradictionsIn(layers: readonly Layer[], chosen: ReadonlyMap<Key, WrittenSetting>): Contradiction[] {
  const others = layers.flatMap(({ written }) => written)
  return [...chosen.values()]
    .filter(({ origin }) => !['option', 'flag', 'default'].includes(origin))
    .flatMap((used) =>
      others
        // A path is no value: what its file holds may be the same.
        .filter(({ key, isPath, text }) => key === used.key && isPath === used.isPath && text !== used.text)
        .map((unused) => ({ used: placeOf(used), unused: placeOf(unused) })),
    )
}

const placeOf = ({ name, origin }: WrittenSetting): Contradiction['used'] => ({ name, origin })

function parse(chosen: ReadonlyMap<Key, WrittenSetting>, faults: Field[]): Partial<Record<Key, unknown>> {
  const values: Partial<Record<Key, unknown>> = {}
  for (const { key, name, text, origin } of chosen.values()) {
    const { kind, write }: Setting = settings[key]
    const parsed = kind.safeParse(text)
    // Node reads variables that are not UTF-8 as U+FFFD, which would be sent as such.
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

/** The remedy of a kind for a fault, if it has one that is better than what can be written. */
function remedyIn({ issues }: z.ZodError): string | undefined {
  const [remedy] = issues.flatMap((issue) => (issue.code === 'custom' ? [issue.params?.['remedy'] as unknown] : []))
  return typeof remedy === 'string' ? remedy : undefined
}

/** All secrets of a configuration, so that a program can keep them out of its output. */
export const secretsOf = (config: Config): readonly Secret[] =>
  Object.values(config.settings)
    .flat()
    .flatMap((value: unknown) => {
      if (value instanceof Secret) return [value]
      return typeof value === 'object' && value !== null
        ? Object.values(value).filter((part) => part instanceof Secret)
        : []
    })
