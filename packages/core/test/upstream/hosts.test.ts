import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GuestpassError } from '../../src/domain/errors.ts'
import { isLoopback } from '../../src/domain/loopback.ts'
import { type HostInput, type HostNames, type Hosts, resolveHosts } from '../../src/upstream/hosts.ts'

const regions = [
  ['us-east-1', 'mypurecloud.com'],
  ['us-east-2', 'use2.us-gov-pure.cloud'],
  ['us-west-2', 'usw2.pure.cloud'],
  ['ca-central-1', 'cac1.pure.cloud'],
  ['mx-central-1', 'mxc1.pure.cloud'],
  ['sa-east-1', 'sae1.pure.cloud'],
  ['eu-west-1', 'mypurecloud.ie'],
  ['eu-west-2', 'euw2.pure.cloud'],
  ['eu-central-1', 'mypurecloud.de'],
  ['eu-central-2', 'euc2.pure.cloud'],
  ['eusc-de-east-1', 'edee1.eusc-pure.cloud'],
  ['me-central-1', 'mec1.pure.cloud'],
  ['ap-south-1', 'aps1.pure.cloud'],
  ['ap-southeast-1', 'apse1.pure.cloud'],
  ['ap-southeast-2', 'mypurecloud.com.au'],
  ['ap-northeast-1', 'mypurecloud.jp'],
  ['ap-northeast-2', 'apne2.pure.cloud'],
  ['ap-northeast-3', 'apne3.pure.cloud'],
] as const

const gateway: HostInput = { oauthBaseUrl: 'https://gw.example.com/oauth', apiBaseUrl: 'https://gw.example.com/api' }

function refusal(input: HostInput, names?: HostNames): GuestpassError {
  try {
    resolveHosts(input, names)
  } catch (thrown) {
    if (thrown instanceof GuestpassError) return thrown
  }
  throw new Error('it was accepted')
}

const faultsOf = (input: HostInput): Record<string, string> =>
  Object.fromEntries((refusal(input).fields ?? []).map((fault) => [fault.field, `${fault.message} | ${fault.remedy}`]))

/** The token endpoint for client credentials and for other grants, below the OAuth server. */
const tokenEndpoints = ({ oauth, endpoints }: Hosts): readonly string[] =>
  [endpoints.clientToken, endpoints.userToken].map((url) => url.replace(oauth, ''))

describe('a region', () => {
  it.each(regions)('%s is served at %s, by name, by domain and in the form of the SDK', (name, domain) => {
    for (const region of [name, name.replaceAll('-', '_'), domain, ` ${domain.toUpperCase()} `]) {
      for (const input of [{ region }, { env: region }]) {
        const hosts = resolveHosts(input)
        expect(hosts.oauth).toBe(`https://login.${domain}`)
        expect(hosts.api).toBe(`https://api.${domain}`)
        expect(hosts.jwksUrl).toBe(`https://login.${domain}/.well-known/jwks.json`)
        expect(tokenEndpoints(hosts)).toEqual(['/oauth/token', '/oauth/token'])
        expect([hosts.platformLogin, hosts.platformApi]).toEqual([true, true])
      }
    }
  })

  it('comes before the environment name, which is then said to be unused', () => {
    const hosts = resolveHosts({ region: 'mypurecloud.ie', env: 'staging' })
    expect(hosts.api).toBe('https://api.mypurecloud.ie')
    expect(hosts.from).toEqual({ oauth: 'region', api: 'region', jwksUrl: 'region' })
    expect(hosts.unused).toEqual(['env'])
  })

  it('fills the one address that no base URL gives', () => {
    const hosts = resolveHosts({ apiBaseUrl: 'https://gw.example.com', env: 'eu_west_1' })
    expect(hosts.oauth).toBe('https://login.mypurecloud.ie')
    expect(hosts.api).toBe('https://gw.example.com')
    expect(hosts.from).toEqual({ oauth: 'env', api: 'apiBaseUrl', jwksUrl: 'env' })
    expect([hosts.platformLogin, hosts.platformApi]).toEqual([true, false])
    expect(hosts.unused).toEqual([])
  })
})

