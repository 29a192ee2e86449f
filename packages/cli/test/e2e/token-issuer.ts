import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

type Members = Readonly<Record<string, unknown>>

const encoded = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** An issuer of tokens, honest or not. */
export function createTokenIssuer() {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString()
  const jwk = (key: KeyObject, members: Members) => ({ ...key.export({ format: 'jwk' }), use: 'sig', ...members })
  const rsaPem = pem(rsa.publicKey)
  const signers: Readonly<Record<string, (input: string) => Buffer>> = {
    RS256: (input) => sign('sha256', Buffer.from(input), rsa.privateKey),
    ES256: (input) => sign('sha256', Buffer.from(input), { key: ec.privateKey, dsaEncoding: 'ieee-p1363' }),
    HS256: (input) => createHmac('sha256', rsaPem).update(input).digest(),
    none: () => Buffer.alloc(0),
  }
  return {
    rsaPem,
    ecPem: pem(ec.publicKey),
    rsaJwk: rsa.publicKey.export({ format: 'jwk' }),
    keySet: { keys: [jwk(rsa.publicKey, { kid: 'rsa', alg: 'RS256' }), jwk(ec.publicKey, { kid: 'ec' })] },
    /** A token with this header and payload; `by` signs it, otherwise what the header says. */
    token(claims: unknown, header: Members = {}, by?: string): string {
      const full: Members = { alg: 'RS256', kid: 'rsa', ...header }
      const input = `${encoded(full)}.${encoded(claims)}`
      const signer = signers[by ?? String(full['alg'])] ?? signers['RS256']
      return `${input}.${signer?.(input).toString('base64url')}`
    },
  }
}
