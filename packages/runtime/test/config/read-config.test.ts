import { inspect } from 'node:util'
import { GuestpassError, Secret } from '@guestpass/core'
import { describe, expect, it } from 'vitest'
import { type ConfigSources, readConfig, secretsOf } from '../../src/config/config.ts'
import type { Files } from '../../src/config/files.ts'

type Content = Readonly<Record<string, string | object>>

/** Files of a folder: texts, and for a module the object that it exports. */
const folder = (content: Content): Files => {
  const at = (path: string) => content[path.split(/[\\/]/).at(-1) ?? '']
  return {
    read: async (path) => {
      const found = at(path)
      return typeof found === 'object' ? 'a module' : found
    },
    load: async (path) => at(path),
  }
}

const read = (sources: Partial<ConfigSources> & { content?: Content }) =>
  readConfig({ env: {}, cwd: '/site', files: folder(sources.content ?? {}), ...sources })

async function refusal(sources: Partial<ConfigSources> & { content?: Content }): Promise<GuestpassError> {
  const thrown: unknown = await read(sources).then(
    () => undefined,
    (error: unknown) => error,
  )
  if (thrown instanceof GuestpassError) return thrown
  throw new Error('it was accepted', { cause: thrown })
}

const fieldsOf = async (sources: Partial<ConfigSources> & { content?: Content }): Promise<Record<string, string>> =>
  Object.fromEntries(
    ((await refusal(sources)).fields ?? []).map((fault) => [fault.field, `${fault.message} | ${fault.remedy}`]),
  )

const json = (content: object): Content => ({ 'guestpass.config.json': JSON.stringify(content) })

const KEY = Buffer.alloc(32, 1).toString('base64')

it('reads the address of PostgreSQL from a file, because it may have a password', async () => {
  const content = { database: 'postgres://user:hidden@host/db\n' }
  const env = { GUESTPASS_DATABASE_URL_FILE: 'secrets/database', GUESTPASS_ENCRYPTION_KEY: KEY }
  const { settings } = await read({ env, content })
  expect(settings.databaseUrl).toMatchObject({ kind: 'postgres', place: 'postgres://host/db' })
  expect(await fieldsOf({ env: { ...env, GUESTPASS_DATABASE_URL_FILE: 'none' }, content })).toEqual({
    GUESTPASS_DATABASE_URL_FILE: expect.stringContaining('does not exist'),
  })
})