describe('an unknown name', () => {
  it('is refused with the domains and the reason', () => {
    const { env } = faultsOf({ env: 'acme-prod' })
    expect(env).toContain('"acme-prod" is not a region')
    for (const [name, domain] of regions) expect(env).toContain(`${domain} (${name})`)
    expect(env).toContain('client secret')
    expect(env).toContain('baseUrl, or oauthBaseUrl and apiBaseUrl')
    expect(env).not.toContain('Did you mean')
  })

  it.each([
    ['mypurecloud.con', 'mypurecloud.com'],
    ['us-esat-1', 'us-east-1'],
    ['usw2.purecloud', 'usw2.pure.cloud'],
    ['https://api.mypurecloud.ie/', 'mypurecloud.ie'],
    ['login.mypurecloud.com.au', 'mypurecloud.com.au'],
    ['eu-west1', 'eu-west-1'],
  ])('%s is answered with %s', (typo, meant) => {
    const [region, domain] = regions.find((one) => one.some((name) => name === meant)) ?? []
    expect(faultsOf({ region: typo }).region).toMatch(new RegExp(`Did you mean ${domain} \\(${region}\\)\\? Known are`))
  })

  it('never becomes an address, whatever it is', () => {
    const known = new Set<string>(regions.flat())
    const word = fc.oneof(fc.string(), fc.domain(), fc.constantFrom('constructor', '__proto__', 'toString'))
    fc.assert(
      fc.property(word, (env) => {
        fc.pre(env.trim() !== '' && !known.has(env.trim().toLowerCase().replaceAll('_', '-')))
        expect(refusal({ env }).code).toBe('config_invalid')
      }),
      { numRuns: 300 },
    )
  })
})

