import { settingEntries, flagName } from './settings.ts'
import { type Setting } from './setting-table.ts'

const row = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`

function settingRow(key: string, setting: Setting, flag: string | undefined): string {
  const names = setting.names.map((name) => `\`${name}\``).join(' or ')
  const fallback = setting.fallback === undefined ? '' : `\`${setting.fallback}\``
  return row([names, `\`${key}\``, flag ? `\`${flag}\`` : '', setting.about, setting.write, fallback])
}

function table(of: Setting['of']): string {
  const rows = settingEntries
    .filter(([, setting]) => setting.of === of)
    .map(([key, setting]) => settingRow(key, setting, flagName(key)))
  return [
    row(['Variable', 'In the file', 'Flag', 'What', 'Value', 'Default']),
    row(['---', '---', '---', '---', '---', '---']),
    ...rows,
  ].join('\n')
}

const introduction = `# Configure Guestpass

For the sandbox, \`guestpass sandbox --env .env\` sets everything.

The first source that has a setting counts: a flag, the environment, \`guestpass.config.json\` or
\`guestpass.config.ts\` in the current folder, \`.env\` in the current folder. An empty value counts as unset. In
a program, the options of [\`guestpass()\`](front-door.md) take the place of flags.

\`guestpass config\` shows every value with its origin, and the addresses that follow from them. It masks
secrets, and further parameters that may be private, as \`login_hint\`. All mistakes are reported together, each
under the name that you wrote and with its remedy. An unknown name is a warning.
`

const hosts = `## Where Genesys Cloud is

\`GENESYS_REGION\` takes a region's domain or name (\`mypurecloud.ie\`, \`eu-west-1\` and \`eu_west_1\` are the same),
and so does \`GENESYS_ENV\`. For a gateway, or any other host, set its address in \`GENESYS_BASE_URL\`, or in
\`GENESYS_OAUTH_BASE_URL\` and \`GENESYS_API_BASE_URL\`; one of these two alone serves both. They come before a
region, and a region gives the one that is not set. Any other name is refused: an address built from a typo
would receive the client secret. Plain \`http://\` is for loopback, and for hosts in
\`GUESTPASS_INSECURE_HOSTS\`.

\`GENESYS_ISSUER\` names an OpenID provider: its discovery document says where the endpoints and keys are. A
setting for an endpoint comes before it. The guest APIs need \`GENESYS_API_BASE_URL\` or a region beside it. See
[sign-ins](sign-ins.md).
`

const connections = `## Connections

A connection is one organisation with one OAuth client. The environment, \`.env\` and the top of the file hold
the settings of the connection \`default\`. Each other connection has an object of its own in the file, and
takes nothing from the other sources, so that the secret of one tenant never reaches the host of another:

\`\`\`json
{
  "region": "mypurecloud.ie",
  "clientId": "…",
  "connections": {
    "acme": { "region": "us-west-2", "clientId": "…", "clientSecret": "…" }
  }
}
\`\`\`

\`guestpass token --connection acme\` uses it. Keys of the file are those of the table; variable names are
understood as well. Lists are arrays or text. In a \`guestpass.config.ts\` the object is the default export, so
secrets can come from anywhere.
`

const secretsAndProcess = `Secrets have no flag, because other users can read the command line of a process. A secret can be in a file: a
variable with \`_FILE\` at its end has its path, as \`GENESYS_CLIENT_SECRET_FILE=/run/secrets/client\`. A relative
path starts at the current folder. Blanks and line ends around the secret are dropped. Such a variable beside
the plain one, in the same source, is refused. \`GUESTPASS_DATABASE_URL_FILE\` is one too, because the address
of PostgreSQL may have a password. [The service](service.md#change-a-secret-without-a-restart) takes a file
that changes; other commands read it once.

Read from the environment alone: \`GUESTPASS_DEBUG=1\` adds a stack to errors; \`NO_COLOR\` keeps colours away;
\`HTTPS_PROXY\`, \`HTTP_PROXY\` and \`NO_PROXY\` name proxies, each as \`host:port\`, \`http://host:port\` or
\`https://host:port\` (loopback is always reached directly); \`NODE_EXTRA_CA_CERTS\` has its usual meaning. Every
request says \`user-agent: guestpass/VERSION\`; deliveries of webhooks say \`user-agent: guestpass\`.

This page is printed by \`guestpass config --markdown\`.
`

/** Makes the text of the page docs/configuration.md in Markdown, with a table of all settings. */
export const configurationPage = (): string =>
  [
    introduction,
    hosts,
    connections,
    `${table('connection')}\n`,
    '## The program\n',
    `${table('program')}\n`,
    secretsAndProcess,
  ].join('\n')
