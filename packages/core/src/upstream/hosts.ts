import { anyValue, checkOptions, isObject, schema, list, object, nonEmptyText } from '../domain/options.ts'
import { type Field, GuestpassError } from '../domain/errors.ts'
import { addressFault, bareAddress, type AddressFault, type InsecureHosts } from './address.ts'
import { domains, regionDomain, unknownRegion } from './regions.ts'

/**
 * The addresses of an organisation's upstream, as a user writes them. Give at least a region, a base URL or an
 * issuer.
 */
export interface HostInput {
  /** The address of one gateway for OAuth and API: https, or http on loopback. A path prefix is kept. */
  readonly baseUrl?: string | undefined
  /**
   * The address of the OAuth server: https, or http on loopback. Without region and `apiBaseUrl`, it is that
   * of the API too.
   */
  readonly oauthBaseUrl?: string | undefined
  /**
   * The address of the API: https, or http on loopback. Without region, issuer and `oauthBaseUrl`, it is that
   * of the OAuth server too.
   */
  readonly apiBaseUrl?: string | undefined
  /** The domain of a region, as `mypurecloud.ie`, or its name, as `eu-west-1` or `eu_west_1`. */
  readonly region?: string | undefined
  /** Another name of `region`. It is used if `region` is not given. */
  readonly env?: string | undefined
  /**
   * The issuer of an OpenID provider. OAuthEndpoints that are not set come from its discovery document (OpenID
   * Connect Discovery 1.0, RFC 8414).
   */
  readonly issuer?: string | undefined
  /**
   * The address of the key-set. Default: that of the discovery document, else `/.well-known/jwks.json` on the
   * OAuth server.
   */
  readonly jwksUrl?: string | undefined
  /**
   * The token endpoint: a path on the OAuth server, or an address. Default: that of the discovery document,
   * else `/oauth/token`.
   */
  readonly tokenPath?: string | undefined
  /**
   * The token endpoint for grants other than client credentials: a path or an address. Default: `tokenPath`,
   * else that of the discovery document, else `/oauth/token` on a region and `/api/v2/oauth/token` on a base
   * URL.
   */
  readonly userTokenPath?: string | undefined
  /**
   * The authorization endpoint, where users sign in: a path or an address. Default: that of the discovery
   * document, else `authorize` beside the token endpoint.
   */
  readonly authorizePath?: string | undefined
  /**
   * The device authorization endpoint (RFC 8628): a path or an address. Default: that of the discovery
   * document, else `device_authorization` beside the token endpoint.
   */
  readonly devicePath?: string | undefined
  /**
   * The revocation endpoint (RFC 7009): a path or an address. Default: that of the discovery document, else
   * `revoke` beside the token endpoint.
   */
  readonly revocationPath?: string | undefined
  /**
   * Hosts, as `host` or `host:port`, to which plain http may be sent although they are not loopback. Default:
   * none.
   */
  readonly insecureHosts?: readonly string[] | undefined
}

type Member = Exclude<keyof HostInput, 'insecureHosts'>
type PathMember = Extract<Member, `${string}Path`>

/** The names that the user wrote for the members of a `HostInput`. They are the fields of faults. */
export type HostNames = Readonly<Partial<Record<keyof HostInput, string>>>

/** The members of a `HostInput` that say where the OAuth server or the API is. */
export type HostPlace = 'oauthBaseUrl' | 'apiBaseUrl' | 'baseUrl' | 'region' | 'env' | 'issuer'

/** The addresses of the endpoints of an OAuth server. */
export interface OAuthEndpoints {
  /** The token endpoint for client credentials. */
  readonly clientToken: string
  /** The token endpoint for all other grants. */
  readonly userToken: string
  /** The authorization endpoint (RFC 6749, 3.1). */
  readonly authorize: string
  /** The device authorization endpoint (RFC 8628). */
  readonly device: string
  /** The revocation endpoint (RFC 7009). */
  readonly revocation: string
}

/** The resolved addresses of an upstream, without a slash at the end. Made by `resolveHosts`. */
export interface Hosts {
  /** The address of the OAuth server. */
  readonly oauth: string
  /** The address of the API. Absent if only an issuer is known: then the guest APIs cannot be called. */
  readonly api?: string
  /** The address of the key-set. */
  readonly jwksUrl: string
  /**
   * The OAuth endpoints. With an issuer, its discovery document replaces all but those that `own` names.
   */
  readonly endpoints: OAuthEndpoints
  /** The names of the endpoints that the input sets itself. */
  readonly own: readonly (keyof OAuthEndpoints)[]
  /** The issuer whose discovery document is read, as it was given. Absent: none is read. */
  readonly issuer?: string
  /** Hosts to which plain http may be sent although they are not loopback. */
  readonly insecureHosts: readonly string[]
  /** Whether `oauth` is a public login host of Genesys Cloud. */
  readonly platformLogin: boolean
  /** Whether `api` is a public API host of Genesys Cloud. These do not offer the documented guest APIs. */
  readonly platformApi: boolean
  /** The member of the input that each address comes from. */
  readonly from: { readonly oauth: HostPlace; readonly api?: HostPlace; readonly jwksUrl: 'jwksUrl' | HostPlace }
  /** Members that were given but not used. */
  readonly unused: readonly ('region' | 'env' | 'baseUrl')[]
}

