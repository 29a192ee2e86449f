import { decodeBase64 } from '../domain/base64.ts'
import { GuestpassError } from '../domain/errors.ts'
import { judgeJwk, type UsableJwk } from './key-rules.ts'
import type { Jwk } from './keys.ts'
import { jwkOfPkcs1, jwkOfSpki, spkiOfCertificate } from './public-key-der.ts'

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]*)-----END \1-----/g

export const unusablePem = (message: string, remedy: string): GuestpassError =>
  new GuestpassError('config_invalid', `The public key cannot be used: ${message}. ${remedy}`, {
    fields: [{ field: 'pem', message, remedy }],
  })

const EXPECTED =
  'Give PEM blocks that begin with -----BEGIN PUBLIC KEY-----, -----BEGIN RSA PUBLIC KEY----- or -----BEGIN CERTIFICATE-----.'

const PRIVATE = 'it is a private key, which belongs only where tokens are signed'
const PUBLIC_PART = 'Give its public part, which `openssl pkey -in FILE -pubout` prints.'

function jwkOf(label: string, body: string): Jwk | string {
  if (label.endsWith('PRIVATE KEY')) return PRIVATE
  if (!/^(RSA )?PUBLIC KEY$|^(X509 )?CERTIFICATE$/.test(label)) return `it is a ${label}`
  const bytes = decodeBase64(body)
  if (!bytes) return 'its base64 is damaged'
  if (label === 'RSA PUBLIC KEY') return jwkOfPkcs1(bytes) ?? 'its contents are damaged'
  return jwkOfSpki(label === 'PUBLIC KEY' ? bytes : spkiOfCertificate(bytes))
}

/** The key of a block, or as a clause why it cannot be used. */
function keyOf(label: string, body: string): UsableJwk | string {
  const jwk = jwkOf(label, body)
  return typeof jwk === 'string' ? jwk : judgeJwk(jwk)
}

/**
 * Reads the public keys of a PEM text: one or more blocks of SubjectPublicKeyInfo, PKCS #1 or X.509
 * certificates. Text around the blocks and a byte order mark are skipped. Line breaks may be written as `\n`.
 *
 * Throws `config_invalid` for any other text, and where one of several blocks cannot be used. The message
 * contains no key material.
 * Source: RFC 7468.
 */
export function pemKeys(pem: string): readonly UsableJwk[] {
  const text = pem.replaceAll(String.raw`\r`, '').replaceAll(String.raw`\n`, '\n')
  const blocks = [...text.matchAll(BLOCK)]
  const isPartial = text.replaceAll(BLOCK, '').includes('-----')
  if (blocks.length === 0 || isPartial) {
    if (/PRIVATE KEY-----/.test(text)) throw unusablePem('it is a private key, and a damaged one', EXPECTED)
    throw unusablePem(isPartial ? 'a block of it is damaged' : 'it does not hold one PEM block or more', EXPECTED)
  }
  return blocks.map(([, label = '', body = ''], at) => {
    const key = keyOf(label, body)
    if (typeof key !== 'string') return key
    throw unusablePem(blocks.length > 1 ? `of block ${at + 1}, ${key}` : key, key === PRIVATE ? PUBLIC_PART : EXPECTED)
  })
}
