import type { Hosts } from '@guestpass/core'
import * as z from 'zod'
import { configurationPage, type ShownSetting, shownSettings } from '@guestpass/runtime'
import { defineCommand } from './runner/command.ts'

export const configCommand = defineCommand({
  example: 'guestpass config --connection acme',
  options: [['--markdown', 'print the documentation of all settings instead']],
  input: z.object({ markdown: z.boolean().optional() }),
  async run({ markdown }, cli) {
    if (markdown) {
      const page = configurationPage()
      return cli.answer({ markdown: page }, () => page.trimEnd().split('\n'))
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

function settingLines(shown: readonly ShownSetting[]): readonly string[] {
  const widest = Math.max(...shown.map(({ name }) => name.length))
  return shown.map(
    ({ name, value, origin, as }) => `  ${name.padEnd(widest)}  ${inline(value)}  (${origin}${as ? `, as ${as}` : ''})`,
  )
}

const inline = (value: unknown): string =>
  typeof value === 'string' ? (value.split('\n')[0] ?? '') : JSON.stringify(value)

const hostLines = (hosts: Hosts): readonly string[] => {
  const { oauth, api, jwksUrl, from, platformLogin, platformApi } = hosts
  const isDiscovered = hosts.issuer !== undefined && from.jwksUrl !== 'jwksUrl'
  return [
    'Upstream',
    `  OAuth server  ${oauth}  (from ${from.oauth}${platformLogin ? ', public platform' : ''})`,
    `  API           ${api === undefined ? 'not set' : `${api}  (from ${from.api}${platformApi ? ', public platform' : ''})`}`,
    `  Key-set       ${isDiscovered ? `of the issuer ${hosts.issuer}` : `${jwksUrl}  (from ${from.jwksUrl})`}`,
    ...(['clientToken', 'userToken', 'authorize', 'device', 'revocation'] as const).map((name) => {
      const isKnown = hosts.issuer === undefined || hosts.own.includes(name)
      return `  ${endpointNames[name].padEnd(12)}  ${isKnown ? hosts.endpoints[name] : `of the issuer ${hosts.issuer}`}`
    }),
  ]
}

const endpointNames = {
  clientToken: 'Token',
  userToken: 'Token, users',
  authorize: 'Sign-in',
  device: 'Device',
  revocation: 'Revocation',
} as const
