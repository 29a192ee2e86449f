import type { Field } from '@guestpass/core'
import * as options from '@guestpass/core/options'
import { CONNECTION_NAME_RULE, isConnectionName, closestName } from '@guestpass/core/runtime-kit'
import {
  flagName,
  type Key,
  keyOfFileName,
  keyOfSecretFile,
  keyOfVariable,
  knownFileNames,
  knownVariables,
} from './settings.ts'
import { settings } from './setting-table.ts'

/** Where a setting was given. `default`: it was not given, and has its default. */
export type Origin =
  | 'option'
  | 'flag'
  | 'environment'
  | 'guestpass.config.json'
  | 'guestpass.config.ts'
  | '.env'
  | 'default'

/** An origin in parentheses, for the end of a message. */
export const originText = (origin: Origin): string => {
  if (origin === 'option') return '(given as an option)'
  if (origin === 'flag') return '(given as a flag)'
  return origin === 'environment' ? '(in the environment)' : `(in ${origin})`
}

/** A setting as the user wrote it. */
export interface WrittenSetting {
  readonly key: Key
  /** The name that it was written under, as `GENESYS_REGION`, `--region` or `connections.acme.region`. */
  readonly name: string
  /** The value as text, not parsed yet. */
  readonly text: string
  /** Whether the text is the path of a file that contains the value. Default false. */
  readonly isPath?: boolean
  readonly origin: Origin
}

/**
 * A fault of a source. `key`: the setting whose value could not be read, which then counts as neither set nor
 * missing.
 */
export interface LayerFault extends Field {
  readonly key?: Key
}

/** A name in a source that is no setting. */
export interface UnknownName {
  /** The name as it was written, as `GENESYS_REGOIN` or `connections.acme.regoin`. */
  readonly name: string
  /** The source: `the environment`, or the name of a file. */
  readonly place: string
  /** The known name that is close to it. Absent if there is none. */
  readonly meant?: string
}

/** The settings of one source, and its faults. Layers are in the order of precedence. */
export interface Layer {
  /** The settings that the source gives. */
  readonly written: readonly WrittenSetting[]
  /** The names that are ignored because no setting has them. */
  readonly unknownNames: readonly UnknownName[]
  /** Further clauses for the operator. */
  readonly warnings: readonly string[]
  /** What makes the configuration invalid. */
  readonly faults: readonly LayerFault[]
}

/** Variables of an environment, by name. */
export type Variables = Readonly<Record<string, string | undefined>>
/** Settings that were given as flags, by their keys. */
export type Flags = Readonly<Partial<Record<Key, string>>>

/** Variables that the sandbox writes into its `.env` for other programs. */
const forOthers: ReadonlySet<string> = new Set(['GENESYS_PUBLIC_CLIENT_ID'])

/** `own`: the part of the name that is compared with the known ones. */
function unknownName(name: string, place: string, own: string, known: readonly string[]): UnknownName {
  const meant = closestName(own, known)
  return { name, place, ...(meant === undefined ? {} : { meant }) }
}

/** A warning about a name that is ignored. */
export const unknownNameWarning = ({ name, place, meant }: UnknownName): string =>
  `${name} in ${place} is no setting; ${meant === undefined ? 'it is ignored' : `did you mean ${meant}?`}`

/** The layer of the flags of a command line. Blank flags count as not given. */
export function flagLayer(flags: Flags): Layer {
  const written = (Object.keys(flags) as Key[]).flatMap((key): WrittenSetting[] => {
    const text = flags[key]?.trim()
    return text ? [{ key, name: flagName(key) ?? key, text, origin: 'flag' }] : []
  })
  return { written, unknownNames: [], warnings: [], faults: [] }
}

/**
 * The layer of the environment or of `.env`. Settings of a connection in it belong to the connection
 * `default`.
 */