describe('a secret in a file', () => {
  const content = { client: 'in-a-file\n', empty: ' \n' }

  it('is read where a variable names it, without the line feed at its end', async () => {
    const { settings, warnings } = await read({ env: { GENESYS_CLIENT_SECRET_FILE: 'secrets/client' }, content })
    expect([settings.clientSecret?.reveal(), warnings]).toEqual(['in-a-file', []])
    const dotenv = await read({ content: { ...content, '.env': 'GENESYS_OAUTH_CLIENT_SECRET_FILE=/run/client' } })
    expect(dotenv.settings.clientSecret?.reveal()).toBe('in-a-file')
  })

  it('is refused where it is empty, not there, or beside the variable itself, under each of its names', async () => {
    const env = { GENESYS_CLIENT_SECRET_FILE: 'empty', GENESYS_REFRESH_TOKEN_FILE: 'none' }
    expect(await fieldsOf({ env, content })).toMatchObject({
      GENESYS_CLIENT_SECRET_FILE: expect.stringContaining('empty'),
      GENESYS_REFRESH_TOKEN_FILE: expect.stringContaining('does not exist'),
    })
    for (const name of ['GENESYS_CLIENT_SECRET', 'GENESYS_OAUTH_CLIENT_SECRET'])
      expect(await fieldsOf({ env: { GENESYS_CLIENT_SECRET_FILE: 'client', [name]: 'k' }, content })).toEqual({
        GENESYS_CLIENT_SECRET_FILE: expect.stringContaining(`differs from ${name}, `),
      })
  })

  it('is not looked at where another source, which comes first, has the secret', async () => {
    const env = { GENESYS_CLIENT_SECRET: 'here' }
    const { settings } = await read({ env, content: { '.env': 'GENESYS_CLIENT_SECRET_FILE=none' } })
    expect(settings.clientSecret?.reveal()).toBe('here')
  })

  it('is named as it was written, also in the fault of what the file holds, which is not repeated', async () => {
    const env = { GENESYS_PRIVATE_KEY_FILE: 'client', GENESYS_CLIENT_SECRET_FILE: 'client' }
    const fields = await fieldsOf({ env, content })
    expect(Object.keys(fields)).toEqual(['GENESYS_PRIVATE_KEY_FILE'])
    expect(JSON.stringify(fields)).not.toContain('in-a-file')
    const { origins } = await read({ env: { GENESYS_CLIENT_SECRET_FILE: 'client' }, content })
    expect(origins.clientSecret).toEqual({ origin: 'environment', name: 'GENESYS_CLIENT_SECRET_FILE' })
  })

  it('is one fault where it is needed and cannot be read', async () => {
    const env = { GENESYS_CLIENT_SECRET_FILE: 'none' }
    expect(Object.keys(await fieldsOf({ env, content, needs: ['clientSecret'] }))).toEqual(Object.keys(env))
  })

  it('is for secrets, and for the connection that the variable is of', async () => {
    const { warnings } = await read({ env: { GENESYS_REGION_FILE: 'client' }, content })
    expect(warnings).toEqual([expect.stringContaining('GENESYS_REGION_FILE')])
    const acme = { connections: { acme: { clientId: 'a' } } }
    const env = { GENESYS_CLIENT_SECRET_FILE: 'none' }
    const { settings } = await read({ env, connection: 'acme', content: { ...content, ...json(acme) } })
    expect(settings.clientSecret).toBeUndefined()
  })
})

describe('precedence', () => {
  const all = {
    flags: { clientId: 'from-flag' },
    env: { GENESYS_CLIENT_ID: 'from-env' },
    content: { ...json({ clientId: 'from-file' }), '.env': 'GENESYS_CLIENT_ID=from-dotenv' },
  }

  it('goes from flags over the environment and the file to .env, and each value says where it is from', async () => {
    const seen = []
    const { flags, env, content } = all
    const layers = [{ flags, env, content }, { env, content }, { content }, { content: { '.env': content['.env'] } }]
    for (const layer of layers) {
      const { settings, origins } = await read(layer)
      seen.push([settings.clientId, origins.clientId?.origin, origins.clientId?.name])
    }
    expect(seen).toEqual([
      ['from-flag', 'flag', '--client-id'],
      ['from-env', 'environment', 'GENESYS_CLIENT_ID'],
      ['from-file', 'guestpass.config.json', 'clientId'],
      ['from-dotenv', '.env', 'GENESYS_CLIENT_ID'],
    ])
  })

  it('prefers a higher source also where it uses an alias', async () => {
    const { settings } = await read({
      env: { GENESYS_OAUTH_CLIENT_ID: 'from-env' },
      content: { '.env': 'GENESYS_CLIENT_ID=x' },
    })
    expect(settings.clientId).toBe('from-env')
  })

  it('passes over empty values in every source', async () => {
    const { settings } = await read({
      flags: { clientId: '' },
      env: { GENESYS_CLIENT_ID: '  ', GENESYS_RATE_LIMIT: '' },
      content: {
        ...json({ clientId: '', GENESYS_CLIENT_ID: null }),
        '.env': 'GENESYS_CLIENT_ID=last\nGENESYS_SCOPES=',
      },
    })
    expect(settings.clientId).toBe('last')
    expect(settings.rateLimit).toBe(300)
    expect(settings.scopes).toBeUndefined()
  })

  it('ends with the defaults', async () => {
    const { settings, origins, hosts, warnings } = await read({})
    expect(settings).toEqual({
      gateway: false,
      idpWebhookIncludeToken: false,
      clientAuth: 'auto',
      basicEncoding: 'raw',
      accessTokenFormat: 'auto',
      rateLimit: 300,
      preflight: 'before',
      refreshProfile: 'strict',
      refreshGraceSeconds: 30,
      duplicates: 'reject',
      engagementTokenFormat: 'jwt',
      externalUserTokenFormat: 'jwt',
      retentionDays: 400,
      endedGuestDays: 30,
      apiKeyQuota: 0,
      drainSeconds: 1,
      databaseUrl: { kind: 'file', path: './.guestpass/guestpass.db', place: './.guestpass/guestpass.db' },
    })
    expect(origins.rateLimit).toEqual({ origin: 'default', name: 'GENESYS_RATE_LIMIT' })
    expect(hosts).toBeUndefined()
    expect(warnings).toEqual([])
  })
})