describe('base URLs', () => {
  it('come first, keep their path and lose the slashes at their end', () => {
    const hosts = resolveHosts({
      oauthBaseUrl: 'https://GW.example.com/login//',
      apiBaseUrl: 'https://gw.example.com:8443/',
      region: 'mypurecloud.ie',
      env: 'x',
    })
    expect(hosts.oauth).toBe('https://gw.example.com/login')
    expect(hosts.api).toBe('https://gw.example.com:8443')
    expect(hosts.jwksUrl).toBe('https://gw.example.com/login/.well-known/jwks.json')
    expect(hosts.from).toEqual({ oauth: 'oauthBaseUrl', api: 'apiBaseUrl', jwksUrl: 'oauthBaseUrl' })
    expect(hosts.unused).toEqual(['region', 'env'])
    expect([hosts.platformLogin, hosts.platformApi]).toEqual([false, false])
  })

  it('have a token path for client credentials and another for the other grants', () => {
    expect(tokenEndpoints(resolveHosts(gateway))).toEqual(['/oauth/token', '/api/v2/oauth/token'])
  })

  it('take the token paths that are given', () => {
    const of = (input: HostInput): readonly string[] => tokenEndpoints(resolveHosts(input))
    expect(of({ ...gateway, tokenPath: '/t' })).toEqual(['/t', '/t'])
    expect(of({ ...gateway, userTokenPath: '/u' })).toEqual(['/oauth/token', '/u'])
    expect(of({ region: 'mypurecloud.de', tokenPath: '/t', userTokenPath: '/u' })).toEqual(['/t', '/u'])
  })

  it.each([
    ['baseUrl', { baseUrl: 'https://gw.example.com/x/api/v2/' }],
    ['apiBaseUrl', { region: 'mypurecloud.ie', apiBaseUrl: 'https://gw.example.com/api/v2' }],
    ['oauthBaseUrl', { oauthBaseUrl: 'https://gw.example.com/API/V2' }],
  ])('of the API are refused with the path that every call adds: %s', (field, input) => {
    expect(faultsOf(input)).toEqual({
      [field]: expect.stringMatching(/^ends in \/api\/v2, .* \| Leave \/api\/v2 out\.$/),
    })
    const own = { oauthBaseUrl: 'https://gw.example.com/api/v2', apiBaseUrl: 'https://gw.example.com' }
    expect(resolveHosts(own)).toMatchObject({ oauth: own.oauthBaseUrl, api: own.apiBaseUrl })
  })

  it('that are hosts of the platform count as the platform', () => {
    const hosts = resolveHosts({
      oauthBaseUrl: 'https://login.usw2.pure.cloud',
      apiBaseUrl: 'https://api.usw2.pure.cloud./',
    })
    expect([hosts.platformLogin, hosts.platformApi]).toEqual([true, true])
    expect(tokenEndpoints(hosts)).toEqual(['/oauth/token', '/oauth/token'])
  })

  it('that only look like hosts of the platform do not count as it', () => {
    const hosts = resolveHosts({
      oauthBaseUrl: 'https://login.mypurecloud.com.evil.example',
      apiBaseUrl: 'https://acme.mypurecloud.com',
    })
    expect([hosts.platformLogin, hosts.platformApi]).toEqual([false, false])
  })

  it.each([
    'http://127.0.0.1:4000',
    'http://127.8.9.1',
    'http://[::1]:4000/x',
    'http://localhost:1',
    'HTTP://LOCALHOST:1',
  ])('may be plain http on loopback: %s', (url) => {
    expect(resolveHosts({ oauthBaseUrl: url, apiBaseUrl: url }).oauth).toBe(url.toLowerCase())
  })

  it.each([
    ['http://gw.example.com', 'https://'],
    ['http://127.0.0.1.example.com', 'https://'],
    ['http://localhost.example.com', 'https://'],
    ['http://10.0.0.1', 'https://'],
    ['ftp://gw.example.com', 'in full'],
    ['gw.example.com', 'in full'],
    ['localhost:8080', 'in full'],
    ['https://', 'in full'],
    ['https://gw .example.com', 'in full'],
    ['https://gw.example.com?', 'Take it out|End it'],
    ['https://gw.example.com/x?y=z', 'End it'],
    ['https://gw.example.com/#x', 'End it'],
    ['https://hunter2@gw.example.com', 'Take it out'],
    ['https://u:hunter2@gw.example.com', 'Take it out'],
  ])('are refused with a remedy and never repeated: %s', (url, remedy) => {
    const faults = faultsOf({ oauthBaseUrl: url, apiBaseUrl: 'https://gw.example.com' })
    expect(Object.keys(faults)).toEqual(['oauthBaseUrl'])
    expect(faults.oauthBaseUrl).toMatch(new RegExp(remedy))
    expect(JSON.stringify(faults)).not.toContain('hunter2')
  })

  it('serve both where only one is given, unless a region fills the gap', () => {
    const url = 'https://gw.example.com'
    for (const member of ['baseUrl', 'oauthBaseUrl', 'apiBaseUrl'] as const) {
      const hosts = resolveHosts({ [member]: `${url}/` })
      expect([hosts.oauth, hosts.api, hosts.from.oauth, hosts.from.api]).toEqual([url, url, member, member])
    }
    const one = resolveHosts({ baseUrl: url, apiBaseUrl: 'https://api.example.com', region: 'mypurecloud.ie' })
    expect([one.oauth, one.api, one.unused]).toEqual([url, 'https://api.example.com', ['region']])
    expect(resolveHosts({ baseUrl: url, oauthBaseUrl: url, apiBaseUrl: url }).unused).toEqual(['baseUrl'])
  })

  it('that are whole addresses resolve to themselves again', () => {
    const url = fc.webUrl({ validSchemes: ['https'] })
    fc.assert(
      fc.property(url, url, (oauthBaseUrl, apiBaseUrl) => {
        const { oauth, api } = resolveHosts({ oauthBaseUrl, apiBaseUrl })
        const again = resolveHosts({ oauthBaseUrl: oauth, apiBaseUrl: api })
        expect([again.oauth, again.api]).toEqual([oauth, api])
        expect(`${oauth}${api}`).not.toMatch(/\/$/)
      }),
      { numRuns: 200 },
    )
  })
})

