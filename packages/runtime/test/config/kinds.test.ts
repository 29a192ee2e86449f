import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as kinds from '../../src/config/kinds.ts'

const accepts = (kind: { safeParse(text: string): { success: boolean } }, text: string): boolean =>
  kind.safeParse(text).success

describe('a public key', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString().trim()

  it('may hold \\n for the ends of its lines', () => {
    expect(kinds.publicKey.parse(pem.replaceAll('\n', '\\n'))).toBe(pem)
    expect(kinds.publicKey.parse(pem)).toBe(pem)
  })

  it('is no private key, no file name and no damaged text', () => {
    const secret = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    expect(kinds.publicKey.safeParse(secret).error?.message).toContain('is a private key')
    expect(kinds.publicKey.safeParse(secret).error?.issues).toMatchObject([
      { params: { remedy: expect.stringContaining('`openssl pkey -in FILE -pubout`') } },
    ])
    for (const text of ['./key.pem', pem.slice(0, 60), pem.replace('M', 'N')])
      expect(accepts(kinds.publicKey, text)).toBe(false)
  })
})

describe('public keys', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey
  const other = generateKeyPairSync('ed25519').publicKey
  const spki = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString()

  it.each([
    ['PKCS #1', rsa.export({ type: 'pkcs1', format: 'pem' }).toString()],
    ['several blocks', spki(rsa) + spki(other)],
    ['several blocks on one line', (spki(rsa) + spki(other)).replaceAll('\n', '\\n')],
    ['a byte order mark', `\uFEFF${spki(rsa)}`],
  ])('may be of %s', (_what, text) => {
    expect(accepts(kinds.publicKey, text)).toBe(true)
  })

  it.each([
    ['too short', spki(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey), '2048 bits'],
    ['of another curve', spki(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey), 'P-256'],
    ['beside one that is damaged', `${spki(rsa)}${spki(rsa).slice(0, 90)}`, 'damaged'],
  ])('are refused when they could not be used: %s', (_what, text, why) => {
    expect(kinds.publicKey.safeParse(text).error?.message).toContain(why)
  })
})

describe('keys and secrets', () => {
  const key = (size: number, fill = 1) => Buffer.alloc(size, fill).toString('base64')

  it('for encryption are base64 of 32 bytes, one or several', () => {
    expect(kinds.encryptionKeys.parse(`${key(32)}, ${key(32, 2)}`).map((one) => one.reveal())).toEqual([
      key(32),
      key(32, 2),
    ])
    for (const text of [key(16), key(33), key(32).slice(0, -1), `${key(32)},x`, 'x'.repeat(44), ',']) {
      expect(accepts(kinds.encryptionKeys, text)).toBe(false)
    }
  })

  it('for webhooks begin with whsec_ and hold 24 to 64 bytes', () => {
    for (const size of [24, 32, 64]) expect(accepts(kinds.webhookSecrets, `whsec_${key(size)}`)).toBe(true)
    for (const text of [`whsec_${key(23)}`, `whsec_${key(65)}`, key(32), 'whsec_', 'whsec_!'])
      expect(accepts(kinds.webhookSecrets, text)).toBe(false)
  })

  it('for the service say a role, and may say a connection and a group', () => {
    const parsed = kinds.apiKeys.parse('operator:k1, issuer:acme:k2,issuer:acme:web:k3')
    expect(parsed.map((one) => ({ ...one, key: one.key.reveal() }))).toEqual([
      { role: 'operator', connection: 'default', key: 'k1' },
      { role: 'issuer', connection: 'acme', key: 'k2' },
      { role: 'issuer', connection: 'acme', group: 'web', key: 'k3' },
    ])
    for (const text of ['k1', 'admin:k1', 'issuer:', 'issuer::k', 'issuer:a:b:c:d', 'issuer:a key', 'issuer:ключ'])
      expect(accepts(kinds.apiKeys, text)).toBe(false)
  })

  it('are never repeated when they are refused', () => {
    const secretKinds = [
      kinds.encryptionKeys,
      kinds.webhookSecrets,
      kinds.apiKeys,
      kinds.address,
      kinds.safeAddress,
      kinds.database,
      kinds.publicKey,
    ]
    for (const kind of secretKinds) {
      const { error } = kind.safeParse('ftp://hunter2:hunter2')
      expect(error?.message).toBeDefined()
      expect(error?.message).not.toContain('hunter2')
    }
  })
})

