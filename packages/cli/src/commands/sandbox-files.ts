import { resolve } from 'node:path'
import { type Field, GuestpassError } from '@guestpass/core'
import { fileReadFault, jsonFault, readTextFile } from '@guestpass/runtime'
import type { SandboxOptions } from '@guestpass/sandbox'

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

/**
 * Names the flag of each fault of the options. `message`: of the TypeError of the sandbox. Undefined if it is
 * about nothing that the command line gives.
 */
export function optionFaults(thrown: unknown): GuestpassError | undefined {
  const { message } = thrown as Error
  if (!(thrown instanceof TypeError)) return undefined
  const [, about = '', faults = ''] = /^(The (?:sandbox's options|faults) are) not valid: (.*)$/s.exec(message) ?? []
  const given = about === 'The faults are' ? faults.replace(/^|(?<=; )/g, 'faults.') : faults
  const found = given.split('; ').flatMap((fault) => {
    const [, name = '', where = '', what = ''] = /^(faults|users|guests|publicUrl)\.?(.*?): (.*)$/s.exec(fault) ?? []
    return isGiven(name) ? { name, message: entryFault(name, where, what) } : []
  })
  const fields = [...Map.groupBy(found, ({ name }) => name)].map(([name, all]) => fieldOf(name, all))
  return fields.length === 0 ? undefined : unusable(fields, thrown)
}

type Given = ListName | 'publicUrl'

const isGiven = (name: string): name is Given => name === 'publicUrl' || Object.hasOwn(listFiles, name)

function fieldOf(name: Given, faults: readonly { readonly message: string }[]): Field {
  const message = faults.map((fault) => fault.message).join('; ')
  return name === 'publicUrl'
    ? { field: '--public-url', message, remedy: 'Correct it.' }
    : { field: `--${name}`, message, remedy: `Correct the file. Its form: ${listFiles[name]}.` }
}

/** What is wrong with an entry of a file, which is counted from 1. `where`: its path, as `0.email`. */
function entryFault(name: Given, where: string, what: string): string {
  if (name === 'publicUrl') return `is not ${what}`
  const [, index, member] = /^(\d+)\.?(.*)$/.exec(where) ?? []
  if (index === undefined) return what
  const entry = `${name.slice(0, -1)} ${Number(index) + 1}`
  if (member === '') return `${entry}: ${what}`
  return what.endsWith('received undefined') ? `${entry} has no \`${member}\`` : `${entry}, \`${member}\`: ${what}`
}
