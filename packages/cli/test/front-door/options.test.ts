import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest'
import { guestpass, GuestpassError, type GuestpassOptions, Secret } from '../../src/front-door/index.ts'

const RIGHT = {
  GENESYS_REGION: 'mypurecloud.ie',
  GENESYS_CLIENT_ID: 'client',
  GENESYS_CLIENT_SECRET: 'a-secret-of-old',
}

let cwd = ''
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'guestpass-options-'))
})
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

/** What guestpass() says of options that no type would let through. */
async function refusal(options: unknown, env: Readonly<Record<string, string>> = RIGHT): Promise<GuestpassError> {
  const isPlain = typeof options === 'object' && options !== null && Object.getPrototypeOf(options) === Object.prototype
  const all = isPlain ? { env, cwd, store: 'memory', ...options } : options
  const gp = await guestpass(all as GuestpassOptions).catch((thrown: unknown) => thrown)
  if (!(gp instanceof Error)) {
    await (gp as { close(): Promise<void> }).close()
    throw new Error('it was taken')
  }
  expect(gp).toBeInstanceOf(GuestpassError)
  expect(gp).toMatchObject({ code: 'config_invalid' })
  for (const { field, message, remedy } of (gp as GuestpassError).fields ?? []) {
    expect(gp.message).toContain(`${field}: ${message}. ${remedy}`)
    expect(remedy).toMatch(/^[A-Z]/)
  }
  return gp as GuestpassError
}

const fieldsOf = async (options: unknown, env?: Readonly<Record<string, string>>) =>
  ((await refusal(options, env)).fields ?? []).map(({ field }) => field)