describe('aliases', () => {
  it('stand for the client id and secret', async () => {
    const { settings, origins } = await read({
      env: { GENESYS_OAUTH_CLIENT_ID: 'id', GENESYS_OAUTH_CLIENT_SECRET: 'secret' },
    })
    expect(settings.clientId).toBe('id')
    expect(settings.clientSecret?.reveal()).toBe('secret')
    expect(origins.clientId?.name).toBe('GENESYS_OAUTH_CLIENT_ID')
  })

  it('may agree, and are refused when they differ, without showing what they hold', async () => {
    const same = { GENESYS_CLIENT_ID: 'one', GENESYS_OAUTH_CLIENT_ID: 'one' }
    expect((await read({ env: same })).settings.clientId).toBe('one')
    const differ = { GENESYS_CLIENT_SECRET: 'hunter2-a', GENESYS_OAUTH_CLIENT_SECRET: 'hunter2-b' }
    const faults = await fieldsOf({ env: differ })
    expect(faults.GENESYS_CLIENT_SECRET).toContain('differs from GENESYS_OAUTH_CLIENT_SECRET')
    expect(JSON.stringify(faults)).not.toContain('hunter2')
  })
})

describe('the configuration file', () => {
  it('takes keys in camel case or as variables, and lists, numbers and truth values', async () => {
    const content = json({ GENESYS_REGION: 'eu_west_1', scopes: ['a:b', 'c:d'], rateLimit: 60, gateway: true })
    const { settings, hosts } = await read({ content })
    expect(settings).toMatchObject({ scopes: ['a:b', 'c:d'], rateLimit: 60, gateway: true })
    expect(hosts?.api).toBe('https://api.mypurecloud.ie')
  })

  it('may be a module', async () => {
    const { settings, origins } = await read({ content: { 'guestpass.config.ts': { clientId: 'from-module' } } })
    expect([settings.clientId, origins.clientId?.origin]).toEqual(['from-module', 'guestpass.config.ts'])
  })

  it('is refused beside its twin', async () => {
    const faults = await fieldsOf({ content: { ...json({}), 'guestpass.config.ts': {} } })
    expect(faults['guestpass.config.json']).toContain('Keep one')
  })

  it('that is not JSON is refused with the place and without its text', async () => {
    const faults = await fieldsOf({ content: { 'guestpass.config.json': '{\n  "clientSecret": hunter2\n}' } })
    expect(faults['guestpass.config.json']).toContain('line 2, column 19')
    expect(JSON.stringify(faults)).not.toContain('hunter2')
  })

  it('is refused when it holds something else than settings', async () => {
    expect(await fieldsOf({ content: json([]) })).toHaveProperty(['guestpass.config.json'])
    for (const text of [
      '{"region":"mypurecloud.ie","region":"mypurecloud.de"}',
      `{"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}`,
    ])
      expect((await fieldsOf({ content: { 'guestpass.config.json': text } }))['guestpass.config.json']).toContain(
        'twice',
      )
    expect(await fieldsOf({ content: json({ connections: [] }) })).toHaveProperty('connections')
    expect(await fieldsOf({ content: json({ connections: { acme: 'x' } }) })).toHaveProperty('connections')
    expect(await fieldsOf({ content: json({ connections: { 'a b': {} } }) })).toHaveProperty(['connections.a b'])
    expect((await fieldsOf({ content: json({ region: { a: 1 } }) })).region).toContain('neither text')
  })

  it('that throws or cannot be read is named', async () => {
    const load = async (): Promise<unknown> => {
      throw new TypeError('hunter2')
    }
    const readFile = async (path: string) => (path.endsWith('.ts') ? 'text' : undefined)
    const thrown = await fieldsOf({ files: { read: readFile, load } })
    expect(thrown['guestpass.config.ts']).toContain('threw TypeError')
    expect(JSON.stringify(thrown)).not.toContain('hunter2')
    const refused = async (): Promise<string> => {
      throw Object.assign(new Error('no'), { code: 'EACCES' })
    }
    const faults = await fieldsOf({ files: { read: refused, load } })
    expect(Object.keys(faults)).toEqual(['guestpass.config.json', '.env'])
    expect(faults['.env']).toContain('EACCES')
  })
})

