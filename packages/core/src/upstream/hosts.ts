import { isLoopback } from '../domain/loopback.ts'
import { type Field, GuestpassError } from '../errors.ts'

/** The regions of Genesys Cloud: their names and the domains that `login.` and `api.` stand before. */
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

const domains = [...regions.values()]

/** Where an organisation's upstream is, in the words of its user. All members may be absent; what is needed and missing is a fault. */
export interface HostInput {
  /** Full address of the OAuth server; a path prefix is kept. https, or http on loopback. */
  readonly oauthBaseUrl?: string | undefined
  /** Full address of the API, likewise. */
  readonly apiBaseUrl?: string | undefined
  /** Domain of a region, as `mypurecloud.ie`, or its name, as `eu-west-1` or `eu_west_1`. */
  readonly region?: string | undefined
  /** Read where `region` is absent, by the same rule. */
  readonly env?: string | undefined
  /** Full address of the key-set. Default: `/.well-known/jwks.json` on the OAuth server. */
  readonly jwksUrl?: string | undefined
  /** Path of the token endpoint. Default `/oauth/token`. */
  readonly tokenPath?: string | undefined
  /** Path of the token endpoint for grants other than client credentials. Default: `tokenPath` if given, `/oauth/token` on a region, else `/api/v2/oauth/token`. */
  readonly userTokenPath?: string | undefined
}

/** What the members of the input are called where the user wrote them; they name the fields of faults. */
export type HostNames = Readonly<Partial<Record<keyof HostInput, string>>>

/** A field's message and remedy, before it is known what the user calls the field. */
type Fault = Omit<Field, 'field'>

type Place = 'oauthBaseUrl' | 'apiBaseUrl' | 'region' | 'env'

/** Resolved addresses, none with a slash at its end. */
export interface Hosts {
  readonly oauth: string
  readonly api: string
  readonly jwksUrl: string
  /** Paths below `oauth`, by grant. */
  readonly tokenPath: { readonly clientCredentials: string; readonly otherGrants: string }
  /** The endpoints beside the token endpoint, in full: where users sign in, devices ask (RFC 8628), tokens end (RFC 7009). */
  readonly authorizeUrl: string
  readonly deviceUrl: string
  readonly revokeUrl: string
  /** True when `oauth` is a login host of the public platform. */
  readonly platformLogin: boolean
  /** True when `api` is an API host of the public platform, which does not offer the documented guest APIs. */
  readonly platformApi: boolean
  /** The member of the input that decided each address. */
  readonly from: { readonly oauth: Place; readonly api: Place; readonly jwksUrl: 'jwksUrl' | Place }
  /** Members that were given and decided nothing. */
  readonly unused: readonly ('region' | 'env')[]
}

/** The known word that looks most like another: the share of letter pairs in common, at least half. */
function nearest(word: string, known: readonly string[]): string | undefined {
  const pairs = (text: string): string[] => Array.from(text.slice(1), (letter, at) => `${text[at]}${letter}`)
  const wanted = pairs(word)
  const likeness = (candidate: string): number => {
    const theirs = pairs(candidate)
    return (2 * wanted.filter((pair) => theirs.includes(pair)).length) / (wanted.length + theirs.length)
  }
  const [best] = known.map((name) => ({ name, score: likeness(name) })).sort((a, b) => b.score - a.score)
  return best && best.score >= 0.5 ? best.name : undefined
}

const quoted = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)

/** What is wrong with an address and what to do, or nothing. The address itself is never repeated: it may hold a password. */
function addressFault(text: string, query: 'allowed' | 'refused'): Fault | undefined {
  const inFull = 'Write it in full, as https://gateway.example.com or http://127.0.0.1:8080.'
  if (!/^https?:\/\/[^\s\\]+$/i.test(text) || !URL.canParse(text)) {
    return { message: 'is not an address that begins with https:// (or http:// on loopback)', remedy: inFull }
  }
  const url = new URL(text)
  if (url.username || url.password) {
    return {
      message: 'holds a user name or password',
      remedy: 'Take it out of the address; credentials have settings of their own.',
    }
  }
  if (text.includes('#') || (query === 'refused' && text.includes('?'))) {
    return {
      message: 'holds a query or fragment',
      remedy: 'End it with its path: what stands after ? or # has no place there.',
    }
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    return {
      message: 'is plain http, over which a secret would travel in clear',
      remedy: 'Use https://; http:// is for loopback (127.0.0.1, [::1], localhost).',
    }
  }
  return undefined
}

function address(text: string, query: 'allowed' | 'refused', fault: (fault: Fault) => void): string | undefined {
  const wrong = addressFault(text, query)
  if (wrong) {
    fault(wrong)
    return undefined
  }
  const { origin, pathname, search } = new URL(text)
  return `${origin}${pathname.replace(/\/+$/, '')}${search}`
}

const hostOf = (base: string): string => new URL(base).hostname.replace(/\.$/, '')
const isHostOf = (base: string, service: 'login' | 'api'): boolean =>
  domains.some((domain) => hostOf(base) === `${service}.${domain}`)