describe('the key-set', () => {
  it('may be anywhere safe, with a query', () => {
    const hosts = resolveHosts({ ...gateway, jwksUrl: 'https://keys.example.com/jwks?org=1' })
    expect(hosts.jwksUrl).toBe('https://keys.example.com/jwks?org=1')
    expect(hosts.from.jwksUrl).toBe('jwksUrl')
  })

  it('is refused over plain http, because the answer decides which tokens are valid', () => {
    expect(faultsOf({ ...gateway, jwksUrl: 'http://keys.example.com/jwks' }).jwksUrl).toContain('https://')
  })
})

describe('faults', () => {
  it('are reported together, under the names that the user wrote', () => {
    const names = {
      oauthBaseUrl: 'GENESYS_OAUTH_BASE_URL',
      apiBaseUrl: '--api-base-url',
      jwksUrl: 'jwksUrl',
      tokenPath: 'tokenPath',
      env: 'GENESYS_ENV',
    }
    const input = {
      oauthBaseUrl: 'http://gw.example.com',
      env: 'prod',
      jwksUrl: 'nowhere',
      tokenPath: 'token',
      userTokenPath: '/x?y',
    }
    const error = refusal(input, names)
    expect(error.code).toBe('config_invalid')
    expect(error.fields?.map((fault) => fault.field)).toEqual([
      'GENESYS_OAUTH_BASE_URL',
      'GENESYS_ENV',
      'jwksUrl',
      'tokenPath',
      'userTokenPath',
    ])
    expect(error.fields?.find((fault) => fault.field === 'GENESYS_ENV')?.remedy).toContain(
      'GENESYS_OAUTH_BASE_URL and --api-base-url',
    )
    expect(error.fields?.every((fault) => fault.remedy.length > 0)).toBe(true)
  })

  it('say what to set when nothing is', () => {
    for (const input of [{}, { region: '  ', env: '' }, { tokenPath: '/t' }])
      expect(faultsOf(input).region).toContain('mypurecloud.com')
  })
})

describe('the name mypurecloud of the tutorials', () => {
  it('is the region of us-east-1, not a shorter neighbour', () => {
    for (const env of ['mypurecloud', 'MyPureCloud'])
      expect(resolveHosts({ env }).api).toBe('https://api.mypurecloud.com')
    expect(faultsOf({ env: 'mypureclou' }).env).toContain('Did you mean mypurecloud.com (us-east-1)?')
  })
})

