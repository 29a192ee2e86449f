import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseEnv } from 'node:util'
import type { Field } from '@guestpass/core'
import * as options from '@guestpass/core/options'
import { parseStrictObject } from '@guestpass/core/runtime-kit'
import { fileReadFault, readTextFile } from '../text-file.ts'
import { strayLinesOf } from './dotenv.ts'
import { jsonFault } from './json-fault.ts'
import type { Origin, Variables } from './layers.ts'

/** Reads files. */
export interface Files {
  /** The text of a file; undefined if there is none. */
  read(path: string): Promise<string | undefined>
  /** The default export of a module. */
  load(path: string): Promise<unknown>
}

export const systemFiles: Files = {
  async read(path) {
    try {
      return await readTextFile(path)
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw thrown
    }
  },
  async load(path) {
    const { default: content } = (await import(pathToFileURL(path).href)) as { default?: unknown }
    return content
  },
}

/** The content of a file, or why it cannot be used; neither if there is no such file. */
interface LoadedFile<T> {
  readonly content?: T
  readonly origin?: Origin
  readonly fault?: Field
}

const unreadable = (field: string, thrown: unknown): { fault: Field } => ({
  fault: { field, ...fileReadFault(thrown) },
})

/** Variables of a file, and the numbers of its lines that set none. */
interface DotenvFile extends LoadedFile<Variables> {
  readonly strayLines?: readonly number[]
}

/** Reads `.env` in a folder. */
export async function dotenvFile(cwd: string, files: Files): Promise<DotenvFile> {
  try {
    const text = await files.read(join(cwd, '.env'))
    return text === undefined ? {} : { content: parseEnv(text), origin: '.env', strayLines: strayLinesOf(text) }
  } catch (thrown) {
    return unreadable('.env', thrown)
  }
}

const JSON_FILE = 'guestpass.config.json'
const TS_FILE = 'guestpass.config.ts'

/** Reads `guestpass.config.json` or `guestpass.config.ts` in a folder. */
export async function configFile(cwd: string, files: Files): Promise<LoadedFile<unknown>> {
  const [json, ts] = await Promise.allSettled([files.read(join(cwd, JSON_FILE)), files.read(join(cwd, TS_FILE))])
  if (json.status === 'rejected') return unreadable(JSON_FILE, json.reason)
  if (ts.status === 'rejected') return unreadable(TS_FILE, ts.reason)
  if (json.value === undefined) return ts.value === undefined ? {} : moduleContent(join(cwd, TS_FILE), files)
  if (ts.value === undefined) return jsonContent(json.value)
  return { fault: { field: JSON_FILE, message: `is in the same folder as ${TS_FILE}`, remedy: 'Keep one of the two.' } }
}

/** JSON parsers differ in how they read such a file. */
const AMBIGUOUS = {
  field: JSON_FILE,
  message: 'holds a member twice, names one __proto__, or is nested deeper than 64 levels',
  remedy: 'Write each member of an object once.',
}

function jsonContent(text: string): LoadedFile<unknown> {
  try {
    const content: unknown = JSON.parse(text)
    return options.isObject(content) && !parseStrictObject(text) ? { fault: AMBIGUOUS } : { content, origin: JSON_FILE }
  } catch {
    // The platform's message quotes the text, which may hold secrets; it is not repeated.
    const { line, column } = jsonFault(text) ?? { line: 1, column: 1 }
    const remedy =
      'Look there for a missing or extra comma, quote or bracket, a comment, or a backslash, which JSON doubles.'
    return { fault: { field: JSON_FILE, message: `is not JSON: line ${line}, column ${column}`, remedy } }
  }
}

async function moduleContent(path: string, files: Files): Promise<LoadedFile<unknown>> {
  try {
    return { content: await files.load(path), origin: TS_FILE }
  } catch (thrown) {
    const kind = thrown instanceof Error ? thrown.name : 'something'
    const remedy = `Run it alone to see why: node ${TS_FILE}. Only types that can be erased are understood.`
    return { fault: { field: TS_FILE, message: `threw ${kind} when it was loaded`, remedy } }
  }
}