/**
 * Resolves where an organisation's OAuth server and API are. Full base URLs come first, each for itself; a region fills what
 * they leave open. Any other name is refused, because an address built from a typo would receive the client secret.
 * @throws GuestpassError `config_invalid`, with all faults as fields.
 */
export function resolveHosts(input: HostInput, names: HostNames = {}): Hosts {
  const faults: Field[] = []
  const name = (member: keyof HostInput): string => names[member] ?? member
  const faultOf =
    (member: keyof HostInput) =>
    (fault: Fault): void => {
      faults.push({ field: name(member), ...fault })
    }
  const given = (member: keyof HostInput): string | undefined => input[member]?.trim() || undefined

  const base = (member: 'oauthBaseUrl' | 'apiBaseUrl'): string | undefined => {
    const text = given(member)
    return text && address(text, 'refused', faultOf(member))
  }
  const domain = (member: 'region' | 'env', text: string): string | undefined => {
    const word = text.toLowerCase().replaceAll('_', '-')
    const known = regions.get(word) ?? domains.find((one) => one === word)
    if (!known) faultOf(member)(unknownRegion(text, word, `${name('oauthBaseUrl')} and ${name('apiBaseUrl')}`))
    return known
  }
  const path = (member: 'tokenPath' | 'userTokenPath'): string | undefined => {
    const text = given(member)
    if (text && !/^\/[^\s?#\\]*$/.test(text))
      faultOf(member)({
        message: 'is not a path',
        remedy: 'Begin it with /, without query or fragment, as /oauth/token.',
      })
    return text
  }

  const bases = { oauth: base('oauthBaseUrl'), api: base('apiBaseUrl') }
  const open = { oauth: !given('oauthBaseUrl'), api: !given('apiBaseUrl') }
  const place = given('region') ? 'region' : 'env'
  const regionText = given(place)
  const region = (open.oauth || open.api) && regionText ? domain(place, regionText) : undefined
  if (!regionText) faults.push(...missing(open, name))
  const jwksText = given('jwksUrl')
  const jwks = jwksText && address(jwksText, 'allowed', faultOf('jwksUrl'))
  const tokenPath = path('tokenPath')
  const userTokenPath = path('userTokenPath')

  const oauth = bases.oauth ?? `https://login.${region}`
  const api = bases.api ?? `https://api.${region}`
  if (faults.length > 0)
    throw new GuestpassError('config_invalid', 'It is not clear where Genesys Cloud is to be reached.', {
      fields: faults,
    })
  const platformLogin = isHostOf(oauth, 'login')
  const clientCredentials = tokenPath ?? '/oauth/token'
  // A login host of the platform written as a base URL is still the platform, which has this one path.
  const otherGrants = userTokenPath ?? tokenPath ?? (platformLogin ? '/oauth/token' : '/api/v2/oauth/token')
  const beside = (endpoint: string): string => `${oauth}${otherGrants.replace(/\/[^/]*$/, '')}/${endpoint}`
  const from = { oauth: open.oauth ? place : 'oauthBaseUrl', api: open.api ? place : 'apiBaseUrl' } as const
  return {
    oauth,
    api,
    jwksUrl: jwks ?? `${oauth}/.well-known/jwks.json`,
    tokenPath: { clientCredentials, otherGrants },
    authorizeUrl: beside('authorize'),
    deviceUrl: beside('device_authorization'),
    revokeUrl: beside('revoke'),
    platformLogin,
    platformApi: isHostOf(api, 'api'),
    from: { ...from, jwksUrl: jwks ? 'jwksUrl' : from.oauth },
    unused: (['region', 'env'] as const).filter(
      (member) => given(member) && from.oauth !== member && from.api !== member,
    ),
  }
}

function unknownRegion(text: string, word: string, bases: string): Fault {
  const bare = word
    .replace(/^https?:\/\//, '')
    .replace(/^(login|api|apps|webmessaging|www)\./, '')
    .replace(/[./]+$/, '')
  const close = nearest(bare, [...domains, ...regions.keys()])
  const list = Array.from(regions, ([region, domain]) => `${domain} (${region})`)
  return {
    message: `${quoted(text)} is not a region of Genesys Cloud`,
    remedy:
      `${close ? `Did you mean ${close}? ` : ''}Known are ${list.join(', ')}. Any other host is written in full as ${bases}: ` +
      'an address built from an unknown name could hand the client secret to a stranger.',
  }
}

function missing(open: { oauth: boolean; api: boolean }, name: (member: keyof HostInput) => string): Field[] {
  if (open.oauth && open.api) {
    const remedy = `Set it to a region's domain, as mypurecloud.com, or set ${name('oauthBaseUrl')} and ${name('apiBaseUrl')}. To try it with no organisation: guestpass sandbox > .env`
    return [{ field: name('region'), message: 'is not set, so it is not known which Genesys Cloud to talk to', remedy }]
  }
  if (!open.oauth && !open.api) return []
  const [absent, present] = open.api
    ? (['apiBaseUrl', 'oauthBaseUrl'] as const)
    : (['oauthBaseUrl', 'apiBaseUrl'] as const)
  const remedy = `Set it too (a gateway that serves both has one address for both), or set ${name('region')} to fill the gap.`
  return [{ field: name(absent), message: `is not set, but ${name(present)} is`, remedy }]
}