const RESOLVE = "Give resolveHosts({ baseUrl: 'https://gateway.example.com' }), or with a region."

/** The schema of `Hosts`. */
export const hostsSchema = schema(
  'what resolveHosts answers',
  (value) =>
    isObject(value) &&
    typeof value['oauth'] === 'string' &&
    typeof value['jwksUrl'] === 'string' &&
    ['endpoints', 'from'].every((name) => isObject(value[name])) &&
    ['own', 'insecureHosts'].every((name) => Array.isArray(value[name])) &&
    ['api', 'issuer'].every((name) => ['string', 'undefined'].includes(typeof value[name])),
  RESOLVE,
)

/** The values are checked one by one, so that faults have the user's names. */
const inputSchema = object<HostInput>({
  baseUrl: anyValue,
  oauthBaseUrl: anyValue,
  apiBaseUrl: anyValue,
  region: anyValue,
  env: anyValue,
  issuer: anyValue,
  jwksUrl: anyValue,
  tokenPath: anyValue,
  userTokenPath: anyValue,
  authorizePath: anyValue,
  devicePath: anyValue,
  revocationPath: anyValue,
  insecureHosts: list(nonEmptyText),
})

const hostOf = (base: string): string => new URL(base).hostname.replace(/\.$/, '')
const isHostOf = (base: string | undefined, service: 'login' | 'api'): boolean =>
  base !== undefined && domains.some((domain) => hostOf(base) === `${service}.${domain}`)

/** The input, and the faults that were found in it so far. */
interface Reading {
  readonly given: (member: Member) => string | undefined
  readonly name: (member: Member) => string
  readonly faults: Field[]
  readonly insecure: InsecureHosts
}

function reading(input: HostInput, names: HostNames): Reading {
  const name = (member: Member): string => names[member] ?? member
  const faults: Field[] = Object.entries(input)
    .filter(([member, value]) => member !== 'insecureHosts' && typeof (value ?? '') !== 'string')
    .map(([member]) => ({ field: name(member as Member), message: 'is no text', remedy: 'Give a text.' }))
  const given = (member: Member): string | undefined => {
    const value: unknown = input[member]
    return (typeof value === 'string' && value.trim()) || undefined
  }
  return { given, name, faults, insecure: input.insecureHosts ?? [] }
}

const refuse = ({ name, faults }: Reading, member: Member, fault: AddressFault): void => {
  faults.push({ field: name(member), ...fault })
}

function address(of: Reading, member: Member, query: 'allowed' | 'refused'): string | undefined {
  const url = of.given(member)
  const fault = url && addressFault(url, { query, insecure: of.insecure })
  if (fault) refuse(of, member, fault)
  return url && !fault ? bareAddress(url) : undefined
}