const thrower = (): never => {
  throw new TypeError('a-secret')
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

describe('options that are wrong', () => {
  it.each([
    ['a secret that is a number', { clientSecret: 12345 }, 'clientSecret', /^is a number, not a text or a Secret$/],
    ['a secret that is empty', { clientSecret: ' ' }, 'clientSecret', /^is an empty text/],
    ['an id that is a Secret', { clientId: new Secret('client-abc') }, 'clientId', /^is a Secret, not a text$/],
    ['null', { clientId: null }, 'clientId', /^is null/],
    ['a region with a slip', { region: 'mypurecloud.i' }, 'region', /mypurecloud\.i.*given as an option/],
    ['an address that is none', { baseUrl: 'gateway' }, 'baseUrl', /given as an option/],
    ['a number as text', { rateLimit: '300' }, 'rateLimit', /^is a text, not a number$/],
    ['a number out of range', { rateLimit: 0 }, 'rateLimit', /not a whole number from 1/],
    ['a number that is none', { rateLimit: Number.NaN }, 'rateLimit', /^is a number/],
    ['yes for true', { gateway: 'yes' }, 'gateway', /not true or false$/],
    ['a list without members', { scopes: [] }, 'scopes', /^is a list, not a text or a list of texts$/],
    ['a list of numbers', { scopes: [1] }, 'scopes', /^is a list/],
    ['parameters as a query', { authorizeParams: 'prompt=consent' }, 'authorizeParams', /an object of texts$/],
    ['parameters that are reserved', { tokenParams: { scope: 'x' } }, 'tokenParams', /^sets scope/],
    ['a word that is unknown', { duplicates: 'merge' }, 'duplicates', /none of reject, reuse, replace/],
    ['a store that is a number', { store: 5 }, 'store', /^is a number/],
    ['a store that is empty', { store: '' }, 'store', /^is an empty text/],
    ['a store as SQLite names it', { store: ':memory:' }, 'store', /^is not a path$/],
    ['another database', { store: 'mysql://host/db' }, 'store', /neither the path of a file/],
    ['a CRM that is no address', { crm: 'crm.example' }, 'crm', /is not an https/],
    ['an audit that is a text', { audit: 'yes' }, 'audit', /^is a text, not a function$/],
    ['a log that is true', { log: true }, 'log', /^is true, not a function$/],
    ['webhooks as one address', { webhooks: 'https://example.com' }, 'webhooks', /^is a text, not an object$/],
    ['a webhook that is a number', { webhooks: { idm: 5 } }, 'webhooks.idm', /^is a number/],
    ['a webhook without an address', { webhooks: { idp: {} } }, 'webhooks.idp.url', /^is not set$/],
    ['a webhook in clear text', { webhooks: { idp: { url: 'x' } } }, 'webhooks.idp.url', /is not an https/],
    [
      'true as a text',
      { webhooks: { idp: { url: 'https://a.example', includeToken: 'yes' } } },
      'webhooks.idp.includeToken',
      /^is a text/,
    ],
    ['a webhook that is unknown', { webhooks: { ipd: 'https://a.example' } }, 'webhooks.ipd', /^is not an option$/],
    ['a signing secret that is short', { webhooks: { secret: 'whsec_x' } }, 'webhooks.secret', /./],
    ['a connection with blanks', { connection: 'my connection' }, 'connection', /does not name a connection/],
    ['a connection that is blank', { connection: '  ' }, 'connection', /^is an empty text/],
    ['a connection that is unknown', { connection: 'acme' }, 'connection', /^there is no connection "acme"$/],
    ['an environment that is null', { env: null }, 'env', /^is null/],
    ['an environment of numbers', { env: { PORT: 80 } }, 'env', /^is an object, not an object of texts$/],
    ['a folder that is empty', { cwd: '' }, 'cwd', /^is an empty text/],
    ['a folder that is not there', { cwd: '/nowhere/at/all' }, 'cwd', /there is no such folder/],
    ['an option that is unknown', { colour: 'blue' }, 'colour', /^is not an option$/],
  ])('are refused: %s', async (_case, options, field, message) => {
    const { fields = [] } = await refusal(options)
    expect(fields.filter((fault) => fault.field === field)).toMatchObject([{ message: expect.stringMatching(message) }])
  })

  it.each([null, 'memory', 5, true, [], new Secret('a-secret')])('are refused as a whole: %s', async (options) => {
    const { fields } = await refusal(options)
    expect(fields).toMatchObject([{ field: 'options', remedy: expect.stringContaining('mypurecloud.ie') }])
  })

  it.each([
    ['a getter', Object.defineProperty({}, 'clientId', { enumerable: true, get: () => thrower() })],
    [
      'a getter in the environment',
      { env: Object.defineProperty({}, 'A', { enumerable: true, get: () => thrower() }) },
    ],
    ['a Proxy', new Proxy({}, { ownKeys: () => thrower() })],
    ['a Proxy of whatever is asked', new Proxy({}, { get: () => thrower() })],
    ['a Proxy that was revoked', revoked()],
  ])('are refused where reading them throws, and what was thrown is not repeated: %s', async (_case, options) => {
    const error = await guestpass(options).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'config_invalid', fields: [{ field: 'options' }] })
    expect((error as GuestpassError).message).toMatch(/cannot be read: one of them throws\. Give/)
    expect((error as GuestpassError).message).not.toContain('a-secret')
  })

  it('are refused at once where a name is very long', async () => {
    const { fields = [] } = await refusal({ ['x'.repeat(5_000_000)]: 1 })
    expect(fields).toMatchObject([{ field: 'x'.repeat(60), message: 'is not an option' }])
  })

  it.each([
    ['clientID', 'clientId'],
    ['secret', undefined],
    ['GENESYS_CLIENT_ID', 'clientId'],
    ['databaseUrl', 'store'],
    ['database', undefined],
    ['crmBaseUrl', 'crm'],
    ['idpWebhookUrl', 'webhooks.idp'],
    ['webhook', 'webhooks'],
    ['baseURL', 'baseUrl'],
  ])('are named where another was meant: %s', async (name, meant) => {
    const { fields = [] } = await refusal({ [name]: 'x' })
    const [fault] = fields.filter(({ field }) => field === name)
    if (meant !== undefined) expect(fault?.remedy).toBe(`Did you mean ${meant}?`)
    else expect(fault?.remedy).toMatch(/Known are .*clientId/)
  })

  it('are reported all at once, together with what the environment has wrong', async () => {
    const wrong = { clientSecret: 5, store: 5, audit: 'yes', webhooks: { idm: 'x', foo: 1 }, gateway: null }
    const fields = await fieldsOf(wrong, { ...RIGHT, GENESYS_RATE_LIMIT: 'fast' })
    expect(fields.sort()).toEqual(
      ['GENESYS_RATE_LIMIT', 'audit', 'clientSecret', 'gateway', 'store', 'webhooks.foo', 'webhooks.idm'].sort(),
    )
  })

  it('never show what was given as a secret', async () => {
    const error = await refusal({
      clientId: new Secret('hidden-value-1'),
      webhooks: { secret: 'hidden-value-2' },
      scopes: 5,
    })
    expect(JSON.stringify(error.toProblem()) + error.stack).not.toContain('hidden-value')
  })
})