describe('connections', () => {
  const content = {
    ...json({
      region: 'mypurecloud.ie',
      tokenIssuer: 'for default alone',
      databaseUrl: 'all.db',
      connections: { acme: { region: 'mypurecloud.de', clientId: 'acme-id' }, default: { clientId: 'own-id' } },
    }),
    '.env': 'GENESYS_CLIENT_ID=dotenv-id\nGUESTPASS_AUDIT_FILE=audit.log',
  }
  const env = { GENESYS_CLIENT_SECRET: 'for default alone', GENESYS_RATE_LIMIT: '7' }

  it('are walled off: another takes nothing from the environment, .env or the top of the file', async () => {
    const { settings, hosts, origins, connections } = await read({ env, content, connection: 'acme' })
    expect(settings.clientSecret).toBeUndefined()
    expect(settings.tokenIssuer).toBeUndefined()
    expect(settings.rateLimit).toBe(300)
    expect(settings.clientId).toBe('acme-id')
    expect(origins.clientId?.name).toBe('connections.acme.clientId')
    expect(hosts?.api).toBe('https://api.mypurecloud.de')
    expect(connections).toEqual(['default', 'acme'])
  })

  it("share what is the program's", async () => {
    const { settings } = await read({ env, content, connection: 'acme' })
    expect(settings.databaseUrl.place).toBe('all.db')
    expect(settings.auditFile).toBe('audit.log')
  })

  it('take flags, which are meant for the one that is named', async () => {
    const { settings } = await read({ env, content, connection: 'acme', flags: { clientId: 'flag-id' } })
    expect(settings.clientId).toBe('flag-id')
  })

  it('default to the one that the environment and the top of the file are for', async () => {
    const { settings, hosts } = await read({ env, content })
    expect(settings.clientSecret?.reveal()).toBe('for default alone')
    expect(settings.clientId).toBe('own-id')
    expect(settings.tokenIssuer).toBe('for default alone')
    expect(settings.rateLimit).toBe(7)
    expect(hosts?.api).toBe('https://api.mypurecloud.ie')
  })

  it('that are unknown are refused, with the known ones and the nearest', async () => {
    const fault = (await fieldsOf({ content, connection: 'acmee' }))['--connection']
    expect(fault).toContain('Did you mean acme?')
    expect(fault).toContain('Known: default, acme')
    expect(await fieldsOf({ content, connection: 'toString' })).toHaveProperty('--connection')
  })

  it('are reported with the place where to write them', async () => {
    const faults = await fieldsOf({
      content: json({ connections: { bare: {} } }),
      env,
      connection: 'bare',
      needs: ['clientId', 'hosts'],
    })
    expect(Object.keys(faults).sort()).toEqual(['connections.bare.clientId', 'connections.bare.region'])
    expect(faults['connections.bare.clientId']).toContain('guestpass.config.json')
  })
})