/** A path or an address; undefined if none is given. */
function path(of: Reading, member: PathMember): string | undefined {
  const given = of.given(member)
  if (given === undefined) return undefined
  if (/^https?:/i.test(given)) {
    const fault = addressFault(given, { query: 'allowed', insecure: of.insecure })
    if (fault) refuse(of, member, fault)
  } else if (!/^\/[^\s?#\\]*$/.test(given)) {
    const remedy = 'Begin it with /, without query or fragment, as /oauth/token; or write the address in full.'
    refuse(of, member, { message: 'is not a path', remedy })
  }
  return given
}

const DOUBLED: AddressFault = {
  message: 'ends in /api/v2, which is part of the path of every call',
  remedy: 'Leave /api/v2 out.',
}

interface Base {
  readonly url: string
  readonly from: HostPlace
}

/**
 * The bases of OAuth and API: a base URL for each, else one for both, else the region, else the other base.
 * For OAuth, the issuer comes before a region.
 */
function bases(of: Reading): { readonly oauth?: Base; readonly api?: Base } {
  const { given, name, faults } = of
  const based = (member: 'baseUrl' | 'oauthBaseUrl' | 'apiBaseUrl'): Base | undefined => {
    const url = address(of, member, 'refused')
    return url ? { url, from: member } : undefined
  }
  const both = based('baseUrl')
  const [oauth, api] = [based('oauthBaseUrl') ?? both, based('apiBaseUrl') ?? both]
  const isOpen = (member: 'oauthBaseUrl' | 'apiBaseUrl'): boolean => !given(member) && !given('baseUrl')
  const issuer = address(of, 'issuer', 'refused')
  if (issuer?.includes('/.well-known/'))
    refuse(of, 'issuer', {
      message: 'is the address of a discovery document',
      remedy: 'Write the issuer, as that document gives it.',
    })
  const isNeeded = isOpen('apiBaseUrl') || (isOpen('oauthBaseUrl') && !given('issuer'))
  const place = given('region') ? 'region' : 'env'
  const named = given(place)
  const domain = named && isNeeded ? regionDomain(named) : undefined
  if (named && isNeeded && !domain)
    refuse(of, place, unknownRegion(named, `${name('baseUrl')}, or ${name('oauthBaseUrl')} and ${name('apiBaseUrl')}`))
  if (!named && isOpen('oauthBaseUrl') && isOpen('apiBaseUrl') && !given('issuer')) faults.push(missing(of))
  const region = (service: string): Base | undefined =>
    domain ? { url: `https://${service}.${domain}`, from: place } : undefined
  const login = oauth ?? (issuer ? { url: issuer, from: 'issuer' } : (region('login') ?? api))
  const calls = api ?? region('api') ?? oauth
  if (calls && /\/api\/v2$/i.test(calls.url)) refuse(of, calls.from, DOUBLED)
  return { ...(login ? { oauth: login } : {}), ...(calls ? { api: calls } : {}) }
}

/**
 * Resolves the addresses of an organisation's OAuth server and API, for `ConnectionOptions.hosts`.
 *
 * `input`: base URLs have precedence, and a region gives the addresses that they do not set. `names`: the
 * names of the settings that the user wrote, for error messages. Default: the names of the members.
 *
 * Throws `config_invalid`; `fields` then lists every wrong member. A name that is not a region is refused,
 * because an address that is built from a typo would receive the client secret.
 *
 * @example
 * ```ts
 * import { resolveHosts } from '@guestpass/core'
 *
 * const { oauth, api } = resolveHosts({ region: 'mypurecloud.ie' })
 * console.log(oauth, api) // https://login.mypurecloud.ie https://api.mypurecloud.ie
 * ```
 */
export function resolveHosts(input: HostInput = {}, names: HostNames = {}): Hosts {
  checkOptions('resolveHosts', ['input', input, inputSchema])
  const of = reading(input, names)
  const { given, faults } = of
  const { oauth, api } = bases(of)
  const jwks = address(of, 'jwksUrl', 'allowed')
  const tokenPath = path(of, 'tokenPath')
  const userTokenPath = path(of, 'userTokenPath')
  const beside = { authorize: path(of, 'authorizePath'), device: path(of, 'devicePath') }
  const revocation = path(of, 'revocationPath')
  if (faults.length > 0 || !oauth) throw unclear(faults)
  const platformLogin = isHostOf(oauth.url, 'login')
  const clientCredentials = tokenPath ?? '/oauth/token'
  // A login host of the platform written as a base URL is still the platform, which has this one path.
  const otherGrants = userTokenPath ?? tokenPath ?? (platformLogin ? '/oauth/token' : '/api/v2/oauth/token')
  const full = (one: string): string => (one.startsWith('/') ? `${oauth.url}${one}` : one)
  const sibling = (one: string): string =>
    full(otherGrants)
      .replace(/(\?.*)?$/, '')
      .replace(/\/[^/]*$/, `/${one}`)
  const set = { clientToken: tokenPath, userToken: userTokenPath ?? tokenPath, ...beside, revocation }
  const issuer = given('issuer')
  return {
    oauth: oauth.url,
    ...(api ? { api: api.url } : {}),
    jwksUrl: jwks ?? `${oauth.url}/.well-known/jwks.json`,
    endpoints: {
      clientToken: full(clientCredentials),
      userToken: full(otherGrants),
      authorize: full(set.authorize ?? sibling('authorize')),
      device: full(set.device ?? sibling('device_authorization')),
      revocation: full(set.revocation ?? sibling('revoke')),
    },
    own: (Object.keys(set) as (keyof OAuthEndpoints)[]).filter((one) => set[one] !== undefined),
    ...(issuer ? { issuer } : {}),
    insecureHosts: of.insecure,
    platformLogin,
    platformApi: isHostOf(api?.url, 'api'),
    from: { oauth: oauth.from, ...(api ? { api: api.from } : {}), jwksUrl: jwks ? 'jwksUrl' : oauth.from },
    unused: (['region', 'env', 'baseUrl'] as const).filter(
      (member) => given(member) && oauth.from !== member && api?.from !== member,
    ),
  }
}

function unclear(fields: readonly Field[]): GuestpassError {
  const said = fields.map(({ field, message }) => `${field} ${message}`).join('; ')
  return new GuestpassError('config_invalid', `It is not clear where Genesys Cloud is to be reached: ${said}.`, {
    fields,
  })
}

function missing({ name }: Reading): Field {
  const gateway = `${name('baseUrl')} (or ${name('oauthBaseUrl')} and ${name('apiBaseUrl')})`
  const remedy = `Set it to a region's domain, as mypurecloud.com, or set ${gateway}. For an OpenID provider, set ${name('issuer')}.`
  return { field: name('region'), message: 'is not set, so it is not known which Genesys Cloud to talk to', remedy }
}
