import type { Hosts } from '@guestpass/core'
import * as z from 'zod'
import { configurationPage } from '../config/page.ts'
import { type Shown, shownSettings } from '../config/view.ts'
import { verb } from '../frame/verb.ts'

export const config = verb({
  name: 'config',
  summary: 'Show the settings in force and where each comes from, secrets masked',
  example: 'guestpass config --connection acme',
  options: [['--markdown', 'instead, print the page of all settings']],
  input: z.object({ markdown: z.boolean().optional() }),
  async run({ markdown }, cli) {
    if (markdown) {
      const page = configurationPage()
      return cli.answer({ markdown: page }, () => [page.trimEnd()])
    }
    const config = await cli.config()
    const shown = shownSettings(config)
    const { connection, connections, hosts } = config
    const settings = Object.fromEntries(shown.map(({ name, ...rest }) => [name, rest]))
    return cli.answer({ connection, connections, settings, ...(hosts ? { hosts } : {}) }, () => [
      `Connection ${connection} (known: ${connections.join(', ')})`,
      ...settingLines(shown),
      '',
      ...(hosts ? hostLines(hosts) : ['No Genesys Cloud is named yet: set GENESYS_REGION, or try guestpass sandbox.']),
    ])
  },
})

function settingLines(shown: readonly Shown[]): readonly string[] {
  const widest = Math.max(...shown.map(({ name }) => name.length))
  return shown.map(
    ({ name, value, origin, as }) => `  ${name.padEnd(widest)}  ${inline(value)}  (${origin}${as ? `, as ${as}` : ''})`,
  )
}

const inline = (value: unknown): string =>
  typeof value === 'string' ? (value.split('\n')[0] ?? '') : JSON.stringify(value)

const hostLines = ({ oauth, api, jwksUrl, tokenPath, from, platformLogin, platformApi }: Hosts): readonly string[] => [
  'Upstream',
  `  OAuth server  ${oauth}  (from ${from.oauth}${platformLogin ? ', public platform' : ''})`,
  `  API           ${api}  (from ${from.api}${platformApi ? ', public platform' : ''})`,
  `  Key-set       ${jwksUrl}  (from ${from.jwksUrl})`,
  `  Token paths   ${tokenPath.clientCredentials} for client credentials, ${tokenPath.otherGrants} for other grants`,
]
