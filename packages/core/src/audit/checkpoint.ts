import type { ChainHead } from '../domain/chain.ts'
import { lengthPrefixed } from '../domain/length-prefix.ts'
import { type Instant, iso } from '../domain/time.ts'
import { sha256Hex } from '../ports/system.ts'
import { decodeBase64url, encodeBase64url } from '../domain/base64url.ts'

/**
 * A signed statement of the number and the hash of the last record of a chain. A checkpoint that is kept
 * outside the store reveals that the end was cut off, or that the whole chain was written anew.
 */
export interface Checkpoint {
  /** The name of the connection. */
  readonly connection: string
  /** The number of the chain, from 0; absent in checkpoints of version 1, when there was one chain only. */
  readonly chain?: number
  /** The number of the checkpoint, from 1, without gaps in a connection. */
  readonly number: number
  /** How many records the chain has. */
  readonly count: number
  /** The hash of the last record. */
  readonly hash: string
  /** When it was signed, as ISO 8601 UTC. */
  readonly at: string
  /** The first 16 hexadecimal digits of the SHA-256 of the public key. */
  readonly keyId: string
  /** The 32 bytes of the Ed25519 key, as base64url. */
  readonly publicKey: string
  /** The Ed25519 signature over all other members, as base64url. */
  readonly signature: string
}

/** The first line of an export of a log whose first records were pruned: the records begin after it. */
export interface ExportBase {
  readonly base: Checkpoint
  /**
   * The Ed25519 signature, as base64url, that an export with this end begins after the base. Absent in exports of
   * former versions, whose record AUDIT_PRUNED names the base.
   */
  readonly signature?: string
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

/**
 * What is wrong with a checkpoint, as a clause; undefined when it is of this connection and signed with the
 * key that it names.
 */
export async function checkpointFault(checkpoint: Checkpoint, connection: string): Promise<string | undefined> {
  if (checkpoint.connection !== connection) return `is of connection ${checkpoint.connection}, not ${connection}`
  if (checkpoint.keyId !== (await keyIdOf(checkpoint.publicKey))) return 'names a key that is not its own'
  return (await isSigned(checkpoint)) ? undefined : 'is not signed with the key that it names'
}

const isSigned = (checkpoint: Checkpoint): Promise<boolean> =>
  isSignedBy(checkpoint.publicKey, checkpoint.signature, signedText(checkpoint))

async function isSignedBy(publicKey: string, signature: string, signed: string): Promise<boolean> {
  try {
    const key = await crypto.subtle.importKey('raw', bytes(publicKey), ED25519, false, ['verify'])
    return await crypto.subtle.verify(ED25519, key, bytes(signature), utf8(signed))
  } catch {
    // The key or the base64url is not valid.
    return false
  }
}

const startText = (base: Checkpoint, end: Checkpoint): string =>
  lengthPrefixed(['guestpass export 1', ...[base, end].map(({ signature: _own, ...one }) => signedText(one))])

/**
 * Signs that an export which ends with a checkpoint begins after another one, because the records before it were
 * pruned. Without it, any signed checkpoint could be put in the place of the records before it.
 */
export const signedStart = (base: Checkpoint, end: Checkpoint, { sign }: Signer): Promise<string> =>
  sign(startText(base, end))

/** Whether the key of the last checkpoint has signed that the export begins after the base. */
export const isStartSigned = (base: Checkpoint, end: Checkpoint, signature: string): Promise<boolean> =>
  isSignedBy(end.publicKey, signature, startText(base, end))

/** How many members a checkpoint has, beside the number of its chain. */
const MEMBERS = 8

/**
 * Reads a checkpoint. It does not check the signature.
 *
 * @param value parsed JSON
 * @returns undefined when the value does not have exactly the members of a checkpoint
 */
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

/** A key pair in its stored form: base64url of PKCS #8, and of the 32 bytes of the public key. */
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

/** Throws on a text that is not base64url. */
const bytes = (base64url: string): Uint8Array<ArrayBuffer> => new Uint8Array(decodeBase64url(base64url))