describe('endpoints', () => {
  it('stand beside the token endpoint where nothing is said', () => {
    const { endpoints, own } = resolveHosts(gateway)
    expect(endpoints).toEqual({
      clientToken: 'https://gw.example.com/oauth/oauth/token',
      userToken: 'https://gw.example.com/oauth/api/v2/oauth/token',
      authorize: 'https://gw.example.com/oauth/api/v2/oauth/authorize',
      device: 'https://gw.example.com/oauth/api/v2/oauth/device_authorization',
      revocation: 'https://gw.example.com/oauth/api/v2/oauth/revoke',
    })
    expect(own).toEqual([])
  })

  it('are each a path or an address in full', () => {
    const { endpoints, own } = resolveHosts({
      baseUrl: 'https://gw.example.com/x',
      tokenPath: 'https://token.example.com/t?tenant=1',
      authorizePath: '/auth',
      devicePath: 'http://127.0.0.1:9/device/auth',
      revocationPath: '/token/revocation',
    })
    expect(endpoints).toEqual({
      clientToken: 'https://token.example.com/t?tenant=1',
      userToken: 'https://token.example.com/t?tenant=1',
      authorize: 'https://gw.example.com/x/auth',
      device: 'http://127.0.0.1:9/device/auth',
      revocation: 'https://gw.example.com/x/token/revocation',
    })
    expect(own).toEqual(['clientToken', 'userToken', 'authorize', 'device', 'revocation'])
  })

  it('beside a token endpoint with a query have its path without the query', () => {
    const hosts = resolveHosts({ ...gateway, tokenPath: 'https://token.example.com/a/t?x=/y' })
    expect(hosts.endpoints.revocation).toBe('https://token.example.com/a/revoke')
  })

  it('that cannot be used are all named at once', () => {
    const input = {
      ...gateway,
      authorizePath: 'auth',
      devicePath: 'http://gw.example.com/d',
      revocationPath: 'https://hunter2@gw.example.com/r',
    }
    expect(Object.keys(faultsOf(input))).toEqual(['authorizePath', 'devicePath', 'revocationPath'])
    expect(JSON.stringify(faultsOf(input))).not.toContain('hunter2')
  })
})

describe('an issuer', () => {
  const issuer = 'https://id.example.com/tenant/'

  it('is where OAuth is, also beside a region, and says nothing of the API', () => {
    const alone = resolveHosts({ issuer })
    expect([alone.oauth, alone.api, alone.issuer]).toEqual(['https://id.example.com/tenant', undefined, issuer])
    const regional = resolveHosts({ issuer, region: 'mypurecloud.ie' })
    expect([regional.oauth, regional.api]).toEqual(['https://id.example.com/tenant', 'https://api.mypurecloud.ie'])
    expect(regional.platformLogin).toBe(false)
  })

  it('leaves one base URL to be both addresses, and an API address to be the API alone', () => {
    const both = resolveHosts({ issuer, oauthBaseUrl: 'https://gw.example.com' })
    expect([both.oauth, both.api]).toEqual(['https://gw.example.com', 'https://gw.example.com'])
    const api = resolveHosts({ issuer, apiBaseUrl: 'https://gw.example.com' })
    expect([api.oauth, api.api]).toEqual(['https://id.example.com/tenant', 'https://gw.example.com'])
  })

  it.each(['id.example.com', 'http://id.example.com', 'https://id.example.com/?x=y'])('is refused: %s', (text) => {
    expect(Object.keys(faultsOf({ issuer: text, region: 'mypurecloud.ie' }))).toEqual(['issuer'])
  })
})

describe('plain http', () => {
  it('is for loopback and for the hosts that are named as insecure, with a port or without', () => {
    const input = { baseUrl: 'http://gw.internal:8080', jwksUrl: 'http://keys.internal/jwks' }
    expect(Object.keys(faultsOf(input))).toEqual(['baseUrl', 'jwksUrl'])
    const insecureHosts = ['gw.internal:8080', 'keys.internal']
    expect(resolveHosts({ ...input, insecureHosts }).oauth).toBe('http://gw.internal:8080')
    expect(Object.keys(faultsOf({ ...input, insecureHosts: ['gw.internal:80', 'KEYS.internal'] }))).toEqual(['baseUrl'])
  })
})

describe('a host', () => {
  it.each(['localhost', 'LOCALHOST', '127.0.0.1', '127.8.9.1', '::1', '[::1]'])('is this machine: %s', (host) => {
    expect(isLoopback(host)).toBe(true)
  })

  it.each([
    '',
    '0.0.0.0',
    '::',
    '10.0.0.1',
    '127.0.0.1.example.com',
    'x.localhost.example',
    'my-localhost',
    '[::1',
    '127.1',
  ])('may be another machine: %j', (host) => {
    expect(isLoopback(host)).toBe(false)
  })
})
