import { generateKeyPairSync, sign } from 'node:crypto'

/** A self-signed certificate (RFC 5280) and its key, as PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

const DAY = 86_400_000

/** DER (X.690): tag, length, content. */
const der = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts)
  const { length } = content
  const bytes: number[] = []
  for (let left = length; left > 0; left = Math.floor(left / 256)) bytes.unshift(left % 256)
  return Buffer.concat([Buffer.from(length < 128 ? [tag, length] : [tag, 128 + bytes.length, ...bytes]), content])
}

const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts)
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'))
const integer = (value: number): Buffer => der(0x02, Buffer.from([value]))
const octets = (content: Uint8Array): Buffer => der(0x04, content)
const bits = (content: Uint8Array): Buffer => der(0x03, Buffer.from([0]), content)
const TRUE = der(0x01, Buffer.from([255]))
const COMMON_NAME = oid('550403')
const BASIC_CONSTRAINTS = oid('551d13')
const SUBJECT_ALT_NAME = oid('551d11')
const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302'))

const named = (name: string): Buffer => sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from(name)))))

/** GeneralizedTime, whole seconds. */
const time = (ms: number): Buffer =>
  der(0x18, Buffer.from(`${new Date(ms).toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)}Z`))

const pem = (content: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${content.toString('base64').replaceAll(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`

/**
 * Makes a certificate for a DNS name and an IPv4 address. It is valid from 30 days ago for 60 days, so that a
 * client whose clock is wrong by days accepts it too.
 */
export function certificate(name: string, address: string): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const names = sequence(der(0x82, Buffer.from(name)), der(0x87, Buffer.from(address.split('.').map(Number))))
  const now = Date.now()
  const signed = sequence(
    der(0xa0, integer(2)),
    integer(1),
    ECDSA_WITH_SHA256,
    named(name),
    sequence(time(now - 30 * DAY), time(now + 30 * DAY)),
    named(name),
    publicKey.export({ format: 'der', type: 'spki' }),
    der(
      0xa3,
      sequence(sequence(BASIC_CONSTRAINTS, TRUE, octets(sequence(TRUE))), sequence(SUBJECT_ALT_NAME, octets(names))),
    ),
  )
  const cert = sequence(signed, ECDSA_WITH_SHA256, bits(sign('sha256', signed, privateKey)))
  return { cert: pem(cert), key: privateKey.export({ format: 'pem', type: 'pkcs8' }) as string }
}