describe('options that are missing', () => {
  it('are named as options, and as variables where the connection has some', async () => {
    const { fields } = await refusal({}, {})
    expect(fields).toEqual([
      {
        field: 'region',
        message: expect.stringContaining('is not set'),
        remedy: expect.stringMatching(/baseUrl \(or oauthBaseUrl and apiBaseUrl\).*issuer/),
      },
      {
        field: 'clientId',
        message: 'is not set',
        remedy: "Set the option, or GENESYS_CLIENT_ID in the environment, to the OAuth client's id.",
      },
    ])
  })

  it('of another connection come from no variable', async () => {
    const { fields } = await refusal({ connection: 'acme', baseUrl: 'https://gateway.example' })
    expect(fields).toEqual([
      { field: 'clientId', message: 'is not set', remedy: "Set the option to the OAuth client's id." },
    ])
  })
})

describe('options that are right', () => {
  const taken = async (options: GuestpassOptions): Promise<void> => {
    const gp = await guestpass({ cwd, store: 'memory', log: () => {}, ...options })
    await gp.close()
  }

  it('need nothing of the environment', async () => {
    await taken({
      env: {},
      connection: 'acme',
      baseUrl: 'https://gateway.example',
      clientId: 'client',
      clientSecret: new Secret('a-secret'),
      scopes: ['guest:read', 'guest:write'],
      rateLimit: 100,
      gateway: false,
      authorizeParams: { prompt: 'consent', resource: ['a', 'b'] },
      tokenAlgorithms: ['RS256', 'ES256'],
      insecureHosts: 'gateway.internal:8080',
      webhooks: { idp: { url: 'https://idp.example', includeToken: true }, idm: 'https://idm.example' },
      crm: 'https://crm.example',
      audit: () => {},
    })
  })

  it('count as not given where they are undefined', async () => {
    const none = {
      clientId: undefined,
      region: undefined,
      webhooks: undefined,
      store: undefined,
      audit: undefined,
      log: undefined,
    }
    await taken({ env: RIGHT, ...none, store: 'memory' })
    const { fields } = await refusal({ clientId: undefined }, { GENESYS_REGION: 'mypurecloud.ie' })
    expect(fields).toMatchObject([{ field: 'clientId' }])
  })

  it('come before the environment, which comes before the file', async () => {
    const file = join(cwd, 'guestpass.config.json')
    writeFileSync(file, JSON.stringify({ region: 'nowhere', rateLimit: 'fast' }))
    try {
      await taken({ env: { ...RIGHT, GENESYS_RATE_LIMIT: 'fast' }, rateLimit: 5 })
      expect(await fieldsOf({ region: 'nowhere.else' })).toEqual(expect.arrayContaining(['region', 'rateLimit']))
    } finally {
      rmSync(file)
    }
  })

  it('say on the log what the configuration warns of', async () => {
    const lines: string[] = []
    await taken({ env: { ...RIGHT, GENESYS_CLIENTID: 'x' }, log: (line) => void lines.push(line) })
    expect(lines).toEqual([
      'warning: GENESYS_CLIENTID in the environment is no setting; did you mean GENESYS_CLIENT_ID?',
    ])
    await refusal({ rateLimit: 'fast', log: (line: string) => void lines.push(line) }, { ...RIGHT, GENESYS_SCOPS: 'x' })
    expect(lines.slice(1)).toEqual([
      'warning: GENESYS_SCOPS in the environment is no setting; did you mean GENESYS_SCOPES?',
    ])
  })
})

describe('the types of options', () => {
  it('are those of the settings', () => {
    type Of<K extends keyof GuestpassOptions> = Exclude<GuestpassOptions[K], undefined>
    expectTypeOf<Of<'rateLimit'>>().toEqualTypeOf<number>()
    expectTypeOf<Of<'gateway'>>().toEqualTypeOf<boolean>()
    expectTypeOf<Of<'clientSecret'>>().toEqualTypeOf<string | Secret>()
    expectTypeOf<Of<'encryptionKey'>>().toEqualTypeOf<string | Secret | readonly (string | Secret)[]>()
    expectTypeOf<Of<'scopes'>>().toEqualTypeOf<string | readonly string[]>()
    expectTypeOf<Of<'duplicates'>>().toEqualTypeOf<'reject' | 'reuse' | 'replace'>()
    expectTypeOf<Of<'tokenParams'>>().toEqualTypeOf<Readonly<Record<string, string | readonly string[]>>>()
    // @ts-expect-error -- keys are those of the service
    expectTypeOf<Of<'apiKeys'>>().toBeString()
    // @ts-expect-error -- it is `store`
    expectTypeOf<Of<'databaseUrl'>>().toBeString()
  })
})
