import {
  type AuthenticatingGuestApi,
  type RegisteredApi,
  registeredApis,
  type RequestField,
} from '@guestpass/core/runtime-kit'
import * as z from 'zod'
import type { ParameterHelp } from './commands/runner/command.ts'
import { splitScopes } from './split-scopes.ts'

/** A field of requests for guests, and the APIs that it is for. */
export interface RequestOption {
  /** The name of the field. */
  readonly name: string
  readonly field: RequestField
  readonly apis: readonly RegisteredApi[]
}

/** Whether the upstream may make a second guest for the same address. */
export const mayRepeatGuest = (api: RegisteredApi | undefined): api is AuthenticatingGuestApi =>
  api?.guests === 'authenticated' && !api.refusesSecondGuest

/** All fields of all APIs, in the order of help. */
export const requestOptions: readonly RequestOption[] = [
  ...new Set(registeredApis.flatMap(({ fields }) => Object.keys(fields))),
].flatMap((name) => {
  // Only where the upstream may make a second guest is there a doubt to decide about.
  const isMeant = (api: RegisteredApi): boolean => name !== 'onDoubt' || mayRepeatGuest(api)
  const apis = registeredApis.filter((api) => name in api.fields && isMeant(api))
  const field = apis[0] && fieldOf(apis[0], name)
  return field ? [{ name, field, apis }] : []
})

/** The field of an API by its name. */
export function fieldOf({ fields }: RegisteredApi, name: string): RequestField | undefined {
  const known: Readonly<Record<string, RequestField>> = fields
  return Object.hasOwn(known, name) ? known[name] : undefined
}

/** Options that are not called like their field. */
const renamed: Readonly<Record<string, string>> = { channelId: 'channel', onDoubt: 'createAgain' }

/** The name under which a typed option reaches a command: the parts of a list are typed one by one. */
const typedName = ({ name, field: { written } }: RequestOption): string =>
  renamed[name] ?? (written === 'list' || written === 'pairs' ? name.replace(/s$/, '') : name)

const dashed = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** The syntax of an option, as `--scope <scope...>`. */
function syntaxOf(option: RequestOption): string {
  const { placeholder = 'value', written } = option.field
  const flag = `--${dashed(typedName(option))}`
  if (written === 'flag') return flag
  return `${flag} <${placeholder}${written === 'text' ? '' : '...'}>`
}

/** An option for help: the APIs that take it, and what it is. `note`: what comes between the two. */
export const describedOption = (option: RequestOption, note = ''): ParameterHelp => [
  syntaxOf(option),
  `${option.apis.map(({ name }) => name).join(', ')}: ${note}${option.field.about}${option.name === 'channelId' ? ' (default: GENESYS_CHANNEL_ID)' : ''}`,
]

/** What can be typed for some options. Whether the API takes them is for the library to say. */
export const typedShape = (options: readonly RequestOption[]): Readonly<Record<string, z.ZodType>> =>
  Object.fromEntries(options.map((option) => [typedName(option), typedSchema(option.field).optional()]))

function typedSchema({ written }: RequestField): z.ZodType {
  if (written === 'flag') return z.literal(true)
  if (written === 'list') return z.array(z.string())
  return written === 'pairs' ? z.array(z.string().regex(/^[^=]+=/, 'is not NAME=VALUE')) : z.string()
}

/** The fields of a request as they were typed. */
export const typedFields = (
  options: readonly RequestOption[],
  typed: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    options.flatMap((option) => {
      const value = typed[typedName(option)]
      return value === undefined ? [] : [[option.name, valueOf(option.field, value)]]
    }),
  )

function valueOf({ written, means }: RequestField, value: unknown): unknown {
  if (written === 'flag') return means ?? true
  if (written === 'list') return splitScopes(value as readonly string[])
  return written === 'pairs' ? Object.fromEntries((value as readonly string[]).map(pairOf)) : value
}

const pairOf = (text: string): [string, string] => {
  const at = text.indexOf('=')
  return [text.slice(0, at), text.slice(at + 1)]
}

/** A field that is one text in a file; anything unexpected stays for the library to refuse. */
export function textField({ written, means }: RequestField, text: string): unknown {
  const meant = means ?? true
  if (written === 'list') return splitScopes([text])
  return written === 'flag' && text.toLowerCase() === String(meant) ? meant : text
}
