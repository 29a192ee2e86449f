import { constants, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Jwk } from '../../src/verify/keys.ts'
import { ALGORITHMS, type Expectations, type Verdict } from '../../src/verify/verdict.ts'
import {
  b64,
  claims,
  ecPair,
  edPair,
  hmacToken,
  named,
  outcome,
  type Pair,
  pssPair,
  rsaPair,
  signature,
  token,
} from './material.ts'
import { rocaModulus } from './roca-modulus.ts'

const rsa = rsaPair()
const pss = pssPair()
const ec = ecPair()
const ed = edPair()

/** A key of each algorithm, its kid, and a key of the same kind that is not among those trusted. */
const signers: readonly { readonly key: Pair; readonly kid: string; readonly attacker: Pair }[] = [
  { key: rsa, kid: 'one', attacker: rsaPair() },
  { key: ec, kid: 'two', attacker: ecPair() },
  { key: pss, kid: 'three', attacker: pssPair() },
  { key: ed, kid: 'four', attacker: edPair() },
]
const trusted = signers.map(({ key, kid }) => named(key, kid, key === pss ? { alg: 'PS256' } : {}))

/** Where tokens are verified: by a platform here, or in a browser. */
interface Place {
  /** A verifier over these keys, for all algorithms, on a clock that is fixed at `START`. */
  verifying(keys: readonly Jwk[]): (token: string, expectations?: Expectations) => Promise<Verdict>
  /** How many keys are made of one. */
  usable(jwk: Jwk): Promise<number>
}

/** The attacks that are possible without a key, and valid tokens that look like them. */
export function attacks(place: Place): void {
  describe.each(signers.map((signer) => [signer.key.alg, signer] as const))('a token of %s', (_alg, signer) => {
    forgeries(place, signer)
  })
  signaturesAndKeys(place)
}