describe('needs', () => {
  it('are faults when they are not met, together with all other mistakes', async () => {
    const error = await refusal({
      env: { GENESYS_RATE_LIMIT: 'many', GENESYS_CLIENT_AUTH: 'digest' },
      needs: ['hosts', 'clientId', 'databaseUrl'],
    })
    expect(error.code).toBe('config_invalid')
    expect(error.message).toContain('4 mistakes')
    expect(error.fields?.map((fault) => fault.field).sort()).toEqual([
      'GENESYS_CLIENT_AUTH',
      'GENESYS_CLIENT_ID',
      'GENESYS_RATE_LIMIT',
      'GENESYS_REGION',
    ])
    expect(error.fields?.every((fault) => fault.remedy.length > 0)).toBe(true)
  })

  it('are typed as present when they are met', async () => {
    const { settings, hosts } = await read({
      env: { GENESYS_CLIENT_ID: 'x', GENESYS_ENV: 'us-west-2' },
      needs: ['hosts', 'clientId'],
    })
    const seen: readonly string[] = [settings.clientId, hosts.oauth]
    expect(seen).toEqual(['x', 'https://login.usw2.pure.cloud'])
  })
})

describe('mistakes', () => {
  it('name what the user wrote, and where', async () => {
    const faults = await fieldsOf({
      flags: { rateLimit: '0' },
      env: { GENESYS_CLIENT_AUTH: 'digest' },
      content: { ...json({ gateway: 'perhaps' }), '.env': 'GENESYS_ENV=prod' },
    })
    expect(faults['--rate-limit']).toContain('(given as a flag)')
    expect(faults.GENESYS_CLIENT_AUTH).toContain('(in the environment)')
    expect(faults.gateway).toContain('(in guestpass.config.json)')
    expect(faults.GENESYS_ENV).toContain('(in .env)')
    expect(faults.GENESYS_ENV).toContain('mypurecloud.com.au')
  })

  it('about one address are reported once', async () => {
    const env = { GENESYS_REGION: 'mypurecloud.ie', GENESYS_JWKS_URL: 'http://keys.example.com' }
    expect((await refusal({ env })).fields).toHaveLength(1)
  })

  it('of a setting that is missing show the name that it was misspelt as', async () => {
    const env = { GENESYS_CLIENT_IDD: 'x', GENESYS_SCOPS: 'x' }
    const faults = await fieldsOf({ env, needs: ['clientId'] })
    expect(faults.GENESYS_CLIENT_ID).toContain('GENESYS_CLIENT_IDD in the environment is no setting. Did you mean ')
    expect(faults.GENESYS_CLIENT_ID).not.toContain('GENESYS_SCOPS')
  })

  it('of a client that is to authenticate without a secret are found', async () => {
    expect((await fieldsOf({ env: { GENESYS_CLIENT_AUTH: 'basic' } })).GENESYS_CLIENT_AUTH).toContain(
      'no client secret',
    )
    await expect(read({ env: { GENESYS_CLIENT_AUTH: 'none' } })).resolves.toBeDefined()
  })
})

