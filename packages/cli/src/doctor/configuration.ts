import { type Claims, guestApis } from '@guestpass/core'
import { isLoopback } from '@guestpass/core/runtime-kit'
import type { Contradiction, ReachableConfig } from '@guestpass/runtime'
import { staleVariables } from '../stale-environment.ts'
import { type Finding, ok, warning } from './finding.ts'

/**
 * Whether its sources agree, where the upstream is, and which claims of tokens are pinned. `seen`: the claims of
 * verified guest tokens, whose values can be pinned. Default none.
 */
export const configurationFindings = (config: ReachableConfig, seen: readonly Claims[] = []): readonly Finding[] => [
  sources(config),
  ...addresses(config),
  ...pins(config, seen),
]

/** Two sources with different values, as an old terminal and the `.env` of a new sandbox. Shows no value. */
function sources({ contradictions }: Pick<ReachableConfig, 'contradictions'>): Finding {
  const { length } = contradictions
  if (length === 0) return ok('configuration', 'no two sources contradict each other')
  const names = staleVariables(contradictions)
  const unset =
    names.length === 0 ? '' : ` To use those of the files, \`unset ${names.join(' ')}\`, or use a new terminal.`
  const differing = length === 1 ? '1 value differs from that' : `${length} values differ from those`
  return {
    ...warning('configuration', `${differing} of a source that comes first`, `Remove one of the two values.${unset}`),
    details: contradictions.map(({ used, unused }) =>
      used.name === unused.name
        ? `${used.name}: the value ${originOf(used)} counts, and not the one ${originOf(unused)}`
        : `${used.name} ${originOf(used)} counts, and not ${unused.name} ${originOf(unused)}`,
    ),
  }
}

const originOf = ({ origin }: Contradiction['used']): string =>
  origin === 'environment' ? 'in the environment' : `in ${origin}`

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

/** Nothing for an upstream on this machine, as a sandbox, whose pins would change at each start. */
function pins({ settings, hosts }: ReachableConfig, seen: readonly Claims[]): readonly Finding[] {
  const open = (Object.keys(pinNames) as (keyof typeof pinNames)[]).filter((pin) => settings[pin] === undefined)
  if (open.length === 0) return [ok('pins', 'issuer, audience and organisation of guest tokens are pinned')]
  if (isLoopback(new URL(hosts.api ?? tokenEndpoint(hosts)).hostname)) return []
  const claims = open.map((pin) => pin.slice('token'.length).toLowerCase()).join(', ')
  const names = open.map((pin) => pinNames[pin]).join(', ')
  const finding = warning('pins', `guest tokens of any ${claims} are accepted`, `Pin with ${names}.`)
  const values = [
    ...(open.includes('tokenIssuer') ? valueText(seen, 'iss', 'issuer') : []),
    ...(open.includes('tokenAudience') ? valueText(seen, 'aud', 'audience') : []),
  ]
  return [
    values.length === 0 ? finding : { ...finding, details: [`stored tokens that verify have ${values.join(', ')}`] },
  ]
}

/** The value of a claim, if all tokens have the same one. */
function valueText(seen: readonly Claims[], claim: 'iss' | 'aud', what: string): readonly string[] {
  const [value, ...others] = new Set(seen.flatMap((claims) => claims[claim] ?? []))
  return typeof value === 'string' && others.length === 0 ? [`${what} ${value}`] : []
}
