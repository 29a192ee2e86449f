import { GuestpassError } from '../errors.ts'

const BLOCK = /^-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]*)-----END \1-----$/

/** What people paste instead of a public key, and what to do about it. */
const REMEDIES: Readonly<Record<string, string>> = {
  CERTIFICATE: 'Take the key out of the certificate: openssl x509 -pubkey -noout -in FILE',
  'RSA PUBLIC KEY': 'Convert it: openssl rsa -RSAPublicKey_in -pubout -in FILE',
}

export const unusablePem = (message: string, remedy: string, cause?: unknown): GuestpassError =>
  new GuestpassError('config_invalid', `The public key cannot be used: ${message}. ${remedy}.`, {
    fields: [{ field: 'pem', message, remedy }],
    cause,
  })

const EXPECTED = 'Give one PEM block that begins with -----BEGIN PUBLIC KEY-----'

/**
 * The DER bytes of one SubjectPublicKeyInfo in PEM. Line breaks may be written as `\n`, as environment files do. Throws
 * `config_invalid` for anything else; a private key is never quoted.
 */
export function spkiBytes(pem: string): Uint8Array {
  const block = BLOCK.exec(pem.replaceAll('\\n', '\n').trim())
  if (!block) throw unusablePem('it is not one PEM block', EXPECTED)
  const [, label = '', body = ''] = block
  if (label.endsWith('PRIVATE KEY'))
    throw unusablePem('it is a private key', `Keep it where tokens are signed. ${EXPECTED}`)
  if (label !== 'PUBLIC KEY') throw unusablePem(`it is a ${label}`, REMEDIES[label] ?? EXPECTED)
  try {
    return Uint8Array.from(atob(body.replace(/\s/g, '')), (character) => character.charCodeAt(0))
  } catch (cause) {
    throw unusablePem('its base64 is damaged', EXPECTED, cause)
  }
}
