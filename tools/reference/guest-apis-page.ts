import { pathToFileURL } from 'node:url'
import { type RegisteredApi, registeredApis, type RequestField } from '@guestpass/core/runtime-kit'

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`)
    .join('')

const code = (text: string): string => `\`${text}\``

/** How the guests of an API come to be and stay, in a row of the first table. */
function factsOf(api: RegisteredApi): readonly string[] {
  const needed: readonly string[] = api.scopes
  const scopes = needed.map(code).join(' ')
  if (api.guests === 'minted')
    return [code(api.name), api.summary, scopes, 'as often as you ask', 'refreshed under an Idempotency-Key', '']
  return [
    code(api.name),
    api.summary,
    `${scopes}${api.onBehalfOf === 'user' ? ', of a signed-in user' : ''}`,
    `one for each address${api.channel ? ' and channel' : ''}`,
    api.renewal === 'rotating' ? 'refreshed by a refresh token' : 'not renewed: ask again',
    code(`GENESYS_${api.singular.replaceAll('-', '_').toUpperCase()}_TOKEN_FORMAT`),
  ]
}

const fieldRow = ([name, field]: readonly [string, RequestField]): readonly string[] => [
  code(name),
  field.schema.safeParse(undefined).success ? '' : 'yes',
  field.about,
  field.remedy,
]

const fieldTable = ({ fields }: RegisteredApi): string =>
  table(['Field', 'Needed', 'What', 'Value'], Object.entries<RequestField>(fields).map(fieldRow))

/** docs/guest-apis.md. */
export const guestApisPage = (): string => `# Choose a guest API

A request names one of these APIs as \`api\`, or \`--api\` on the command line. In a program a request without
\`api\` is of \`${registeredApis[0]?.name}\`. The command needs \`--api\`. Each API needs an access token with its scopes.

${table(['API', 'Guests', 'Scopes', 'How many', 'Next token', 'Setting of the token format'], registeredApis.map(factsOf))}
To add an API, see [Add a guest API](add-a-guest-api.md).

${registeredApis.map((api) => `## Requests of ${api.name}\n\n${fieldTable(api)}`).join('\n')}
This page is made of the sources by \`npm run docs:pages\`.
`

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.stdout.write(guestApisPage())
