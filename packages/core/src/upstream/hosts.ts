import { anyValue, checkOptions, isObject, schema, list, object, nonEmptyText } from '../domain/options.ts'
import { type Field, GuestpassError } from '../domain/errors.ts'
import { addressFault, bareAddress, type Fault, type InsecureHosts } from './address.ts'
import { domains, regionDomain, unknownRegion } from './regions.ts'

/**
 * Where an organisation's upstream is, in the words of its user. All members may be absent; what is needed
 * and missing is a fault.
 */
export interface HostInput {
  /**
   * Full address of one gateway for both OAuth and API; a path prefix is kept. https, or http on loopback.
   */
  readonly baseUrl?: string | undefined
  /** Full address of the OAuth server, likewise. Set alone, without a region, it serves both. */
  readonly oauthBaseUrl?: string | undefined
  /** Full address of the API, likewise. Set alone, without a region or an issuer, it serves both. */
  readonly apiBaseUrl?: string | undefined
  /** Domain of a region, as `mypurecloud.ie`, or its name, as `eu-west-1` or `eu_west_1`. */
  readonly region?: string | undefined
  /** Read where `region` is absent, by the same rule. */
  readonly env?: string | undefined
  /**
   * An OpenID provider by its issuer: endpoints without a setting of their own come from its discovery
   * document.
   */
  readonly issuer?: string | undefined
  /**
   * Full address of the key-set. Default: of the issuer's discovery document, else `/.well-known/jwks.json`
   * on the OAuth server.
   */
  readonly jwksUrl?: string | undefined
  /**
   * The token endpoint: a path on the OAuth server, or a full address. Default: of the issuer, else
   * `/oauth/token`.
   */
  readonly tokenPath?: string | undefined
  /**
   * The token endpoint for grants other than client credentials. Default: `tokenPath` if given, of the
   * issuer, `/oauth/token` on a region, else `/api/v2/oauth/token`.
   */
  readonly userTokenPath?: string | undefined
  /**
   * Where users are sent to sign in, likewise. Default: of the issuer, else `authorize` beside the token
   * endpoint.
   */
  readonly authorizePath?: string | undefined
  /**
   * Where devices ask (RFC 8628), likewise. Default: of the issuer, else `device_authorization` beside the
   * token endpoint.
   */
  readonly devicePath?: string | undefined
  /**
   * Where tokens end (RFC 7009), likewise. Default: of the issuer, else `revoke` beside the token endpoint.
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

/** What the members of the input are called where the user wrote them; they name the fields of faults. */
export type HostNames = Readonly<Partial<Record<keyof HostInput, string>>>

/** The members of a `HostInput` that say where the OAuth server or the API is. */
export type HostPlace = 'oauthBaseUrl' | 'apiBaseUrl' | 'baseUrl' | 'region' | 'env' | 'issuer'

/** The endpoints of an OAuth server, in full. */
export interface Endpoints {
  /** The token endpoint for client credentials, and for all other grants. */
  readonly clientToken: string
  readonly userToken: string
  /** Where users are sent to sign in. */
  readonly authorize: string
  /** RFC 8628. */
  readonly device: string
  /** RFC 7009. */
  readonly revocation: string
}

/** Resolved addresses, none with a slash at its end. */
export interface Hosts {
  readonly oauth: string
  /** Absent where an issuer is all that is known: then the guest APIs cannot be called. */
  readonly api?: string
  readonly jwksUrl: string
  /**
   * Where each endpoint is as far as the settings say; with an issuer, those not in `own` come from its
   * discovery document instead.
   */
  readonly endpoints: Endpoints
  /** The endpoints that have a setting of their own. */
  readonly own: readonly (keyof Endpoints)[]
  /** The issuer whose discovery document is read, as it was given. */
  readonly issuer?: string
  readonly insecureHosts: readonly string[]
  /** True when `oauth` is a login host of the public platform. */
  readonly platformLogin: boolean
  /**
   * True when `api` is an API host of the public platform, which does not offer the documented guest APIs.
   */
  readonly platformApi: boolean
  /** The member of the input that decided each address. */
  readonly from: { readonly oauth: HostPlace; readonly api?: HostPlace; readonly jwksUrl: 'jwksUrl' | HostPlace }
  /** Members that were given and decided nothing. */
  readonly unused: readonly ('region' | 'env' | 'baseUrl')[]
}

const RESOLVE = "Give resolveHosts({ baseUrl: 'https://gateway.example.com' }), or with a region."

/** What `resolveHosts` answers. */
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

/** The texts are looked at one by one, with the names that the user knows. */
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

/** The input as far as it can be used, and what is wrong with it. */
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

const refuse = ({ name, faults }: Reading, member: Member, fault: Fault): void => {
  faults.push({ field: name(member), ...fault })
}

function address(of: Reading, member: Member, query: 'allowed' | 'refused'): string | undefined {
  const url = of.given(member)
  const fault = url && addressFault(url, { query, insecure: of.insecure })
  if (fault) refuse(of, member, fault)
  return url && !fault ? bareAddress(url) : undefined
}

/** A path, or a full address; undefined where none is given. */
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

interface Base {
  readonly url: string
  readonly from: HostPlace
}

/**
 * Where OAuth and API are: a base URL for each, one for both, the region, the other base alone; for OAuth the
 * issuer before a region.
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
  return { ...(login ? { oauth: login } : {}), ...(calls ? { api: calls } : {}) }
}

/**
 * Resolves where an organisation's OAuth server and API are. Full base URLs come first, each for itself; a
 * region fills what they leave open. Any other name is refused, because an address built from a typo would
 * receive the client secret.
 * @throws GuestpassError `config_invalid`, with all faults as fields.
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
    own: (Object.keys(set) as (keyof Endpoints)[]).filter((one) => set[one] !== undefined),
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