describe('warnings', () => {
  const warningsOf = async (sources: Partial<ConfigSources> & { content?: Content }) =>
    (await read(sources)).warnings.join('\n')

  it('tell of unknown names with the nearest known one', async () => {
    const warnings = await warningsOf({
      env: { GENESYS_CLEINT_ID: 'x', GUESTPASS_XYZZY: 'x', GUESTPASS_DEBUG: '1', PATH: '/bin', CRM_BASE: 'x' },
      content: { ...json({ regoin: 'x', connections: { default: { cleintId: 'x' } } }), '.env': 'GENESYS_REGIN=x' },
    })
    expect(warnings.split('\n')).toEqual([
      'GENESYS_CLEINT_ID in the environment is no setting; did you mean GENESYS_CLIENT_ID?',
      'GUESTPASS_XYZZY in the environment is no setting; it is ignored',
      'connections.default.cleintId in guestpass.config.json is no setting; did you mean clientId?',
      'regoin in guestpass.config.json is no setting; did you mean region?',
      'GENESYS_REGIN in .env is no setting; did you mean GENESYS_REGION?',
    ])
  })

  it('are given before mistakes, too, except those that a mistake names', async () => {
    const warnings: string[] = []
    const sources = {
      env: { GENESYS_CLIENT_IDD: 'x', GENESYS_SCOPS: 'x' },
      content: { '.env': 'not a setting' },
      needs: ['clientId'] as const,
      warn: (one: string) => void warnings.push(one),
    }
    await refusal(sources)
    expect(warnings).toEqual([
      'GENESYS_SCOPS in the environment is no setting; did you mean GENESYS_SCOPES?',
      'line 1 of .env is not NAME=value, and is ignored',
    ])
    const { warnings: ofValid } = await read({ ...sources, needs: [] })
    expect([warnings.length, ofValid]).toEqual([2, expect.arrayContaining(warnings)])
  })

  it('name lines of .env that set nothing, and show none', async () => {
    expect(await warningsOf({ content: { '.env': 'hunter2\nGENESYS_REGION=mypurecloud.ie\n: x' } })).toBe(
      'lines 1, 3 of .env are not NAME=value, and are ignored',
    )
  })

  it('tell of settings of the program inside a connection', async () => {
    expect(await warningsOf({ content: json({ connections: { default: { databaseUrl: 'x' } } }) })).toContain(
      'write it at the top',
    )
  })

  it('tell when a region is overruled by base URLs from further down', async () => {
    const content = { '.env': 'GENESYS_OAUTH_BASE_URL=http://127.0.0.1:1\nGENESYS_API_BASE_URL=http://127.0.0.1:1' }
    expect(await warningsOf({ flags: { region: 'mypurecloud.ie' }, content })).toContain(
      '--region (given as a flag) is not used',
    )
    expect(
      await warningsOf({
        env: { GENESYS_OAUTH_BASE_URL: 'http://[::1]', GENESYS_API_BASE_URL: 'http://[::1]' },
        content: { '.env': 'GENESYS_ENV=dev' },
      }),
    ).toBe('')
  })

  it('tell of personal data that would travel in clear', async () => {
    expect(await warningsOf({ env: { CRM_BASE_URL: 'http://crm.internal' } })).toContain('CRM_BASE_URL is plain http')
    expect(
      await warningsOf({ env: { CRM_BASE_URL: 'http://127.0.0.1:9', IDP_WEBHOOK_URL: 'https://idp.example' } }),
    ).toBe('')
  })
})

describe('secrets', () => {
  const key = Buffer.alloc(32, 7).toString('base64')
  const env = {
    GENESYS_CLIENT_SECRET: 'client-hunter2',
    GENESYS_REFRESH_TOKEN: 'refresh-hunter2',
    WEBHOOK_SECRET: `whsec_${key}`,
    GUESTPASS_ENCRYPTION_KEY: key,
    GUESTPASS_API_KEYS: 'operator:api-hunter2',
    GUESTPASS_DATABASE_URL: 'postgres://u:db-hunter2@db/x',
  }

  it('are opaque at once, whatever prints the configuration', async () => {
    const config = await read({ env })
    const printed = inspect(config, { depth: 9, showHidden: true }) + JSON.stringify(config)
    for (const secret of ['hunter2', key]) expect(printed).not.toContain(secret)
    expect(config.settings.clientSecret).toBeInstanceOf(Secret)
  })

  it('are all known, so that they can be kept out of what is printed', async () => {
    const revealed = secretsOf(await read({ env })).map((secret) => secret.reveal())
    expect(revealed.sort()).toEqual(
      [key, 'api-hunter2', 'client-hunter2', 'postgres://u:db-hunter2@db/x', 'refresh-hunter2', `whsec_${key}`].sort(),
    )
  })
})

