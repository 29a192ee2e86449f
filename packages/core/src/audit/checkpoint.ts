import type { ChainHead } from '../domain/chain.ts'
import { lengthPrefixed } from '../domain/length-prefix.ts'
import { type Instant, iso } from '../domain/time.ts'
import { sha256Hex } from '../ports/system.ts'
import { decodeBase64url, encodeBase64url } from '../domain/base64url.ts'

/** Says, signed, how long a chain was and how it ended. Kept elsewhere, it shows when the end is cut off or all is written anew. */
export interface Checkpoint {
  readonly connection: string
  /** The number of the chain, from 0; absent in checkpoints of version 1, which knew of one chain only. */
  readonly chain?: number
  /** Counts the checkpoints of the connection, from 1, without gaps. */
  readonly number: number
  /** Records up to here, and the hash of the last one. */
  readonly count: number
  readonly hash: string
  /** ISO 8601. */
  readonly at: string
  /** The first 16 hexadecimal digits of the SHA-256 of the public key. */
  readonly keyId: string
  /** Ed25519, the 32 bytes in base64url. */
  readonly publicKey: string
  /** Ed25519 over all that stands above, in base64url. */
  readonly signature: string
}

/** Signs checkpoints. */
export interface Signer {
  readonly keyId: string
  readonly publicKey: string
  sign(text: string): Promise<string>
}

const ED25519 = { name: 'Ed25519' }

type Unsigned = Omit<Checkpoint, 'signature'>

const signedText = ({ connection, chain, number, count, hash, at, keyId, publicKey }: Unsigned): string => {
  const head =
    chain === undefined ? ['guestpass checkpoint 1', connection] : ['guestpass checkpoint 2', connection, `${chain}`]
  return lengthPrefixed([...head, String(number), String(count), hash, at, keyId, publicKey])
}

export async function signedCheckpoint(
  connection: string,
  number: number,
  { chain, count, hash }: ChainHead,
  at: Instant,
  { keyId, publicKey, sign }: Signer,
): Promise<Checkpoint> {
  const unsigned = { connection, chain, number, count, hash, at: iso(at), keyId, publicKey }
  return { ...unsigned, signature: await sign(signedText(unsigned)) }
}

/** What is wrong with a checkpoint by itself; undefined when it is of this connection and signed with the key that it names. */
export async function checkpointFault(checkpoint: Checkpoint, connection: string): Promise<string | undefined> {
  if (checkpoint.connection !== connection) return `is of connection ${checkpoint.connection}, not ${connection}`
  if (checkpoint.keyId !== (await keyIdOf(checkpoint.publicKey))) return 'names a key that is not its own'
  return (await isSigned(checkpoint)) ? undefined : 'is not signed with the key that it names'
}

async function isSigned(checkpoint: Checkpoint): Promise<boolean> {
  try {
    const key = await crypto.subtle.importKey('raw', bytes(checkpoint.publicKey), ED25519, false, ['verify'])
    return await crypto.subtle.verify(ED25519, key, bytes(checkpoint.signature), utf8(signedText(checkpoint)))
  } catch {
    // No key, or no base64url.
    return false
  }
}

/** How many members a checkpoint has, besides the number of its chain. */
const MEMBERS = 8

/** A value as a checkpoint; undefined when it has not exactly the members of one. */
export function checkpointOf(value: unknown): Checkpoint | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { connection, chain, number, count, hash, at, keyId, publicKey, signature } = value as Record<string, unknown>
  const members = Object.keys(value)
  const known = members.length === (members.includes('chain') ? MEMBERS + 1 : MEMBERS)
  const texts = [connection, hash, at, keyId, publicKey, signature].every((text) => typeof text === 'string')
  const numbers = [number, count, chain ?? 0].every((one) => Number.isSafeInteger(one) && (one as number) >= 0)
  if (!known || !texts || !numbers || chain === null) return undefined
  const numbered = chain === undefined ? {} : { chain }
  return { connection, ...numbered, number, count, hash, at, keyId, publicKey, signature } as Checkpoint
}

/** A key pair as it is kept: base64url of PKCS #8, and of the 32 bytes of the public key. */
export interface SigningKey {
  readonly privateKey: string
  readonly publicKey: string
}

export async function newSigningKey(): Promise<SigningKey> {
  const pair = (await crypto.subtle.generateKey(ED25519, true, ['sign', 'verify'])) as CryptoKeyPair
  return {
    privateKey: text(await crypto.subtle.exportKey('pkcs8', pair.privateKey)),
    publicKey: text(await crypto.subtle.exportKey('raw', pair.publicKey)),
  }
}

export async function createSigner({ privateKey, publicKey }: SigningKey): Promise<Signer> {
  const key = await crypto.subtle.importKey('pkcs8', bytes(privateKey), ED25519, false, ['sign'])
  return {
    keyId: await keyIdOf(publicKey),
    publicKey,
    sign: async (signed) => text(await crypto.subtle.sign(ED25519, key, utf8(signed))),
  }
}

const keyIdOf = async (publicKey: string): Promise<string> => (await sha256Hex(publicKey)).slice(0, 16)

const utf8 = (signed: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(signed)

const text = (raw: ArrayBuffer): string => encodeBase64url(new Uint8Array(raw))

/** Throws on what is no base64url. */
const bytes = (base64url: string): Uint8Array<ArrayBuffer> => new Uint8Array(decodeBase64url(base64url))
