import { closestName } from '../domain/closest-name.ts'
import type { AddressFault } from './address.ts'

/** The regions of Genesys Cloud: their names, and the domains below which `login.` and `api.` are. */
const regions: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'us-east-1': 'mypurecloud.com',
    'us-east-2': 'use2.us-gov-pure.cloud',
    'us-west-2': 'usw2.pure.cloud',
    'ca-central-1': 'cac1.pure.cloud',
    'mx-central-1': 'mxc1.pure.cloud',
    'sa-east-1': 'sae1.pure.cloud',
    'eu-west-1': 'mypurecloud.ie',
    'eu-west-2': 'euw2.pure.cloud',
    'eu-central-1': 'mypurecloud.de',
    'eu-central-2': 'euc2.pure.cloud',
    'eusc-de-east-1': 'edee1.eusc-pure.cloud',
    'me-central-1': 'mec1.pure.cloud',
    'ap-south-1': 'aps1.pure.cloud',
    'ap-southeast-1': 'apse1.pure.cloud',
    'ap-southeast-2': 'mypurecloud.com.au',
    'ap-northeast-1': 'mypurecloud.jp',
    'ap-northeast-2': 'apne2.pure.cloud',
    'ap-northeast-3': 'apne3.pure.cloud',
  }),
)

/** The domains of the regions of Genesys Cloud, as `mypurecloud.ie`. */
export const domains: readonly string[] = [...regions.values()]

/** Names that guides write for a region: the first label of its oldest domain. */
const alias = new Map([['mypurecloud', 'mypurecloud.com']])

/** The domain of a region by its name, as `eu-west-1` or `eu_west_1`, or by the domain itself. */
export function regionDomain(text: string): string | undefined {
  const word = text.toLowerCase().replaceAll('_', '-')
  return regions.get(word) ?? alias.get(word) ?? domains.find((one) => one === word)
}

const quoted = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)

/** The fault of an unknown region. `bases`: the names of the options that take an address. */
export function unknownRegion(text: string, bases: string): AddressFault {
  const bare = text
    .toLowerCase()
    .replaceAll('_', '-')
    .replace(/^https?:\/\//, '')
    .replace(/^(login|api|apps|webmessaging|www)\./, '')
    .replace(/[./]+$/, '')
  const known = [...domains, ...regions.keys()]
  const begun = bare.length < 4 ? undefined : known.find((name) => name.startsWith(bare))
  const close = begun ?? closestName(bare, known)
  const list = Array.from(regions, ([region, domain]) => `${domain} (${region})`)
  const meant = close && Array.from(regions).find((one) => one.includes(close))
  return {
    message: `${quoted(text)} is not a region of Genesys Cloud`,
    remedy:
      `${meant ? `Did you mean ${meant[1]} (${meant[0]})? ` : ''}Known are ${list.join(', ')}. Any other host is written in full as ${bases}: ` +
      'an address built from an unknown name could hand the client secret to a stranger.',
  }
}