describe('a variable that should name a proxy', () => {
  it.each([
    ['HTTPS_PROXY', 'ftp://proxy.corp:1'],
    ['http_proxy', 'http://proxy.corp/path'],
  ])('%s=%s is a mistake under its own name, beside the others', async (name, value) => {
    const fields = await fieldsOf({ env: { [name]: value, GENESYS_RATE_LIMIT: 'many' } })
    expect(Object.keys(fields).toSorted()).toEqual([name, 'GENESYS_RATE_LIMIT'].toSorted())
    expect(fields[name]).toMatch(/is not the address of an HTTP proxy.*Give host:port/)
  })

  it('may leave out the scheme', async () => {
    await expect(read({ env: { HTTPS_PROXY: 'proxy.corp:3128' } })).resolves.toBeDefined()
  })
})

describe('the patience of a command', () => {
  it('is given in the environment or by --patience, in whole seconds', async () => {
    const { settings } = await read({ env: { GUESTPASS_PATIENCE_SECONDS: '90' } })
    expect(settings.patienceSeconds).toBe(90)
    const { settings: flagged, origins } = await read({ flags: { patienceSeconds: '5' } })
    expect([flagged.patienceSeconds, origins.patienceSeconds?.name]).toEqual([5, '--patience'])
    expect(await fieldsOf({ flags: { patienceSeconds: '0' } })).toHaveProperty('--patience')
  })
})

describe('an OpenID provider', () => {
  const env = { GENESYS_CLIENT_ID: 'x', GENESYS_ISSUER: 'https://id.example.com/' }

  it('is named by its issuer alone, and by addresses of its endpoints', async () => {
    const { hosts } = await read({ env: { ...env, GENESYS_AUTHORIZE_PATH: '/auth' }, needs: ['hosts', 'clientId'] })
    expect([hosts.issuer, hosts.oauth, hosts.api]).toEqual([env.GENESYS_ISSUER, 'https://id.example.com', undefined])
    expect([hosts.endpoints.authorize, hosts.own]).toEqual(['https://id.example.com/auth', ['authorize']])
  })

  it('with mistakes has them all named at once', async () => {
    const fields = await fieldsOf({
      env: {
        ...env,
        GENESYS_DEVICE_PATH: 'device',
        GENESYS_TOKEN_PARAMS: 'client_id=x',
        GENESYS_PRIVATE_KEY: 'none',
        GUESTPASS_INSECURE_HOSTS: 'http://gw',
      },
    })
    expect(Object.keys(fields).sort()).toEqual([
      'GENESYS_DEVICE_PATH',
      'GENESYS_PRIVATE_KEY',
      'GENESYS_TOKEN_PARAMS',
      'GUESTPASS_INSECURE_HOSTS',
    ])
  })

  it('that asks for assertions needs the private key', async () => {
    const fields = await fieldsOf({ env: { ...env, GENESYS_CLIENT_AUTH: 'private_key_jwt' } })
    expect(fields['GENESYS_CLIENT_AUTH']).toContain('GENESYS_PRIVATE_KEY')
  })

  it('over plain http is taken where its host is named, and warned of at every start', async () => {
    const insecure = { GENESYS_BASE_URL: 'http://gw.internal', GUESTPASS_INSECURE_HOSTS: 'GW.internal' }
    const { hosts, warnings } = await read({ env: { ...insecure, CRM_BASE_URL: 'http://gw.internal:81/crm' } })
    expect(hosts?.api).toBe('http://gw.internal')
    // One warning for the host, and not one for each address there.
    expect(warnings).toEqual([expect.stringContaining('GUESTPASS_INSECURE_HOSTS names gw.internal')])
    const { GENESYS_BASE_URL } = await fieldsOf({ env: { GENESYS_BASE_URL: 'http://gw.internal' } })
    expect(GENESYS_BASE_URL).toContain('plain http')
  })
})
