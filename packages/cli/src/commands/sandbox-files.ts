import { resolve } from 'node:path'
import { type Field, GuestpassError } from '@guestpass/core'
import { fileReadFault, jsonFault, readTextFile } from '@guestpass/runtime'
import type { InvalidOptions, OptionFault, SandboxOptions } from '@guestpass/sandbox'

/** The options of a sandbox that a file holds, and an example of each. */
const listFiles = {
  faults: '[{"on": "mint", "do": {"status": 503}}]',
  users: '[{"name": "Ada", "email": "…"}]',
  guests: '[{"email": "…", "channelId": "web-chat"}]',
} as const satisfies Partial<Record<keyof SandboxOptions, string>>

type ListName = keyof typeof listFiles

/** The files of the command line, by option. */
export type ListFiles = Readonly<Partial<Record<ListName, string | undefined>>>

const listNames = Object.keys(listFiles) as ListName[]

/**
 * Reads the files. The sandbox checks the entries of each list. Rejects with `invalid_input`, which names every
 * file that cannot be used.
 */
export async function readLists(files: ListFiles, cwd: string): Promise<Pick<SandboxOptions, ListName>> {
  const read = await Promise.all(listNames.map(async (name) => ({ name, ...(await readList(name, files[name], cwd)) })))
  const fields = read.flatMap(({ field }) => field ?? [])
  if (fields.length > 0) throw unusable(fields)
  return Object.fromEntries(read.map(({ name, list }) => [name, list]))
}

const unusable = (fields: readonly Field[], cause?: unknown): GuestpassError =>
  new GuestpassError('invalid_input', 'The sandbox cannot start with these options.', { fields, cause })

interface ReadList {
  readonly list?: readonly never[]
  readonly field?: Field
}

async function readList(name: ListName, file: string | undefined, cwd: string): Promise<ReadList> {
  if (file === undefined) return {}
  const fault = (message: string, remedy: string): ReadList => ({ field: { field: `--${name}`, message, remedy } })
  let text: string
  try {
    text = await readTextFile(resolve(cwd, file))
  } catch (thrown) {
    const { message, remedy } = fileReadFault(thrown)
    return fault(`names ${file}, which ${message}`, remedy)
  }
  const at = jsonFault(text)
  if (at) return fault(`is not JSON: line ${at.line}, column ${at.column}`, 'Correct it there.')
  const list: unknown = JSON.parse(text)
  // The sandbox checks the entries.
  return Array.isArray(list) ? { list: list as never[] } : fault('does not hold a list', `Write ${listFiles[name]}.`)
}

/** Makes the error that names the flag of each fault. Undefined if no fault is about what the command line gives. */
export function flagError(cause: InvalidOptions): GuestpassError | undefined {
  const fields = given.flatMap((name) => {
    const own = cause.faults.filter(({ path }) => path[0] === name)
    return own.length === 0 ? [] : fieldOf(name, own)
  })
  return fields.length === 0 ? undefined : unusable(fields, cause)
}

const given = [...listNames, 'publicUrl'] as const satisfies readonly (keyof SandboxOptions)[]
type Given = (typeof given)[number]

function fieldOf(name: Given, faults: readonly OptionFault[]): Field {
  const message = faults.map((fault) => faultText(name, fault)).join('; ')
  return name === 'publicUrl'
    ? { field: '--public-url', message, remedy: 'Correct it.' }
    : { field: `--${name}`, message, remedy: `Correct the file. Its form: ${listFiles[name]}.` }
}

/** What is wrong with an address, or with an entry of a file. Entries are counted from 1. */
function faultText(name: Given, { path: [, index, ...members], message, isMissing }: OptionFault): string {
  if (name === 'publicUrl') return `is not ${message}`
  if (index === undefined) return message
  const entry = `${name.slice(0, -1)} ${Number(index) + 1}`
  const member = members.join('.')
  if (member === '') return `${entry}: ${message}`
  return isMissing ? `${entry} has no \`${member}\`` : `${entry}, \`${member}\`: ${message}`
}