/** What is tried in the same way whatever the algorithm of the genuine token. */
function forgeries(place: Place, { key, kid, attacker }: (typeof signers)[number]): void {
  const check = place.verifying(trusted)
  const judge = async (text: string): Promise<string> => outcome(await check(text))
  const signed = (body: Parameters<typeof token>[0], more: object = {}): string => token(body, key, { kid, ...more })
  const good = signed(claims({ odd: '??????' }))
  const [header = '', payload = '', mark = ''] = good.split('.')

  describe('the algorithm cannot be chosen by the token', () => {
    it.each(['none', 'None', 'NONE', 'nOnE', 'none ', ''])('refuses alg %j, signed or not', async (alg) => {
      const input = `${b64({ alg })}.${payload}`
      expect(await judge(`${input}.`)).toBe('algorithm')
      expect(await judge(`${input}.${b64(signature(input, key))}`)).toBe('algorithm')
    })

    it.each([undefined, null, 256, ['RS256'], { alg: 'RS256' }])('refuses alg %j', async (alg) => {
      expect(await judge(signed(claims(), { alg }))).toBe('algorithm')
    })

    it.each(['HS256', 'RS384', 'RS512', 'PS384', 'ES384', 'ES256K', 'Ed448', 'rs256', 'eddsa', 'RS256\u0000'])(
      'refuses alg %j',
      async (alg) => {
        expect(await judge(signed(claims(), { alg }))).toBe('algorithm')
      },
    )

    it.each(ALGORITHMS.filter((one) => one !== key.alg))('refuses alg %s of an accepted kind', async (alg) => {
      // An RSA key that does not say which of the two it is for may serve both.
      const served = key === rsa && alg === 'PS256'
      expect(await judge(signed(claims(), { alg }))).toBe(served ? 'signature' : 'algorithm')
    })

    it('refuses the public key as the secret of an HMAC, however it is written', async () => {
      const pem = key.publicKey.export({ format: 'pem', type: 'spki' }).toString()
      const secrets = [
        pem,
        pem.trim(),
        ` ${pem}`,
        pem.replaceAll('\n', '\r\n'),
        key.publicKey.export({ format: 'der', type: 'spki' }),
        JSON.stringify(key.jwk),
        Buffer.from(String(key.jwk['n'] ?? key.jwk['x']), 'base64url'),
        ...(key.jwk.kty === 'RSA' ? [key.publicKey.export({ format: 'pem', type: 'pkcs1' }).toString()] : []),
      ]
      for (const secret of secrets) {
        expect(await judge(hmacToken(claims(), secret, { alg: 'HS256', kid }))).toBe('algorithm')
        expect(await judge(hmacToken(claims(), secret, { alg: key.alg, kid }))).toBe('signature')
      }
    })

    it('refuses the signatures of other kinds under its kid', async () => {
      for (const other of signers.map((one) => one.key).filter((one) => one !== key)) {
        expect(await judge(token(claims(), other, { alg: key.alg, kid }))).toBe('signature')
      }
    })
  })

  describe('the key cannot be brought by the token', () => {
    it.each([
      ['jwk', { jwk: attacker.jwk }],
      ['jwk of our own', { jwk: key.jwk }],
      ['jku', { jku: 'http://127.0.0.1:9/jwks.json' }],
      ['x5u', { x5u: 'http://127.0.0.1:9/chain.pem' }],
      ['an empty jwk', { jwk: null }],
    ])('refuses %s', async (_what, more) => {
      for (const signer of [attacker, key]) {
        expect(await judge(token(claims(), signer, { kid, ...more }))).toBe('unknown_key')
        expect(await judge(token(claims(), signer, { ...more, kid: undefined }))).toBe('unknown_key')
      }
    })

    it('does not look at x5c', async () => {
      expect(await judge(token(claims(), attacker, { kid, x5c: ['AAAA'] }))).toBe('signature')
    })

    it.each([7, null, ['one'], {}])('refuses the kid %j', async (wrong) => {
      expect(await judge(signed(claims(), { kid: wrong }))).toBe('malformed')
    })

    it.each(['../one', 'one\u0000', 'One', '', 'constructor', '__proto__', "' or 1=1"])(
      'knows no key %j',
      async (wrong) => {
        expect(await judge(signed(claims(), { kid: wrong }))).toBe('unknown_key')
      },
    )
  })

  it.each([[['exp']], [['b64']], [['unknown']], [[]], ['exp'], [null], [[7]], [{}]])(
    'refuses crit %j',
    async (crit) => {
      expect(await judge(signed(claims(), { crit, b64: false }))).toBe('critical_header')
    },
  )

  describe('a token has one form', () => {
    const flipped = (text: string): string => {
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
      return text.slice(0, -1) + alphabet.charAt(alphabet.indexOf(text.slice(-1)) ^ 1)
    }
    /** Lengthens the payload until its encoding, as the signature's, ends in unused bits. */
    const [loose = ''] = ['', 'x', 'xx']
      .map((pad) => signed(claims({ pad })))
      .filter((one) => (one.split('.')[1] ?? '').length % 4)
    const [, loosePayload = ''] = loose.split('.')

    it.each([
      ['padded', `${good}==`],
      ['padded inside', `${header}.${payload}=.${mark}`],
      ['with a space after it', `${good} `],
      ['with a space before it', ` ${good}`],
      ['with a line break after it', `${good}\n`],
      ['with a line break inside', `${header}.${payload.slice(0, 8)}\n${payload.slice(8)}.${mark}`],
      ['with unused bits set in the signature', flipped(good)],
      ['with unused bits set in the payload', loose.replace(loosePayload, flipped(loosePayload))],
      ['in the other base64 alphabet', good.replaceAll('-', '+').replaceAll('_', '/')],
      ['of a length that no bytes have', `${good}AAA`],
      ['with letters that fold to ASCII', good.replace('e', 'ť')],
      ['with a fourth part', `${good}.`],
      ['with the parts of an encrypted token', `${good}.AAAA.AAAA`],
      ['without a signature part', `${header}.${payload}`],
      ['without a payload', `${header}..${mark}`],
      ['without a header', `.${payload}.${mark}`],
      ['that is a scheme and a token', `Bearer ${good}`],
      ['that is empty', ''],
    ])('refuses one %s', async (_what, text) => {
      expect(await judge(good)).toBe('valid')
      expect(await judge(loose)).toBe('valid')
      expect(await judge(text)).toBe('malformed')
    })

    it('refuses a token without its signature', async () => {
      expect(await judge(`${header}.${payload}.`)).toBe('signature')
    })
  })

  describe('header and payload are read strictly', () => {
    it.each([
      ['a claim twice', '{"sub":"guest","exp":1900000000,"sub":"admin"}'],
      ['a claim twice, once with an escape', '{"sub":"guest","exp":1900000000,"\\u0073ub":"admin"}'],
      ['a member twice further down', '{"exp":1900000000,"a":[{"b":1,"b":1}]}'],
      ['a prototype', '{"exp":1900000000,"__proto__":{"sub":"admin"}}'],
      ['a prototype further down', '{"exp":1900000000,"a":{"__proto__":{}}}'],
      ['a list', '[1900000000]'],
      ['a text', '"exp"'],
      ['null', 'null'],
      ['nothing', ' '],
      ['two values', '{"exp":1900000000}{}'],
      ['a comma too many', '{"exp":1900000000,}'],
      ['a byte order mark', '\ufeff{"exp":1900000000}'],
      ['more levels than anybody needs', `{"exp":1900000000,"a":${'['.repeat(64)}${']'.repeat(64)}}`],
      ['an abyss', `{"exp":1900000000,"a":${'['.repeat(5500)}${']'.repeat(5500)}}`],
    ])('refuses a payload that is %s', async (_what, text) => {
      expect(await judge(signed(text))).toBe('malformed')
    })

    it('refuses bytes that are not UTF-8', async () => {
      const text = Buffer.from('{"exp":1900000000,"sub":"\u00e9"}', 'latin1')
      expect(await judge(signed(text))).toBe('malformed')
    })

    it('takes what only looks like a member written twice', async () => {
      for (const text of [
        '{"exp":1900000000,"sub":"a\\":\\"sub\\":"}',
        '{"exp":1900000000,"a":"b\\\\","b\\\\":1}',
        '{ "exp" : 1900000000 , "a" :\n{ "exp":1, "b":[ {"exp":1},{"exp":2} ] } }',
        '{"exp":1900000000,"constructor":1,"hasOwnProperty":2,"toString":{"x:":":"}}',
        `{"exp":1900000000,"a":${'['.repeat(62)}${']'.repeat(62)}}`,
      ]) {
        expect(await check(signed(text))).toEqual({ valid: true, claims: JSON.parse(text) as unknown })
      }
    })

    it.each([
      ['a member twice', `{"alg":"none","kid":"${kid}","alg":"${key.alg}"}`],
      ['a prototype', `{"kid":"${kid}","__proto__":{"alg":"${key.alg}"}}`],
      ['a list', `["${key.alg}"]`],
      ['no JSON', key.alg],
    ])('refuses a header that is %s', async (_what, text) => {
      expect(await judge(token(claims(), key, text))).toBe('malformed')
    })
  })
}

