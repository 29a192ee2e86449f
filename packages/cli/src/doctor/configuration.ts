import { guestApis } from '@guestpass/core'
import type { ReachableConfig } from '@guestpass/runtime'
import { type Finding, ok, warning } from './finding.ts'

/** Where the upstream is, and which claims of tokens are pinned. */
export const configurationFindings = (config: ReachableConfig): readonly Finding[] => [
  ...addresses(config),
  pins(config),
]

function addresses({ hosts, settings, origins }: ReachableConfig): readonly Finding[] {
  const from = (place: keyof typeof origins): string => `${origins[place]?.name}, ${origins[place]?.origin}`
  return [
    ok('OAuth server', `${tokenEndpoint(hosts)} (${from(hosts.from.oauth)})`),
    hosts.api === undefined || hosts.from.api === undefined
      ? warning('API', 'no address is set: the guest APIs cannot be called', 'Set GENESYS_API_BASE_URL.')
      : ok('API', `${hosts.api} (${from(hosts.from.api)})`),
    ...(hosts.platformApi && !settings.gateway
      ? [
          warning(
            'API',
            `a public Genesys Cloud host offers none of the guest APIs (${guestApis.join(', ')})`,
            'Set GENESYS_API_BASE_URL to your gateway, or set GENESYS_GATEWAY=true if this host offers them.',
          ),
        ]
      : []),
  ]
}

/** The token endpoint, as far as it is known without a request. */
const tokenEndpoint = ({ issuer, own, endpoints }: ReachableConfig['hosts']): string =>
  issuer === undefined || own.includes('clientToken') ? endpoints.clientToken : issuer

const pinNames = {
  tokenIssuer: 'GENESYS_TOKEN_ISSUER',
  tokenAudience: 'GENESYS_TOKEN_AUDIENCE',
  tokenOrganization: 'GENESYS_TOKEN_ORGANIZATION',
} as const

function pins({ settings }: ReachableConfig): Finding {
  const open = (Object.keys(pinNames) as (keyof typeof pinNames)[]).filter((pin) => settings[pin] === undefined)
  if (open.length === 0) return ok('pins', 'issuer, audience and organisation of guest tokens are pinned')
  const claims = open.map((pin) => pin.slice('token'.length).toLowerCase()).join(', ')
  const names = open.map((pin) => pinNames[pin]).join(', ')
  return warning('pins', `guest tokens of any ${claims} are accepted`, `Pin with ${names}.`)
}
