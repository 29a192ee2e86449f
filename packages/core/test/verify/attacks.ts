import { describe, expect, it } from 'vitest'
import type { Jwk } from '../../src/verify/keys.ts'
import type { Expectations, Verdict } from '../../src/verify/verdict.ts'
import { b64, claims, ecPair, hmacToken, named, outcome, rsaPair, signature, token } from './material.ts'

const rsa = rsaPair()
const ec = ecPair()
const attacker = rsaPair()

/** Where tokens are verified: by a platform here, or in a browser. */
export interface Place {
  /** A verifier over these keys, for RS256 and ES256, on a clock that stands at `START`. */
  verifying(keys: readonly Jwk[]): (token: string, expectations?: Expectations) => Promise<Verdict>
  /** How many keys are made of one. */
  usable(jwk: Jwk): Promise<number>
}

/** Everything that somebody who has no key may try; and what looks like it, and is right. */
export function attacks(place: Place): void {
  const check = place.verifying([named(rsa, 'one'), named(ec, 'two')])
  const judge = async (text: string): Promise<string> => outcome(await check(text))
  const good = token(claims(), rsa)
  const [header = '', payload = '', signed = ''] = good.split('.')

  describe('the algorithm cannot be chosen by the token', () => {
    it.each(['none', 'None', 'NONE', 'nOnE', 'none ', ''])('refuses alg %j, signed or not', async (alg) => {
      const input = `${b64({ alg })}.${payload}`
      expect(await judge(`${input}.`)).toBe('algorithm')
      expect(await judge(`${input}.${b64(signature(input, rsa))}`)).toBe('algorithm')
    })

    it.each([undefined, null, 256, ['RS256'], { alg: 'RS256' }])('refuses alg %j', async (alg) => {
      expect(await judge(token(claims(), rsa, { alg }))).toBe('algorithm')
    })

    it.each(['HS256', 'RS384', 'RS512', 'PS256', 'ES384', 'EdDSA', 'rs256', 'RS256\u0000'])(
      'refuses alg %j',
      async (alg) => {
        expect(await judge(token(claims(), rsa, { alg }))).toBe('algorithm')
      },
    )

    it('refuses the public key as the secret of an HMAC, however it is written', async () => {
      const pem = rsa.publicKey.export({ format: 'pem', type: 'spki' }).toString()
      const secrets = [
        pem,
        pem.trim(),
        ` ${pem}`,
        pem.replaceAll('\n', '\r\n'),
        rsa.publicKey.export({ format: 'der', type: 'spki' }),
        rsa.publicKey.export({ format: 'pem', type: 'pkcs1' }).toString(),
        JSON.stringify(rsa.jwk),
        Buffer.from(String(rsa.jwk['n']), 'base64url'),
      ]
      for (const secret of secrets) {
        expect(await judge(hmacToken(claims(), secret, { alg: 'HS256', kid: 'one' }))).toBe('algorithm')
        expect(await judge(hmacToken(claims(), secret, { alg: 'RS256', kid: 'one' }))).toBe('signature')
      }
    })

    it('refuses an EC signature under the kid of an RSA key', async () => {
      expect(await judge(token(claims(), ec, { alg: 'RS256', kid: 'one' }))).toBe('signature')
      expect(await judge(token(claims(), rsa, { alg: 'ES256', kid: 'two' }))).toBe('signature')
    })
  })

  describe('the key cannot be brought by the token', () => {
    it.each([
      ['jwk', { jwk: attacker.jwk }],
      ['jwk of our own', { jwk: rsa.jwk }],
      ['jku', { jku: 'http://127.0.0.1:9/jwks.json' }],
      ['x5u', { x5u: 'http://127.0.0.1:9/chain.pem' }],
      ['an empty jwk', { jwk: null }],
    ])('refuses %s', async (_what, more) => {
      for (const key of [attacker, rsa]) {
        expect(await judge(token(claims(), key, more))).toBe('unknown_key')
        expect(await judge(token(claims(), key, { ...more, kid: undefined }))).toBe('unknown_key')
      }
    })

    it('does not look at x5c', async () => {
      expect(await judge(token(claims(), attacker, { x5c: ['AAAA'] }))).toBe('signature')
    })

    it.each([7, null, ['one'], {}])('refuses the kid %j', async (kid) => {
      expect(await judge(token(claims(), rsa, { kid }))).toBe('malformed')
    })

    it.each(['../one', 'one\u0000', 'One', '', 'constructor', '__proto__', "' or 1=1"])(
      'knows no key %j',
      async (kid) => {
        expect(await judge(token(claims(), rsa, { kid }))).toBe('unknown_key')
      },
    )
  })

  it.each([[['exp']], [['b64']], [['unknown']], [[]], ['exp'], [null], [[7]], [{}]])(
    'refuses crit %j',
    async (crit) => {
      expect(await judge(token(claims(), rsa, { crit, b64: false }))).toBe('critical_header')
    },
  )

  describe('a token has one spelling', () => {
    const flipped = (text: string): string => {
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
      return text.slice(0, -1) + alphabet.charAt(alphabet.indexOf(text.slice(-1)) ^ 1)
    }
    /** Lengthens the payload until its encoding, as the signature's, ends in unused bits. */
    const [loose = ''] = ['', 'x', 'xx']
      .map((pad) => token(claims({ pad }), rsa))
      .filter((one) => (one.split('.')[1] ?? '').length % 4)
    const [, loosePayload = ''] = loose.split('.')

    it.each([
      ['padded', `${good}==`],
      ['padded inside', `${header}.${payload}=.${signed}`],
      ['with a space after it', `${good} `],
      ['with a space before it', ` ${good}`],
      ['with a line break after it', `${good}\n`],
      ['with a line break inside', `${header}.${payload.slice(0, 8)}\n${payload.slice(8)}.${signed}`],
      ['with unused bits set in the signature', flipped(good)],
      ['with unused bits set in the payload', loose.replace(loosePayload, flipped(loosePayload))],
      ['in the other base64 alphabet', good.replaceAll('-', '+').replaceAll('_', '/')],
      ['of a length that no bytes have', `${good}AAA`],
      ['with letters that fold to ASCII', good.replace('e', 'ť')],
      ['with a fourth part', `${good}.`],
      ['with the parts of an encrypted token', `${good}.AAAA.AAAA`],
      ['without a signature part', `${header}.${payload}`],
      ['without a payload', `${header}..${signed}`],
      ['without a header', `.${payload}.${signed}`],
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
      ['a claim twice in another spelling', '{"sub":"guest","exp":1900000000,"\\u0073ub":"admin"}'],
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
      expect(await judge(token(text, rsa))).toBe('malformed')
    })

    it('refuses bytes that are not UTF-8', async () => {
      const text = Buffer.from('{"exp":1900000000,"sub":"\u00e9"}', 'latin1')
      expect(await judge(token(text, rsa))).toBe('malformed')
    })

    it('takes what only looks like a member written twice', async () => {
      for (const text of [
        '{"exp":1900000000,"sub":"a\\":\\"sub\\":"}',
        '{"exp":1900000000,"a":"b\\\\","b\\\\":1}',
        '{ "exp" : 1900000000 , "a" :\n{ "exp":1, "b":[ {"exp":1},{"exp":2} ] } }',
        '{"exp":1900000000,"constructor":1,"hasOwnProperty":2,"toString":{"x:":":"}}',
        `{"exp":1900000000,"a":${'['.repeat(62)}${']'.repeat(62)}}`,
      ]) {
        expect(await check(token(text, rsa))).toEqual({ valid: true, claims: JSON.parse(text) as unknown })
      }
    })

    it.each([
      ['a member twice', '{"alg":"none","kid":"one","alg":"RS256"}'],
      ['a prototype', '{"kid":"one","__proto__":{"alg":"RS256"}}'],
      ['a list', '["RS256"]'],
      ['no JSON', 'RS256'],
    ])('refuses a header that is %s', async (_what, text) => {
      expect(await judge(token(claims(), rsa, text))).toBe('malformed')
    })
  })

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

  describe('keys that must not be used are as good as absent', () => {
    const secret = (key: typeof rsa): Jwk => key.privateKey.export({ format: 'jwk' }) as Jwk
    const weak = rsaPair(1024)
    const almost = rsaPair(2040)
    const p384 = ecPair('P-384')
    const number = (name: string): Buffer => Buffer.from(String(rsa.jwk[name]), 'base64url')
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
      ['a key for PSS', rsa, named(rsa, 'one', { alg: 'PS256' })],
      ['a key for no algorithm', rsa, named(rsa, 'one', { alg: null })],
      ['an RSA key of 16392 bits', rsa, named(rsa, 'one', { n: b64(Buffer.alloc(2049, 255)) })],
      ['an exponent of 1', rsa, named(rsa, 'one', { e: 'AQ' })],
      ['an even exponent', rsa, named(rsa, 'one', { e: 'BA' })],
      ['a huge exponent', rsa, named(rsa, 'one', { e: b64(number('n')) })],
      ['no exponent', rsa, named(rsa, 'one', { e: '' })],
      ['a padded modulus', rsa, named(rsa, 'one', { n: `${String(rsa.jwk['n'])}==` })],
      ['a key with a number for kid', rsa, { ...rsa.jwk, kid: 1 as unknown as string }],
      ['a key of another kind', rsa, named(rsa, 'one', { kty: 'EC' })],
      ['a P-384 key', { ...p384, alg: 'ES256' }, named(p384)],
      ['a P-384 key that says P-256', { ...p384, alg: 'ES256' }, named(p384, 'one', { crv: 'P-256' })],
      ['a point off the curve', ec, named(ec, 'one', { y: ec.jwk['x'] })],
      ['a short coordinate', ec, named(ec, 'one', { y: b64(Buffer.alloc(31, 1)) })],
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