function signaturesAndKeys(place: Place): void {
  const check = place.verifying(trusted)
  const judge = async (text: string): Promise<string> => outcome(await check(text))
  const good = token(claims(), rsa)
  const [header = '', payload = '', signed = ''] = good.split('.')

  describe('signatures are what they must be', () => {
    const ecInput = `${b64({ alg: 'ES256', kid: 'two' })}.${payload}`
    const right = signature(ecInput, ec)
    const [r, s] = [right.subarray(0, 32), right.subarray(32)]
    const zero = Buffer.alloc(32)
    const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex')
    const der = (): Buffer => {
      const part = (bytes: Buffer): Buffer => Buffer.from([2, 33, 0, ...bytes])
      return Buffer.from([48, 70, ...part(r), ...part(s)])
    }

    it('takes an ECDSA signature of 64 bytes', async () => {
      expect(await judge(`${ecInput}.${b64(right)}`)).toBe('valid')
    })

    it.each([
      ['empty', Buffer.alloc(0)],
      ['zero', Buffer.concat([zero, zero])],
      ['without r', Buffer.concat([zero, s])],
      ['without s', Buffer.concat([r, zero])],
      ['of the order of the curve', Buffer.concat([order, order])],
      ['with the order for r', Buffer.concat([order, s])],
      ['one byte short', right.subarray(0, 63)],
      ['half', r],
      ['one byte long', Buffer.concat([right, Buffer.alloc(1)])],
      ['twice', Buffer.concat([right, right])],
      ['in DER', der()],
      ['all ones', Buffer.alloc(64, 255)],
    ])('refuses an ECDSA signature that is %s', async (_what, bytes) => {
      expect(await judge(`${ecInput}.${b64(bytes)}`)).toBe('signature')
    })

    it('takes ECDSA signatures whose numbers are short', async () => {
      const tokens: string[] = []
      for (let at = 0; tokens.length < 3; at += 1) {
        const one = token(claims({ jti: `${at}` }), ec, { kid: 'two' })
        const bytes = Buffer.from(one.split('.')[2] ?? '', 'base64url')
        if (bytes[0] === 0 || bytes[32] === 0) tokens.push(one)
      }
      for (const one of tokens) expect(await judge(one)).toBe('valid')
    })

    it.each([
      ['empty', Buffer.alloc(0)],
      ['zero', Buffer.alloc(256)],
      ['one', Buffer.concat([Buffer.alloc(255), Buffer.from([1])])],
      ['one byte short', Buffer.from(signed, 'base64url').subarray(1)],
      ['with a zero before it', Buffer.concat([Buffer.alloc(1), Buffer.from(signed, 'base64url')])],
      ['larger than the modulus', Buffer.alloc(256, 255)],
    ])('refuses an RSA signature that is %s', async (_what, bytes) => {
      expect(await judge(`${header}.${payload}.${b64(bytes)}`)).toBe('signature')
    })
  })

  describe('signatures of PSS and Ed25519 are what they must be', () => {
    const input = (key: Pair, kid: string): string => `${b64({ alg: key.alg, kid })}.${payload}`
    const pssInput = input(pss, 'three')
    const edInput = input(ed, 'four')
    const [point, scalar] = [signature(edInput, ed).subarray(0, 32), signature(edInput, ed).subarray(32)]
    const zero = Buffer.alloc(32)

    /** The scalar and the order of the group: the same signature, spelled otherwise (RFC 8032, 8.4). */
    const malleable = (): Buffer => {
      const order = 2n ** 252n + 27742317777372353535851937790883648493n
      const number = BigInt(`0x${Buffer.from(Uint8Array.from(scalar).toReversed()).toString('hex')}`) + order
      return Buffer.from(Uint8Array.from(Buffer.from(number.toString(16).padStart(64, '0'), 'hex')).toReversed())
    }
    const salted = (saltLength: number, padding: number = constants.RSA_PKCS1_PSS_PADDING): Buffer =>
      sign('sha256', Buffer.from(pssInput), { key: pss.privateKey, padding, saltLength })

    it('takes those of PS256 and EdDSA, also under the name Ed25519', async () => {
      expect(await judge(`${pssInput}.${b64(salted(32))}`)).toBe('valid')
      expect(await judge(`${edInput}.${b64(Buffer.concat([point, scalar]))}`)).toBe('valid')
      expect(await judge(token(claims(), ed, { alg: 'Ed25519', kid: 'four' }))).toBe('valid')
    })

    it.each([
      ['without salt', salted(0)],
      ['with a salt of another length', salted(48)],
      ['of PKCS #1 v1.5', sign('sha256', Buffer.from(pssInput), pss.privateKey)],
      [
        'of another hash',
        sign('sha512', Buffer.from(pssInput), {
          key: pss.privateKey,
          padding: constants.RSA_PKCS1_PSS_PADDING,
          saltLength: 32,
        }),
      ],
      ['empty', Buffer.alloc(0)],
      ['zero', Buffer.alloc(256)],
      ['one byte short', salted(32).subarray(1)],
      ['larger than the modulus', Buffer.alloc(256, 255)],
    ])('refuses a PSS signature that is %s', async (_what, bytes) => {
      expect(await judge(`${pssInput}.${b64(bytes)}`)).toBe('signature')
    })

    it.each([
      ['empty', Buffer.alloc(0)],
      ['zero', Buffer.alloc(64)],
      ['without R', Buffer.concat([zero, scalar])],
      ['without S', Buffer.concat([point, zero])],
      ['spelled with another S', Buffer.concat([point, malleable()])],
      ['one byte short', Buffer.concat([point, scalar]).subarray(0, 63)],
      ['one byte long', Buffer.concat([point, scalar, Buffer.alloc(1)])],
      ['all ones', Buffer.alloc(64, 255)],
    ])('refuses an Ed25519 signature that is %s', async (_what, bytes) => {
      expect(await judge(`${edInput}.${b64(bytes)}`)).toBe('signature')
    })
  })

  describe('keys that must not be used are as good as absent', () => {
    const secret = (key: typeof rsa): Jwk => key.privateKey.export({ format: 'jwk' }) as Jwk
    const weak = rsaPair(1024)
    const almost = rsaPair(2040)
    const p384 = ecPair('P-384')
    const number = (name: string): Buffer => Buffer.from(String(rsa.jwk[name]), 'base64url')
    const zero = Buffer.alloc(1)
    const padded = b64(Buffer.concat([Buffer.alloc(128), Buffer.from(String(weak.jwk['n']), 'base64url')]))

    it.each<readonly [string, typeof rsa, Jwk]>([
      ['an RSA key of 1024 bits', weak, named(weak)],
      ['an RSA key of 2040 bits', almost, named(almost)],
      ['an RSA key of 1024 bits behind zeros', weak, named(weak, 'one', { n: padded })],
      ['a private RSA key', rsa, { ...secret(rsa), kid: 'one' }],
      ['a key of use enc', rsa, named(rsa, 'one', { use: 'enc' })],
      ['a key of use null', rsa, named(rsa, 'one', { use: null })],
      ['a key for wrapping', rsa, named(rsa, 'one', { key_ops: ['wrapKey'] })],
      ['a key for signing', rsa, named(rsa, 'one', { key_ops: ['sign'] })],
      ['a key whose key_ops is text', rsa, named(rsa, 'one', { key_ops: 'verify' })],
      ['a key for another algorithm', rsa, named(rsa, 'one', { alg: 'RS512' })],
      ['a key for encryption', rsa, named(rsa, 'one', { alg: 'RSA-OAEP-256' })],
      ['a key for no algorithm', rsa, named(rsa, 'one', { alg: null })],
      ['an RSA key of 16392 bits', rsa, named(rsa, 'one', { n: b64(Buffer.alloc(2049, 255)) })],
      ['an exponent of 1', rsa, named(rsa, 'one', { e: 'AQ' })],
      ['an even exponent', rsa, named(rsa, 'one', { e: 'BA' })],
      ['a huge exponent', rsa, named(rsa, 'one', { e: b64(number('n')) })],
      ['no exponent', rsa, named(rsa, 'one', { e: '' })],
      ['an exponent of 1 behind zeros', rsa, named(rsa, 'one', { e: 'AAAB' })],
      ['an even modulus', rsa, named(rsa, 'one', { n: b64(Buffer.concat([number('n').subarray(0, -1), zero])) })],
      ['a modulus with more than padding', rsa, named(rsa, 'one', { n: `${String(rsa.jwk['n'])}===` })],
      ['a modulus of the ROCA form', rsa, named(rsa, 'one', { n: rocaModulus(2048) })],
      ['a key with a number for kid', rsa, { ...rsa.jwk, kid: 1 as unknown as string }],
      ['a key of another kind', rsa, named(rsa, 'one', { kty: 'EC' })],
      ['a P-384 key', { ...p384, alg: 'ES256' }, named(p384)],
      ['a P-384 key that says P-256', { ...p384, alg: 'ES256' }, named(p384, 'one', { crv: 'P-256' })],
      ['a point off the curve', ec, named(ec, 'one', { y: ec.jwk['x'] })],
      ['a short coordinate', ec, named(ec, 'one', { y: b64(Buffer.alloc(31, 1)) })],
      ['an Ed448 key', ed, named(ed, 'one', { crv: 'Ed448' })],
      ['a key agreement key', ed, named(ed, 'one', { crv: 'X25519' })],
      ['an Ed25519 key of 31 bytes', ed, named(ed, 'one', { x: b64(Buffer.alloc(31, 1)) })],
      ['an Ed25519 key of small order', ed, named(ed, 'one', { x: b64(Buffer.alloc(32)) })],
      [
        'an Ed25519 key of small order with its sign',
        ed,
        named(ed, 'one', { x: b64(Buffer.from(`${'00'.repeat(31)}80`, 'hex')) }),
      ],
      ['an Ed25519 key for another algorithm', ed, named(ed, 'one', { alg: 'ES256' })],
      ['a private Ed25519 key', ed, { ...secret(ed), kid: 'one' }],
      ['a private EC key', ec, { ...secret(ec), kid: 'one' }],
      ['a symmetric key', rsa, { kty: 'oct', k: b64('secret'), kid: 'one' }],
      ['null', rsa, null as unknown as Jwk],
      ['text', rsa, 'RS256' as unknown as Jwk],
    ])('does not use %s', async (_what, key, jwk) => {
      expect(await place.usable(jwk)).toBe(0)
      const other = ecPair()
      const verify = place.verifying([jwk, named(other, 'other')])
      expect(outcome(await verify(token(claims(), key)))).toBe('unknown_key')
    })

    it('uses an RSA key that says its algorithm for that one alone', async () => {
      const pkcs = { ...rsa, alg: 'RS256' } as const
      const salted = { ...rsa, alg: 'PS256' } as const
      for (const [alg, right, wrong] of [
        ['RS256', pkcs, salted],
        ['PS256', salted, pkcs],
      ] as const) {
        const verify = place.verifying([named(rsa, 'one', { alg })])
        expect(outcome(await verify(token(claims(), right)))).toBe('valid')
        expect(outcome(await verify(token(claims(), wrong)))).toBe('algorithm')
      }
      const both = place.verifying([named(rsa, 'one')])
      for (const signer of [pkcs, salted]) expect(outcome(await both(token(claims(), signer)))).toBe('valid')
    })

    it('uses a key that says what it is for', async () => {
      for (const more of [
        {},
        { use: 'sig' },
        { key_ops: ['verify'] },
        { alg: 'RS256', use: 'sig', x5t: 'abc', x5c: ['AAAA'] },
      ]) {
        const verify = place.verifying([named(rsa, 'one', more)])
        expect(outcome(await verify(good))).toBe('valid')
      }
    })
  })
}