export function variableLayer(variables: Variables, origin: Origin, connection: string): Layer {
  const place = origin === 'environment' ? 'the environment' : origin
  const written: WrittenSetting[] = []
  const unknownNames: UnknownName[] = []
  for (const [name, value] of Object.entries(variables)) {
    const pathOf = keyOfSecretFile(name)
    const key = pathOf ?? keyOfVariable(name)
    const text = value?.trim()
    if (!text) continue
    if (key && (settings[key].of === 'program' || connection === 'default'))
      written.push({ key, name, text, origin, ...(pathOf ? { isPath: true } : {}) })
    else if (!key && /^(GENESYS|GUESTPASS)_/.test(name) && !knownVariables.includes(name) && !forOthers.has(name)) {
      unknownNames.push(unknownName(name, place, name, knownVariables))
    }
  }
  return { written, unknownNames, warnings: [], faults: [] }
}

/** A value of the configuration file as a variable would hold it; undefined if a variable cannot. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value.trim()
  if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) return String(value)
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(',')
  return value === null || value === undefined ? '' : undefined
}

/** The layer of one object in the configuration file. `prefix`: its path, as `connections.acme.`. */
function objectLayer(
  object: Readonly<Record<string, unknown>>,
  origin: Origin,
  prefix: string,
  accepted: (key: Key) => boolean,
): Layer {
  const written: WrittenSetting[] = []
  const unknownNames: UnknownName[] = []
  const warnings: string[] = []
  const faults: Layer['faults'][number][] = []
  for (const [fileName, value] of Object.entries(object)) {
    const name = `${prefix}${fileName}`
    const key = keyOfFileName(fileName)
    if (!key) {
      if (prefix || fileName !== 'connections') unknownNames.push(unknownName(name, origin, fileName, knownFileNames))
      continue
    }
    const text = textOf(value)
    if (text === undefined) {
      faults.push({
        key,
        field: name,
        message: `is neither text, number, true, false nor a list of texts (${origin})`,
        remedy: `Write ${settings[key].write}.`,
      })
    } else if (prefix && settings[key].of === 'program') {
      warnings.push(
        `${name} in ${origin} is ignored: ${key} belongs to the program, so write it at the top of the file`,
      )
    } else if (text && accepted(key)) written.push({ key, name, text, origin })
  }
  return { written, unknownNames, warnings, faults }
}

/**
 * The layers of the configuration file: the object of the connection, then the top of the file, which holds
 * the settings of the program and of the connection `default`.
 */
export function fileLayers(
  content: unknown,
  origin: Origin,
  connection: string,
): { readonly layers: readonly Layer[]; readonly connections: readonly string[] } {
  const refused = (field: string, message: string, remedy: string) => ({
    layers: [{ written: [], unknownNames: [], warnings: [], faults: [{ field, message, remedy }] }],
    connections: [],
  })
  if (!options.isObject(content))
    return refused(
      origin,
      'does not hold an object',
      'Write { "region": "mypurecloud.ie", … }; a .ts file exports it as default.',
    )
  const named = content.connections ?? {}
  if (!options.isObject(named) || !Object.values(named).every(options.isObject)) {
    return refused(
      'connections',
      `is not an object of objects (${origin})`,
      'Write "connections": { "acme": { "region": "mypurecloud.ie", … } }.',
    )
  }
  const misnamed = Object.keys(named).find((name) => !isConnectionName(name))
  if (misnamed !== undefined) {
    const remedy = `Name it with ${CONNECTION_NAME_RULE}.`
    return refused(`connections.${misnamed.slice(0, 60)}`, `is not a name for a connection (${origin})`, remedy)
  }
  const own = named[connection]
  const top = objectLayer(content, origin, '', (key) => settings[key].of === 'program' || connection === 'default')
  const layers = options.isObject(own)
    ? [objectLayer(own, origin, `connections.${connection}.`, () => true), top]
    : [top]
  return { layers, connections: Object.keys(named) }
}