describe('addresses', () => {
  it('are web addresses without credentials or fragment', () => {
    for (const text of ['https://crm.example/x?k=1', 'http://crm.internal:8080'])
      expect(accepts(kinds.address, text)).toBe(true)
    for (const text of [
      'crm.example',
      'ftp://crm.example',
      'https://u@crm.example',
      'https://crm.example/#x',
      'https://',
      'javascript:x',
    ]) {
      expect(accepts(kinds.address, text)).toBe(false)
    }
  })

  it('that decide what is trusted are https, or http on loopback', () => {
    for (const text of ['https://x.example', 'http://127.0.0.1:1/cb', 'http://[::1]/', 'http://localhost:3'])
      expect(accepts(kinds.safeAddress, text)).toBe(true)
    for (const text of ['http://x.example', 'http://127.0.0.1.x.example', 'http://10.0.0.1'])
      expect(accepts(kinds.safeAddress, text)).toBe(false)
  })
})

describe('a database', () => {
  it('is the path of a file or an address of PostgreSQL', () => {
    expect(kinds.database.parse('./a/b.db')).toEqual({ kind: 'file', path: './a/b.db', place: './a/b.db' })
    expect(kinds.database.parse('C:\\guests.db')).toMatchObject({ kind: 'file' })
    expect(kinds.database.parse('postgresql://u:p@db:5433/guests?sslmode=require')).toMatchObject({
      kind: 'postgres',
      place: 'postgres://db:5433/guests',
    })
    expect(accepts(kinds.database, 'postgres://ann:sec,ret@db/guests')).toBe(true)
    for (const text of ['mysql://db/x', 'postgres:', 'postgres://']) expect(accepts(kinds.database, text)).toBe(false)
  })

  it('take no address whose password would be read as another part, and show none of it', () => {
    for (const [text, fault] of [
      ['postgres://ann:p@ss/w?rd#1@db/guests', /encoded, as %40 for @/],
      ['postgres://ann:secret@db-a,db-b/guests', /several hosts: give one name that follows the primary/],
      ['postgres://ann:secret@db-a:5432,db-b:5433/guests', /several hosts/],
      ['postgres://ann:12/34@db/guests', /encoded, as %40 for @/],
      ['postgres://ann:12?34@db/guests', /encoded, as %40 for @/],
      ['postgres://ann:secret#@db/guests', /encoded, as %40 for @/],
      ['postgres:/ann:secret@db/guests', /encoded, as %40 for @/],
      ['psql://ann:secret@db/guests', /nor an address as postgres:\/\/user:password@host:5432\/database/],
      ['host=db user=ann password=secret dbname=guests', /is a list of keywords: write them as an address/],
      ['10.0.0.7:5432/guests', /is a host without postgres:\/\/ before it/],
      ['db.example.com:5432/guests', /is a host without postgres:\/\/ before it/],
    ] as const) {
      const [issue] = kinds.database.safeParse(text).error?.issues ?? []
      expect([text, issue?.message]).toEqual([text, expect.stringMatching(fault)])
      expect(issue?.message).not.toMatch(/secret|p@ss|12|34/)
    }
    const encoded = 'postgres://ann%40corp:p%40ss%2Fw%3Frd%231@db/guests?application_name=a@b'
    expect(kinds.database.parse(encoded)).toMatchObject({ place: 'postgres://db/guests' })
    expect(kinds.database.parse('./10.0.0.7:5432')).toMatchObject({ kind: 'file' })
  })
})

