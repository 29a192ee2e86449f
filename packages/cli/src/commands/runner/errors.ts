import { type Field, GuestpassError } from '@guestpass/core'
import { closestName, iso } from '@guestpass/core/runtime-kit'
import type { CommanderError } from 'commander'
import type * as z from 'zod'
import type { ParameterHelp } from './command.ts'

/**
 * The lines that show an error: what happened, each fault with its remedy, and what the upstream answered.
 */
export function errorLines(error: GuestpassError): readonly string[] {
  const { upstream, reason, retryAt, fields = [] } = error
  return [
    `guestpass: ${error.message} [${error.code}]`,
    ...fields.flatMap(({ field, message, remedy }) => {
      const sentence = `${message.replace(/\.$/, '')}.`
      return [sentence, `${field}: ${sentence}`].includes(error.message)
        ? [`  ${remedy}`]
        : [`  ${field}: ${message}`, `    ${remedy}`]
    }),
    ...(reason === undefined ? [] : [`  Reason: ${reason}`]),
    ...(upstream ? answerLines(upstream, error.message) : []),
    // Most messages say it.
    ...(retryAt === undefined || error.message.includes(iso(retryAt)) ? [] : [`  Again at ${iso(retryAt)}`]),
  ]
}

/** What the upstream answered, as far as the message does not say it. */
function answerLines(
  { status, code, requestId }: NonNullable<GuestpassError['upstream']>,
  message: string,
): readonly string[] {
  const isSaid = message.toLowerCase().includes(`upstream answered ${status}`) && message.includes(requestId ?? '')
  if (!isSaid)
    return [`  Upstream answered ${status}${code ? ` ${code}` : ''}${requestId ? ` (request ${requestId})` : ''}`]
  return code && !message.includes(code) ? [`  Upstream error code: ${code}`] : []
}

/** Removes values of options, and texts so long that they may be tokens. */
const redactTyped = (text: string): string =>
  text
    .replaceAll(/'(--?[^'=]+)=[^']*'/g, "'$1'")
    .replaceAll(/'[^']{40,}'/g, "'…'")
    .replaceAll(/[^\s',]{40,}/g, '…')

/** The error of a wrong command line, from commander's error. `help`: the command that prints help. */
export function usageError(error: CommanderError, help: string): GuestpassError {
  const [first = '', hint] = redactTyped(error.message.replace(/^error: /, '')).split('\n')
  const message = first.charAt(0).toUpperCase() + first.slice(1).replace(/\.+$/, '')
  const field = /'([^' ]+)[^']*'/.exec(first)?.[1] ?? 'arguments'
  const remedy = `${hint ? `${hint.replace(/^\((.*)\)$/, '$1')} ` : ''}See ${help}.`
  return new GuestpassError('invalid_input', `${message}.`, { fields: [{ field, message, remedy }] })
}

const camelCaseOf = (syntax: string): string =>
  (/--(?:no-)?([\w-]+)|[<[]([\w-]+)/.exec(syntax) ?? [])
    .slice(1)
    .join('')
    .replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase())

const flagIn = (syntax: string): string => /--[\w-]+/.exec(syntax)?.[0] ?? syntax

/** The close one of the values that an option takes, as a sentence and a blank; empty if none is close. */
function suggestion(issue: z.core.$ZodIssue, input: Readonly<Record<string, unknown>>): string {
  if (issue.code !== 'invalid_value') return ''
  const value = issue.path.reduce<unknown>(
    (at, part) =>
      typeof at === 'object' && at !== null ? (at as Readonly<Record<PropertyKey, unknown>>)[part] : undefined,
    input,
  )
  const close = typeof value === 'string' ? closestName(value, issue.values.map(String)) : undefined
  return close === undefined ? '' : `Did you mean ${close}? `
}

/** The remedy of a rule that a command adds, if it has one. */
const remedyIn = (issue: z.core.$ZodIssue): string | undefined =>
  issue.code === 'custom' && typeof issue.params?.['remedy'] === 'string' ? issue.params['remedy'] : undefined

/**
 * The error of a command's input. Each fault has the name that is written on the command line. `input`: what was
 * typed.
 */
export function inputError(
  error: z.ZodError,
  described: readonly ParameterHelp[],
  input: Readonly<Record<string, unknown>>,
): GuestpassError {
  const fields = error.issues.map((issue): Field => {
    const name = String(issue.path[0] ?? '')
    const [syntax, about] = described.find(([one]) => camelCaseOf(one) === name) ?? [name, 'See --help']
    // Zod's own text, of values that no schema of a command words.
    const message = issue.message.endsWith('received undefined') ? 'is missing' : issue.message
    const remedy = remedyIn(issue) ?? `${suggestion(issue, input)}Help says: ${about}.`
    return { field: flagIn(syntax) || 'arguments', message, remedy }
  })
  return new GuestpassError(
    'invalid_input',
    fields.length === 1 ? 'An argument is not valid.' : `${fields.length} arguments are not valid.`,
    { fields },
  )
}

/** Fields of requests whose option has a name of its own. */
const fieldAliases: Readonly<Record<string, string>> = { onDoubt: 'createAgain' }

/** Remedies of fields that are switches on the command line. */
const switchRemedies: Readonly<Record<string, string>> = {
  consent: 'Add --consent, only when the person agreed.',
  onDoubt: 'Add --create-again to have another guest made beside the one that may exist.',
}

/** Replaces the first mention of a field in a message. A mention within another name does not count. */
function renamed(message: string, from: string, to: string): string {
  let at = message.indexOf(`${from}: `)
  while (at > 0 && /[-\w.[\]]/.test(message.charAt(at - 1))) at = message.indexOf(`${from}: `, at + 1)
  return at < 0 ? message : `${message.slice(0, at)}${to}${message.slice(at + from.length)}`
}

/**
 * Gives fields of an `invalid_input` error the names that are written on the command line, also in the
 * message.
 */
export function withTypedNames(thrown: unknown, described: readonly ParameterHelp[]): unknown {
  if (!(thrown instanceof GuestpassError) || thrown.code !== 'invalid_input') return thrown
  let { message } = thrown
  const fields = (thrown.fields ?? []).map((fault): Field => {
    const field = fault.field.replace(/^\w+/, (name) => {
      // Items of a list are typed one by one: `scopes` after --scope. An id has the name of its owner:
      // `channelId` after --channel.
      const found = described.find(([syntax]) =>
        [name, name.replace(/(s|Id)$/, ''), fieldAliases[name]].includes(camelCaseOf(syntax)),
      )
      return found ? flagIn(found[0]) : name
    })
    message = renamed(message, fault.field, field)
    const remedy = field === fault.field ? undefined : switchRemedies[fault.field]
    return { ...fault, field, ...(remedy === undefined ? {} : { remedy }) }
  })
  return new GuestpassError(thrown.code, message, { fields, cause: thrown })
}