describe('words and numbers', () => {
  it('take whole numbers within bounds and nothing that only looks like one', () => {
    const port = kinds.whole(0, 65_535)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 65_535 }), (n) => port.parse(String(n)) === n),
      { numRuns: 200 },
    )
    for (const text of ['65536', '-1', '1.5', '1e3', '0x10', '', ' 1', 'NaN', 'Infinity', '9'.repeat(400)])
      expect(accepts(port, text)).toBe(false)
  })

  it('take truth in the usual words', () => {
    expect(['true', '1', 'YES', 'on'].map((text) => kinds.yesNo.parse(text))).toEqual([true, true, true, true])
    expect(['false', '0', 'No', 'off'].map((text) => kinds.yesNo.parse(text))).toEqual([false, false, false, false])
    expect(accepts(kinds.yesNo, 'perhaps')).toBe(false)
  })

  it('take lists of scopes and algorithms', () => {
    expect(kinds.scopes.parse('a:b  c:d,e')).toEqual(['a:b', 'c:d', 'e'])
    expect(accepts(kinds.scopes, 'a "b"')).toBe(false)
    expect(kinds.algorithms.parse('rs256, ES256')).toEqual(['RS256', 'ES256'])
    expect(kinds.algorithms.parse('PS256 eddsa,Ed25519')).toEqual(['PS256', 'EdDSA', 'EdDSA'])
    for (const text of ['none', 'HS256', 'RS256,HS256']) expect(accepts(kinds.algorithms, text)).toBe(false)
  })

  it('take a UUID of any version', () => {
    expect(kinds.uuid.parse('6F2C1B1E-0000-1000-8000-00805F9B34FB')).toBe('6f2c1b1e-0000-1000-8000-00805f9b34fb')
    expect(accepts(kinds.uuid, '6f2c1b1e')).toBe(false)
  })
})

describe('the private key of a client', () => {
  const pemOf = (type: 'pkcs8' | 'sec1', namedCurve = 'P-256') =>
    generateKeyPairSync('ec', { namedCurve }).privateKey.export({ type, format: 'pem' }).toString()

  it('is PKCS #8 of a kind that can sign, its lines ended in either way', () => {
    const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048, hashAlgorithm: 'sha256' }).privateKey
    const pssPem = pss.export({ type: 'pkcs8', format: 'pem' }).toString()
    for (const pem of [pemOf('pkcs8'), pemOf('pkcs8').replaceAll('\n', '\\n'), pssPem])
      expect(kinds.privateKey.parse(pem).reveal()).toMatch(/^-----BEGIN PRIVATE KEY-----\n/)
  })

  it('is refused with the way to mend it, and never repeated', () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
    const cases = [
      [pemOf('sec1'), 'openssl pkcs8 -topk8'],
      [pemOf('pkcs8', 'P-384'), 'of a kind that is not taken'],
      [weak.export({ type: 'pkcs8', format: 'pem' }).toString(), 'less than 2048 bits'],
      ['./key.pem', 'is not a private key in PEM'],
      [pemOf('pkcs8').slice(0, 60), 'cannot be read'],
    ] as const
    for (const [text, said] of cases) {
      const message = kinds.privateKey.safeParse(text).error?.message ?? ''
      expect(message).toContain(said)
      expect(message).not.toContain(text.slice(-30))
    }
  })
})

describe('free parameters', () => {
  it('are read as a query, also several of one name', () => {
    expect(kinds.params('token').parse('resource=https%3A%2F%2Fa&resource=b&audience=x+y')).toEqual({
      resource: ['https://a', 'b'],
      audience: ['x y'],
    })
    expect(kinds.params('token').parse('constructor=x&toString=y')).toEqual({ constructor: ['x'], toString: ['y'] })
  })

  it('are refused by name where they are reserved', () => {
    const said = (of: 'authorize' | 'token', text: string) => kinds.params(of).safeParse(text).error?.message
    expect(said('authorize', 'prompt=login&state=x&client_id=y')).toContain('sets state, client_id')
    expect(said('token', 'grant_type=password&code_verifier=z')).toContain('sets grant_type, code_verifier')
    for (const text of ['prompt', '=x', 'a=b&', 'a=b c']) expect(said('token', text)).toContain('is not name=value')
  })
})

describe('hosts', () => {
  it('are names or addresses, with a port or without', () => {
    expect(kinds.hostNames.parse('GW.internal:8080, 10.0.0.1,[fd00::1]:80')).toEqual([
      'gw.internal:8080',
      '10.0.0.1',
      '[fd00::1]:80',
    ])
    for (const text of ['http://gw', 'gw/x', ',', 'gw:port']) expect(accepts(kinds.hostNames, text)).toBe(false)
  })
})
